"""What a search tries before it proposes anything: the page's own configuration, then what `search.start` says."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from uncollapse.analysis.schema import BASE, START
from uncollapse.study.config.families import Family


class StatedPoint(NamedTuple):
    """A configuration that is stated and not drawn.

    origin: why it is tried.
    configuration: resolved.
    params: the hyperparameters that draw it; empty where the space cannot, and then no sampler learns from it.
    """

    origin: str
    configuration: dict[str, Any]
    params: dict[str, Any]


def stated_points(family: Family, start: Sequence[Mapping[str, Any]]) -> list[StatedPoint]:
    """The base of a family, then what `search.start` says of it."""
    origins = [(BASE, {}), *((START, one[family.name]) for one in start if family.name in one)]
    return [_stated(family, origin, components) for origin, components in origins]


def _stated(family: Family, origin: str, components: Mapping[str, Any]) -> StatedPoint:
    configuration = family.configure(components)
    return StatedPoint(origin, configuration, family.locate(configuration))
