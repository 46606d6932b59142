"""Families: pages of `search_spaces/`, or of the user, checked and resolved. Free of torch."""

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from uncollapse.models.configuration import components, resolve
from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.search_spaces import page_yaml, space
from uncollapse.study.config.names import CONSTRAINT, NAME
from uncollapse.study.config.page_files import own, page_of
from uncollapse.study.errors import UserError

PAGE_KEYS = ("title", "paper", "base", "search")
NEEDED_KEYS = ("title", "paper", "base")


@dataclass(frozen=True)
class Family:
    """A model family: its page, checked.

    Args:
        name: of the page's file.
        title, paper: for people.
        base: of every component, before anything is drawn.
        search: what is searched, as `search_spaces.space` reads it.
        fixed: hyperparameters of the page that an override sets.
    """

    name: str
    title: str
    paper: str
    base: Mapping[str, Any]
    search: Mapping[str, Any]
    fixed: tuple[str, ...] = ()

    def configure(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        """The resolved configuration of the base under what a trial has drawn."""
        return resolve.resolve(merge(self.base, drawn))

    def locate(self, configuration: Mapping[str, Any]) -> dict[str, Any]:
        """The hyperparameters that draw a resolved configuration; none where the space cannot draw it exactly."""
        try:
            found = space.locate(self.search, configuration)
        except LookupError:
            return {}

        def known(name: str, leaf: space.Distribution) -> Any:
            return leaf.names[found[name]] if isinstance(leaf, space.Choice) else found[name]

        return found if self.configure(space.draw(self.search, known)) == configuration else {}

    def override(self, settings: Mapping[str, Any]) -> "Family":
        """The family under a study's override: hyperparameters that it sets are no longer searched."""
        fitting = _fitting(self.base, settings)
        search = _without(self.search, fitting)
        left = dict(space.hyperparameters(search))
        fixed = tuple(
            hyperparameter for hyperparameter, _ in space.hyperparameters(self.search) if hyperparameter not in left
        )
        return replace(self, base=merge(self.base, fitting), search=search, fixed=fixed)


def names() -> list[str]:
    """Every family that has a page here; those of other packages are beside them."""
    return own()


def load(name: str, folder: Path | None = None, corners: bool = True) -> Family:
    """A family by its name, of ours or of an installed package, or by the path of a page, relative to `folder`.

    Args:
        corners: check the page with every hyperparameter at each of its extremes too; a list of pages need not.

    Raises:
        UserError: no such page, or every error in it.
    """
    path = page_of(name, folder or Path.cwd())
    if not NAME.fullmatch(path.stem):
        raise UserError(
            f"family {name!r}: a page's file gives the family its name, which is {CONSTRAINT}, found {path.stem!r}"
        )
    try:
        page = page_yaml.load(path)
    except (OSError, ValueError) as error:
        raise UserError(f"family {name!r}: {error}") from None
    if found := _page_errors(page, path.name):
        raise UserError(found)
    family = Family(path.stem, page["title"], page["paper"], page["base"], _searched(page))
    if found := errors(family) if corners else resolve.errors(family.base, family.name):
        raise UserError(found)
    return family


def errors(family: Family) -> list[str]:
    """Every error of a family's base, and of its base with each hyperparameter at each of its extremes."""
    found = resolve.errors(family.base, family.name)
    if found or not family.search:
        return found
    unique: dict[str, None] = {}
    for settings in space.corners(family.search):
        unique |= dict.fromkeys(resolve.errors(merge(family.base, settings), f"{family.name}.search"))
    return list(unique)


def reachable(family: Family) -> Iterator[dict[str, Any]]:
    """Resolved configurations that between them name every component that a trial of a checked family can have."""
    yield family.configure({})
    if family.search:
        yield from map(family.configure, space.corners(family.search))


def merge(base: Any, settings: Any) -> Any:
    """`base` with `settings` laid over it; a component of another kind is replaced whole."""
    if not (isinstance(base, Mapping) and isinstance(settings, Mapping)):
        return copy.deepcopy(settings)
    if "kind" in settings and settings["kind"] != base.get("kind", settings["kind"]):
        return copy.deepcopy(dict(settings))
    merged = copy.deepcopy(dict(base))
    for key, value in settings.items():
        merged[key] = merge(base[key], value) if key in base else copy.deepcopy(value)
    return merged


def _page_errors(page: Any, place: str) -> list[str]:
    if not isinstance(page, Mapping):
        return [f"{place}: a page is a mapping with {', '.join(PAGE_KEYS)}, found {type(page).__name__}"]
    found = [f"{place}: {unknown('key of a page', key, PAGE_KEYS)}" for key in page if key not in PAGE_KEYS]
    found += [f"{place}: a page says its {key}; add it" for key in NEEDED_KEYS if not page.get(key)]
    for key in ("title", "paper"):
        if page.get(key) and not isinstance(page[key], str):
            found.append(f"{place}: {key}: a text, found {page[key]!r}; put it in quotes")
    if "base" in page and page["base"] and not isinstance(page["base"], Mapping):
        found.append(
            f"{place}: base: a mapping of components, such as {{encoder: {{kind: recurrent}}}}, found {page['base']!r}"
        )
    return found + space.errors(_searched(page), f"{place}: search")


def _searched(page: Mapping[str, Any]) -> Any:
    """A page's `search`; one that is left empty searches nothing."""
    search = page.get("search")
    return {} if search is None else search


def _fitting(base: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The component of an override that this family has a place for: an option counts where its component's kind
    knows it."""
    fitting: dict[str, Any] = {}
    for slot, given in settings.items():
        if isinstance(given, Mapping):
            kept = {key: value for key, value in given.items() if "kind" in given or has_place(base, slot, key)}
            fitting |= {slot: kept} if kept else {}
    return fitting


def has_place(base: Mapping[str, Any], slot: str, key: str) -> bool:
    """Whether the component that fills `slot` in a page's base has an option, or the objective a term, called `key`."""
    component = base.get(slot, resolve.OPTIONAL.get(slot))
    if not isinstance(component, Mapping):
        return False
    return key in component if slot == "objective" else key in components.resolve(slot, component)


def _without(search: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """A search space less the hyperparameters that `fixed` sets; a component whose kind is set anew is not searched
    at all."""
    kept: dict[str, Any] = {}
    for key, node in search.items():
        setting = fixed.get(key)
        if key not in fixed:
            kept[key] = node
        elif isinstance(setting, Mapping) and "kind" not in setting and isinstance(node, Mapping):
            remaining = _less(space.expand(node), setting)
            kept |= {key: remaining} if remaining else {}
    return kept


def _less(node: Mapping[str, Any], fixed: Mapping[str, Any]) -> dict[str, Any]:
    """An inner node less its fixed hyperparameters.

    A branch that may be chosen carries the fixed value, or it would be lost.
    """
    if "one_of" not in node:
        return _without(node, fixed)
    branches = {
        kind: {key: fixed.get(key, inner) for key, inner in (options or {}).items()}
        for kind, options in node["one_of"].items()
    }
    return {"one_of": branches}
