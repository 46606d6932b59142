"""The study page: what a user asks for, checked as a whole before anything starts. Free of torch, ray and mlflow."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from uncollapse.analysis.schema import REPLICATE, SEARCH
from uncollapse.models.configuration.bounds import Count
from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.search_spaces import page_yaml
from uncollapse.study.config import families, grid, starting_points
from uncollapse.study.config.families import Family
from uncollapse.study.config.names import CONSTRAINT, study_error
from uncollapse.study.config.page_files import expand
from uncollapse.study.config.sections import (
    SECTIONS,
    Evaluate,
    Export,
    Replicate,
    Resources,
    Search,
    Train,
    search_errors,
)
from uncollapse.study.config.tracking_uri import tracking_error
from uncollapse.study.corpora.forms import SHAPE
from uncollapse.study.errors import UserError
from uncollapse.study.validation.annotations import Help, Rule
from uncollapse.study.validation.keys import key_errors, keys, section_errors

MOST_TRIALS = 1_000_000  # each is held in memory, a few kilobytes
DOUBLES = 20  # proposals in a row that were trained already, after which a family's search ends


@dataclass(frozen=True)
class Page:
    """The keys of a study page that are no sections of options."""

    study: Annotated[
        str, Rule(CONSTRAINT, study_error), Help("the study's name: its folder under `runs/` and its MLflow experiment")
    ]
    corpus: Annotated[Mapping[str, Any], Rule(SHAPE), Help("the sentences; relative paths start where the page lies")]
    families: Annotated[
        Literal["all"] | list[Any],
        Rule("a list of at least one family, or `all`", remedy="; `uncollapse families` lists them"),
        Help(
            "the families that are compared, by name or by the path of a page of one's own; `all` are those of ours "
            "that can run here on this corpus, and `plan` names the others"
        ),
    ]
    override: Annotated[
        Mapping[str, Any],
        Rule("a mapping of components, such as {encoder: {hidden: 128}}"),
        Help("options laid over every family that has a place for them; they are then no longer searched"),
    ] = field(default_factory=dict)
    tracking: Annotated[
        str | None,
        Rule("MLflow's URI", tracking_error),
        Help("where runs are logged; where nothing is said, an SQLite database beside the study"),
    ] = None
    seed: Annotated[
        Count, Rule("a whole number from 0"), Help("from which the seeds of trials and proposals are derived")
    ] = 0


PLAIN = tuple(key.name for key in keys(Page))


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
        every: its families are all that there are; what cannot run here is left out.
        left_out: a sentence for each family that was.
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
    every: bool = False
    left_out: tuple[str, ...] = ()

    def settings(self) -> dict[str, Any]:
        """The resolved page, every default written out, as plain data."""
        sections = {name: dataclasses.asdict(getattr(self, name)) for name in SECTIONS}
        pages = {family.name: {"base": family.base, "search": family.search} for family in self.families}
        plain = {"corpus": self.corpus, "override": self.override, "tracking": self.tracking, "seed": self.seed}
        return {"study": self.name, **plain, **sections, "families": pages}


def planned(settings: Mapping[str, Any]) -> dict[str, dict[str, int]]:
    """Trials of each family in each stage, at most, from resolved settings.

    A grid may hold fewer. A page that searches nothing confirms its base; of another, what `replicate.also` names may
    be among the chosen.
    """
    searched = {name: bool(page["search"]) for name, page in settings["families"].items()}
    configurations = settings["replicate"]["configurations"] + len(settings["replicate"].get("also", ()))
    seeds = settings["replicate"]["seeds"]
    return {
        SEARCH: {name: grid.trials(settings, name) for name, search in searched.items() if search},
        REPLICATE: {name: (configurations if search else 1) * seeds for name, search in searched.items()},
    }


def load(path: Path) -> Study:
    """Read and check a study page.

    Raises:
        UserError: every error of the page and of its families at once.
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
    if found := page_yaml.unwritable({**page, "folder": str(folder)}):  # exported files will have to hold it
        raise UserError([f"{place}: {error}" for error in found])
    found = _page_errors(page)
    loaded, family_errors = _families(page, folder)
    every = page.get("families") == "all" and bool(loaded)
    found += [] if every else family_errors
    found += _twice(page, loaded)
    if not found:
        found = _override_errors(page.get("override", {}), loaded)
    if not found:
        search = page.get("search", {})
        start, found = starting_points.read(search.get("start", ()), loaded, folder)
        found += grid.errors(search.get("sampler", ""), loaded)
    if found:
        raise UserError([f"{place}: {error}" for error in found])
    sections = {name: kind(**page.get(name, {})) for name, kind in SECTIONS.items()}
    sections["search"] = dataclasses.replace(sections["search"], start=tuple(start))
    plain = {key: page[key] for key in ("corpus", "override", "tracking", "seed") if key in page}
    study = Study(name=page["study"], families=tuple(loaded), folder=folder, every=every, **plain, **sections)
    study = dataclasses.replace(study, left_out=tuple(f"families: all: {one}" for one in family_errors))
    if (trials := sum(sum(counts.values()) for counts in planned(study.settings()).values())) > MOST_TRIALS:
        constraint = f"a study has at most {MOST_TRIALS:,} trials, and this one plans {trials:,}"
        raise UserError(f"{place}: {constraint}; lower search.trials, replicate.configurations or replicate.seeds")
    return study


def _page_errors(page: Mapping[str, Any]) -> list[str]:
    known = (*PLAIN, *SECTIONS)
    found = [unknown("key of a study", key, known) for key in page if key not in known]
    found += key_errors(Page, page, "")
    inside = [error for name, kind in SECTIONS.items() for error in section_errors(name, kind, page.get(name, {}))]
    return found + (inside or search_errors(page))


def _families(page: Mapping[str, Any], folder: Path) -> tuple[list[Family], list[str]]:
    wanted = page.get("families")
    if wanted == "all":
        wanted = families.names()
    if not isinstance(wanted, list):
        return [], []
    loaded: list[Family] = []
    found: list[str] = []
    override = page.get("override", {})
    try:
        named = expand(wanted, folder)
    except UserError as error:
        return [], list(error.errors)
    for name in named:
        try:
            loaded.append(_overridden(families.load(name, folder), override))
        except UserError as error:
            found += error.errors
    return loaded, found


def _twice(page: Mapping[str, Any], loaded: list[Family]) -> list[str]:
    once = len({family.name for family in loaded}) == len(loaded)
    return [] if once else [f"families: each family once, found {page['families']!r}"]


def _overridden(family: Family, override: Any) -> Family:
    if not isinstance(override, Mapping):
        return family
    changed = family.override(override)
    if found := families.errors(changed):
        raise UserError([f"under `override`, {error}" for error in found])
    return changed


def _override_errors(override: Mapping[str, Any], loaded: list[Family]) -> list[str]:
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
