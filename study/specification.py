"""The study page: what a user asks for, checked as a whole before anything starts. Free of torch, ray and mlflow."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from models import parts
from models.bounds import Bound, Count, NonNegative, Positive, Several, Share, Size
from models.faults import unknown
from search_spaces import page_yaml
from study import aims, families
from study.errors import UserError
from study.families import Family
from study.names import study_fault
from study.records import REPLICATE, SEARCH
from study.uris import uri_fault


@dataclass(frozen=True)
class Search:
    """The search stage: equal trials per family, a sampler and early stopping per family.

    Args:
        trials: per family.
        sampler: tpe, or random (seeded by trial, so that its proposals never depend on timing).
        stop_early: asha, or none.
        select: the unit-weight bound of the validation subset by which trials are compared; or a list of it and further
            measures, each the higher the better: the search then looks for their front, from which is confirmed.
        warm_start: earlier studies, by name or folder, whose finished search trials the tpe sampler learns from; they
            are no trials of this study.
        subject_to: limits that measures of the validation subset have to keep, such as {subset/mi: ">= 0.1"}; whatever
            breaks one is neither confirmed nor, by its median on the whole split, exported.
        audit: share of the trials that is never stopped early, to measure what stopping hides.
    """

    trials: Size = 24
    sampler: Literal["tpe", "random"] = "tpe"
    stop_early: Literal["asha", "none"] = "asha"
    select: str | Sequence[str] = "valid/nll_iw"
    audit: Share = 0.1
    subject_to: Mapping[str, str] = field(default_factory=dict)
    warm_start: tuple[str, ...] = ()

    @property
    def bound(self) -> str:
        """What stands for a trial where one figure has to."""
        return aims.objectives(self.select)[0]


@dataclass(frozen=True)
class Replicate:
    """The replicate stage: the best `configurations` of each family x the same confirmation `seeds`.

    Args:
        racing: none gives every configuration every seed; signs gives no more seeds to one that can no longer be its
            family's best, by the test of `study.racing`.
    """

    configurations: Size = 3
    seeds: Size = 10
    racing: Literal["none", "signs"] = "none"


@dataclass(frozen=True)
class Train:
    """The length of every training of the study, and how its numbers are made.

    Args:
        epochs: passes over the training split.
        batch_size: sentences of an update.
        precision: of matrix products while training: float32, or bfloat16 (mixed: weights, sums and measures stay
            float32).
        deterministic: GPU kernels that repeat their numbers; a CPU repeats them anyway.
    """

    epochs: Size = 10
    batch_size: Size = 32
    precision: Literal["float32", "bfloat16"] = "float32"
    deterministic: bool = True


@dataclass(frozen=True)
class Evaluate:
    """What evaluations spend, see `study.training.Effort`, and what else is asked of a confirmation run.

    Args:
        probes: of `study.probing`, run once on the trained model.
    """

    subset_sentences: Several = 256
    subset_samples: Size = 8
    full_samples: Size = 64
    probes: tuple[Literal["samples", "codes", "accuracy", "patterns", "order", "words", "isotropy"], ...] = (
        "samples",
        "codes",
    )


@dataclass(frozen=True)
class Portion(Bound):
    """How much of a device one trial can ask for: of a GPU what Ray can hand out, and beyond the first only whole."""

    least: float = 0.0001  # Ray's smallest step
    whole: bool = False

    def fault(self, value: float) -> str | None:
        if (fault := super().fault(value)) is not None:
            return fault
        if 0 < value < self.least:
            return f"must be at least {self.least:g}"
        return "must be a whole number where it is more than 1" if self.whole and value > 1 and value % 1 else None


@dataclass(frozen=True)
class Resources:
    """What one trial occupies, and how long it may be silent.

    Args:
        cpus: of one trial; its whole part is the number of threads.
        gpus: of one trial; fractions are allowed.
        at_once: trials at once, also where a cluster starts nodes when trials wait for them; 0 for as many as fit.
        epoch_seconds: within which a trial reports again; one that does not hangs and is ended.
        weights_gb: that the weights of confirmation runs may take on disk; 0 keeps none.
    """

    cpus: Annotated[float, Portion(low=0.0, low_open=True, least=0.01)] = 1  # a hundred processes a CPU are enough
    gpus: Annotated[float, Portion(low=0.0, whole=True)] = 0
    at_once: Count = 0
    epoch_seconds: Positive = 3600
    weights_gb: NonNegative = 10


@dataclass(frozen=True)
class Export:
    """The export rule: lowest median `valid/nll_iw` among configurations whose upper collapse bound is at most this."""

    collapse_limit: Share = 0.5


SECTIONS: Mapping[str, type] = {
    "search": Search,
    "replicate": Replicate,
    "train": Train,
    "evaluate": Evaluate,
    "resources": Resources,
    "export": Export,
}
OWN_FAULTS: Mapping[tuple[str, str], Callable[[Any], str | None]] = {
    ("search", "subject_to"): aims.limits_fault,
    ("search", "select"): aims.select_fault,
}
MOST_TRIALS = 1_000_000  # each is held in memory, a few kilobytes
PLAIN = ("study", "corpus", "families", "override", "tracking", "seed")


@dataclass(frozen=True)
class Study:
    """A whole study, checked.

    Args:
        name: the folder under `runs/` and the MLflow experiment.
        corpus: settings, as `study.corpora` reads them; relative paths start at `folder`.
        families: with the override already laid over them.
        override: laid over every family that has a place for it.
        tracking: MLflow's URI; None for SQLite beside the study.
        seed: from which tuning seeds and proposals are derived.
        folder: where the page lies.
    """

    name: str
    corpus: Mapping[str, Any]
    families: tuple[Family, ...]
    search: Search = field(default_factory=Search)
    replicate: Replicate = field(default_factory=Replicate)
    train: Train = field(default_factory=Train)
    evaluate: Evaluate = field(default_factory=Evaluate)
    resources: Resources = field(default_factory=Resources)
    export: Export = field(default_factory=Export)
    override: Mapping[str, Any] = field(default_factory=dict)
    tracking: str | None = None
    seed: int = 0
    folder: Path = field(default_factory=Path)

    def settings(self) -> dict[str, Any]:
        """The resolved page, every default written out, as plain data."""
        sections = {name: dataclasses.asdict(getattr(self, name)) for name in SECTIONS}
        pages = {family.name: {"base": family.base, "search": family.search} for family in self.families}
        plain = {"corpus": self.corpus, "override": self.override, "tracking": self.tracking, "seed": self.seed}
        return {"study": self.name, **plain, **sections, "families": pages}


def planned(settings: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Trials of each family in each stage, from resolved settings; a page that searches nothing confirms its base."""
    searched = {name: bool(page["search"]) for name, page in settings["families"].items()}
    configurations = settings["replicate"]["configurations"]
    seeds = settings["replicate"]["seeds"]
    return {
        SEARCH: {name: settings["search"]["trials"] for name, search in searched.items() if search},
        REPLICATE: {name: (configurations if search else 1) * seeds for name, search in searched.items()},
    }


def load(path: Path) -> Study:
    """Read and check a study page.

    Raises:
        UserError: every fault of the page and of its families at once.
    """
    try:
        page = page_yaml.load(path)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file; give the path of a study page") from None
    except (OSError, ValueError) as error:
        raise UserError(str(error)) from None
    return parse(page, path.resolve().parent, path.name)


def parse(page: Any, folder: Path, place: str) -> Study:
    """Check a study page that is already read; `place` names it in messages."""
    if not isinstance(page, Mapping):
        raise UserError(f"{place}: a study page is a mapping with study, corpus and families, found {page!r}")
    found = _page_faults(page)
    loaded, family_faults = _families(page, folder)
    found += family_faults
    if found:
        raise UserError([f"{place}: {fault}" for fault in found])
    sections = {name: kind(**page.get(name, {})) for name, kind in SECTIONS.items()}
    plain = {key: page[key] for key in ("corpus", "override", "tracking", "seed") if key in page}
    study = Study(name=page["study"], families=tuple(loaded), folder=folder, **plain, **sections)
    if (trials := sum(sum(counts.values()) for counts in planned(study.settings()).values())) > MOST_TRIALS:
        law = f"a study has at most {MOST_TRIALS:,} trials, and this one plans {trials:,}"
        raise UserError(f"{place}: {law}; lower search.trials, replicate.configurations or replicate.seeds")
    return study


def _page_faults(page: Mapping[str, Any]) -> list[str]:
    known = (*PLAIN, *SECTIONS)
    found = [unknown("key of a study", key, known) for key in page if key not in known]
    if (fault := study_fault(page.get("study"))) is not None:
        found.append(f"study: {fault}")
    if not isinstance(page.get("corpus"), Mapping):
        found.append(
            f"corpus: a mapping such as {{name: cafes}} or {{path: ..., format: ...}}, found {page.get('corpus')!r}"
        )
    if not isinstance(page.get("override", {}), Mapping):
        found.append(f"override: a mapping of parts, such as {{encoder: {{hidden: 128}}}}, found {page['override']!r}")
    if not isinstance(page.get("tracking", ""), str):
        found.append(f"tracking: MLflow's URI, such as http://127.0.0.1:5000, found {page['tracking']!r}")
    elif (fault := uri_fault(page.get("tracking", ""))) is not None:
        found.append(f"tracking: {fault}")
    if type(page.get("seed", 0)) is not int or page.get("seed", 0) < 0:
        found.append(f"seed: a whole number from 0, found {page['seed']!r}")
    inside = [fault for name, kind in SECTIONS.items() for fault in section_faults(name, kind, page.get(name, {}))]
    return found + (inside or _search_faults(page))


def _search_faults(page: Mapping[str, Any]) -> list[str]:
    """What does not go together; above all, what compares by one figure has no place where several are looked for."""
    search, replicate = Search(**page.get("search", {})), Replicate(**page.get("replicate", {}))
    if search.warm_start and search.sampler == "random":
        return ["search.warm_start: random proposals learn from nothing; leave it out, or say sampler: tpe"]
    if len(aims.objectives(search.select)) == 1:
        return []
    law = "with several measures in search.select no trial is the better one by a single figure"
    faulty = {
        "search.stop_early": search.stop_early != "none",
        "replicate.racing": replicate.racing != "none",
    }
    return [f"{place}: {law}; say `none`" for place, fault in faulty.items() if fault]


def section_faults(name: str, kind: type, given: Any) -> list[str]:
    """Every fault of one section of a page; `kind` is the dataclass that it becomes."""
    hints = get_type_hints(kind, include_extras=True)
    if not isinstance(given, Mapping):
        return [f"{name}: a mapping of {', '.join(hints)}, found {given!r}"]
    found = []
    for key, value in given.items():
        if key not in hints:
            found.append(f"{name}.{key}: {unknown(f'key of {name}', key, hints)}")
        elif (fault := OWN_FAULTS.get((name, key), parts.Option(key, hints[key], None).fault)(value)) is not None:
            found.append(f"{name}.{key}: {fault}, found {value!r}")
    return found


def _families(page: Mapping[str, Any], folder: Path) -> tuple[list[Family], list[str]]:
    wanted = page.get("families")
    if wanted == "all":
        wanted = families.names()
    if not isinstance(wanted, list) or not wanted:
        return [], [
            f"families: a list of at least one family, or `all`, found {wanted!r}; `uncollapse families` lists them"
        ]
    loaded: list[Family] = []
    found: list[str] = []
    override = page.get("override", {})
    for name in wanted:
        try:
            loaded.append(_overridden(families.load(str(name), folder), override))
        except UserError as error:
            found += error.faults
    if len({family.name for family in loaded}) < len(loaded):
        found.append(f"families: each family once, found {wanted!r}")
    if not found and isinstance(override, Mapping):
        found += _override_faults(override, loaded)
    return loaded, found


def _overridden(family: Family, override: Any) -> Family:
    if not isinstance(override, Mapping):
        return family
    changed = family.override(override)
    if found := families.faults(changed):
        raise UserError([f"under `override`, {fault}" for fault in found])
    return changed


def _override_faults(override: Mapping[str, Any], loaded: list[Family]) -> list[str]:
    """An override that no family has a place for is a mistake, never skipped in silence."""
    found = []
    for slot, given in override.items():
        if not isinstance(given, Mapping):
            found.append(f"override.{slot}: a mapping of options, found {given!r}")
            continue
        found += [
            f"override.{slot}.{key}: no family of this study has such an option; leave it out"
            for key in given
            if not any(families.has_place(family.base, slot, key) for family in loaded)
        ]
    return found
