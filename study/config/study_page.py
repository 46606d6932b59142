"""The study page: what a user asks for, checked as a whole before anything starts. Free of torch, ray and mlflow."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uncollapse.analysis.schema import REPLICATE, SEARCH
from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.search_spaces import page_yaml
from uncollapse.study.config import families
from uncollapse.study.config.families import Family
from uncollapse.study.config.names import study_error
from uncollapse.study.config.sections import (
    SECTIONS,
    Evaluate,
    Export,
    Replicate,
    Resources,
    Search,
    Train,
    search_errors,
    section_errors,
)
from uncollapse.study.config.tracking_uri import uri_error
from uncollapse.study.errors import UserError

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
    found = _page_errors(page)
    loaded, family_errors = _families(page, folder)
    found += family_errors
    if found:
        raise UserError([f"{place}: {error}" for error in found])
    sections = {name: kind(**page.get(name, {})) for name, kind in SECTIONS.items()}
    plain = {key: page[key] for key in ("corpus", "override", "tracking", "seed") if key in page}
    study = Study(name=page["study"], families=tuple(loaded), folder=folder, **plain, **sections)
    if (trials := sum(sum(counts.values()) for counts in planned(study.settings()).values())) > MOST_TRIALS:
        constraint = f"a study has at most {MOST_TRIALS:,} trials, and this one plans {trials:,}"
        raise UserError(f"{place}: {constraint}; lower search.trials, replicate.configurations or replicate.seeds")
    return study


def _page_errors(page: Mapping[str, Any]) -> list[str]:
    known = (*PLAIN, *SECTIONS)
    found = [unknown("key of a study", key, known) for key in page if key not in known]
    if (error := study_error(page.get("study"))) is not None:
        found.append(f"study: {error}")
    if not isinstance(page.get("corpus"), Mapping):
        found.append(
            f"corpus: a mapping such as {{name: cafes}} or {{path: ..., format: ...}}, found {page.get('corpus')!r}"
        )
    if not isinstance(page.get("override", {}), Mapping):
        found.append(
            f"override: a mapping of components, such as {{encoder: {{hidden: 128}}}}, found {page['override']!r}"
        )
    if not isinstance(page.get("tracking", ""), str):
        found.append(f"tracking: MLflow's URI, such as http://127.0.0.1:5000, found {page['tracking']!r}")
    elif (error := uri_error(page.get("tracking", ""))) is not None:
        found.append(f"tracking: {error}")
    if type(page.get("seed", 0)) is not int or page.get("seed", 0) < 0:
        found.append(f"seed: a whole number from 0, found {page['seed']!r}")
    inside = [error for name, kind in SECTIONS.items() for error in section_errors(name, kind, page.get(name, {}))]
    return found + (inside or search_errors(page))


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
            found += error.errors
    if len({family.name for family in loaded}) < len(loaded):
        found.append(f"families: each family once, found {wanted!r}")
    if not found and isinstance(override, Mapping):
        found += _override_errors(override, loaded)
    return loaded, found


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
