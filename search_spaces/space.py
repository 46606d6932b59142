"""Search spaces: what a page says is searched, walked into named hyperparameters.

A leaf is `{float: [low, high], log: true}`, `{int: [low, high], log: true}` or `{choice: [...]}`, the first two with
`points: [...]` for a grid; `{one_of: {kind: {...}}}` chooses a kind and then searches that kind's hyperparameters;
`{space: name}` stands for the page `name` beside.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

from uncollapse.search_spaces import page_yaml

FOLDER = Path(__file__).parent
FLOOR = "floor"


@dataclass(frozen=True)
class Interval:
    """Numbers from `low` to `high`, both included; whole ones if `whole`; uniform in the logarithm if `log`.

    `points` are those that a grid takes; it has none where the page states none.
    """

    low: float
    high: float
    log: bool
    whole: bool
    points: tuple[Any, ...] = ()

    @property
    def extremes(self) -> tuple[Any, ...]:
        return (self.low, self.high)

    @property
    def middle(self) -> Any:
        """Where a typical trial stands."""
        centre = math.sqrt(self.low * self.high) if self.log else (self.low + self.high) / 2
        return round(centre) if self.whole else centre

    def recorded(self, value: Any) -> Any:
        """A value as it is recorded; raises LookupError where it lies outside."""
        if type(value) not in (int, float) or not self.low <= value <= self.high or (self.whole and value % 1):
            raise LookupError(value)
        return value

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}" + (", whole" if self.whole else "") + (", log" if self.log else "")


@dataclass(frozen=True)
class Choice:
    """One of `values`."""

    values: tuple[Any, ...]

    @property
    def names(self) -> dict[str, Any]:
        """Values by the names under which they are recorded: a list is its items joined by +."""
        return {"+".join(map(str, value)) if isinstance(value, list) else str(value): value for value in self.values}

    @property
    def extremes(self) -> tuple[Any, ...]:
        return self.values

    @property
    def middle(self) -> Any:
        """Where a typical trial stands."""
        return self.values[len(self.values) // 2]

    def recorded(self, value: Any) -> str:
        """The name under which a value is recorded; raises LookupError where it is none of the choice."""
        for name, known in self.names.items():
            if known == value and isinstance(known, bool) == isinstance(value, bool):
                return name
        raise LookupError(value)

    def __str__(self) -> str:
        return " | ".join(self.names)


Distribution = Interval | Choice
Ask = Callable[[str, Distribution], Any]


def draw(search: Mapping[str, Any], ask: Ask) -> dict[str, Any]:
    """Settings drawn from a search space: every hyperparameter is asked for by its dotted name, and only if it is
    needed."""
    return {key: _draw(expand(node), key, ask) for key, node in search.items()}


def _draw(node: Any, name: str, ask: Ask) -> Any:
    if not isinstance(node, Mapping):
        return node  # a value that the page fixes
    if (leaf := distribution(node)) is not None:
        return ask(name, leaf)
    if "one_of" in node:
        kind = ask(f"{name}.kind", Choice(tuple(node["one_of"])))
        options = node["one_of"][kind] or {}
        return {"kind": kind} | {
            key: _draw(expand(inner), f"{name}.{kind}.{key}", ask) for key, inner in options.items()
        }
    return {key: _draw(expand(inner), f"{name}.{key}", ask) for key, inner in node.items()}


def hyperparameters(search: Mapping[str, Any]) -> Iterator[tuple[str, Distribution]]:
    """Every hyperparameter by its dotted name, conditional ones included."""
    for name, leaf, _ in steps(search):
        yield name, leaf


def locate(search: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The hyperparameters that draw these settings, by dotted name and in the words in which they are recorded.

    Args:
        settings: with every default written out.

    Raises:
        LookupError: a value lies outside the space, or what is searched is not there.
    """
    found: dict[str, Any] = {}
    for key, node in search.items():
        _locate(expand(node), key, settings[key], found)
    return found


def _locate(node: Any, name: str, value: Any, found: dict[str, Any]) -> None:
    if not isinstance(node, Mapping):
        return  # the page fixes it
    if (leaf := distribution(node)) is not None:
        found[name] = leaf.recorded(value)
        return
    options = node
    if "one_of" in node:
        found[f"{name}.kind"] = kind = value["kind"]
        options, name = node["one_of"][kind] or {}, f"{name}.{kind}"
    for key, inner in options.items():
        _locate(expand(inner), f"{name}.{key}", value[key], found)


Step = tuple[str, Distribution, Mapping[str, str]]


def steps(search: Mapping[str, Any]) -> Iterator[Step]:
    """Every hyperparameter with the kinds that must be chosen for it to exist."""
    for key, node in search.items():
        yield from _steps_of(expand(node), key, {})


def _steps_of(node: Any, name: str, way: Mapping[str, str]) -> Iterator[Step]:
    if not isinstance(node, Mapping):
        return
    if (leaf := distribution(node)) is not None:
        yield name, leaf, way
    elif "one_of" in node:
        yield f"{name}.kind", Choice(tuple(node["one_of"])), way
        for kind, options in node["one_of"].items():
            for key, inner in (options or {}).items():
                yield from _steps_of(expand(inner), f"{name}.{kind}.{key}", {**way, f"{name}.kind": kind})
    else:
        for key, inner in node.items():
            yield from _steps_of(expand(inner), f"{name}.{key}", way)


def expand(node: Any) -> Any:
    """Replace `{space: name, option: leaf}` by that page, its branches' `option` replaced where they have it.

    A `floor` is no schedule's own and joins every branch.
    """
    if not (isinstance(node, Mapping) and "space" in node):
        return node
    page = _shared_space(node["space"])
    replaced = {key: value for key, value in node.items() if key != "space"}
    branches = {
        kind: options | {key: value for key, value in replaced.items() if key in options or key == FLOOR}
        for kind, options in page["one_of"].items()
    }
    return {"one_of": branches}


@cache
def _shared_space(name: str) -> Any:
    return page_yaml.load(FOLDER / f"{name}.yaml")


def distribution(node: Mapping[str, Any]) -> Distribution | None:
    """The distribution of a leaf; None for an inner node."""
    if "choice" in node:
        return Choice(tuple(node["choice"]))
    for key, number in (("float", float), ("int", int)):
        if key in node:
            low, high = node[key]
            points = tuple(map(number, node.get("points", ())))
            return Interval(number(low), number(high), node.get("log", False), whole=key == "int", points=points)
    return None


def corners(search: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Settings in which each hyperparameter in turn stands at each of its extremes, so that all of them can be
    checked."""
    yield draw(search, partial(_standing, {}))
    for name, leaf, way in steps(search):
        for extreme in leaf.extremes:
            yield draw(search, partial(_standing, {**way, name: extreme}))


def _standing(fixed: Mapping[str, Any], name: str, leaf: Distribution) -> Any:
    """A hyperparameter where `fixed` puts it, else at its first extreme."""
    return fixed.get(name, leaf.extremes[0])


def errors(search: Any, place: str = "search") -> list[str]:
    """Every error in the form of a search space; whether its hyperparameters exist is the model's to say."""
    if not isinstance(search, Mapping):
        return [f"{place}: a search space is a mapping, found {search!r}"]
    return [error for key, node in search.items() for error in _errors(node, f"{place}.{key}")]


def _errors(node: Any, place: str) -> list[str]:
    if not isinstance(node, Mapping):
        return []
    if "space" in node:
        return _reference_errors(node, place)
    if "choice" in node:
        return _choice_errors(node, place)
    for key in ("float", "int"):
        if key in node:
            return _interval_errors(node, key, place)
    return _branch_errors(node, place) if "one_of" in node else errors(node, place)


def _branch_errors(node: Mapping[str, Any], place: str) -> list[str]:
    branches, found = node["one_of"], _strangers(node, ("one_of",), place)
    if not isinstance(branches, Mapping) or not branches:
        return [*found, f"{place}.one_of: maps each kind to its options, found {branches!r}"]
    return found + [error for kind, options in branches.items() for error in errors(options or {}, f"{place}.{kind}")]


def _reference_errors(node: Mapping[str, Any], place: str) -> list[str]:
    if node["space"] != "annealing":
        return [f"{place}.space: the one space that a page may name is `annealing`, found {node['space']!r}"]
    known = dict.fromkeys(option for branch in _shared_space("annealing")["one_of"].values() for option in branch)
    known[FLOOR] = None
    found = _strangers(node, ("space", *known), place)
    return found + errors({key: node[key] for key in node if key in known}, place)


def _choice_errors(node: Mapping[str, Any], place: str) -> list[str]:
    values = node["choice"]
    found = _strangers(node, ("choice",), place)
    if not isinstance(values, list) or not values:
        return [*found, f"{place}.choice: a list of at least one value, found {values!r}"]
    if len(set(map(str, values))) < len(values):
        found.append(f"{place}.choice: every value once, found {values!r}")
    return found


def _interval_errors(node: Mapping[str, Any], key: str, place: str) -> list[str]:
    ends = node[key]
    found = _strangers(node, (key, "log", "points"), place)
    types: tuple[type, ...] = (int,) if key == "int" else (int, float)
    numbers = isinstance(ends, list) and len(ends) == 2 and all(type(end) in types for end in ends)
    if not numbers:
        return [
            *found,
            f"{place}.{key}: [low, high], two numbers{' without a fraction' * (key == 'int')}, found {ends!r}",
        ]
    if not ends[0] < ends[1]:
        found.append(f"{place}.{key}: low is below high, found {ends!r}")
    if not isinstance(node.get("log", False), bool):
        found.append(f"{place}.log: true or false, found {node['log']!r}")
    elif node.get("log") and ends[0] <= 0:
        found.append(f"{place}.{key}: on a log scale low is above 0, found {ends[0]!r}")
    return found + (_points_errors(node["points"], ends, types, place) if "points" in node else [])


def _points_errors(points: Any, ends: Sequence[float], types: tuple[type, ...], place: str) -> list[str]:
    whole = " without a fraction" * (float not in types)
    if not isinstance(points, list) or not points or not all(type(point) in types for point in points):
        return [f"{place}.points: a list of at least one number{whole}, found {points!r}"]
    outside = [point for point in points if not ends[0] <= point <= ends[1]]
    found = [f"{place}.points: every point lies from {ends[0]} to {ends[1]}, found {outside[0]!r}"] if outside else []
    return found + ([f"{place}.points: every point once, found {points!r}"] if len(set(points)) < len(points) else [])


def _strangers(node: Mapping[str, Any], known: tuple[str, ...], place: str) -> list[str]:
    strange = [str(key) for key in node if key not in known]
    return [f"{place}.{key}: only {', '.join(known)} may stand here, found {key!r}" for key in strange]
