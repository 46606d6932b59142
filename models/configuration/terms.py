"""A term of the objective as a page gives it: the schedule of its weight, and its floor. Free of torch."""

from collections.abc import Mapping
from typing import Any

from uncollapse.models.configuration.bounds import NonNegative
from uncollapse.models.configuration.option import Option

FLOOR = Option("floor", NonNegative, 0.0)


def schedule_of(term: Mapping[str, Any]) -> dict[str, Any]:
    """A term's settings less its floor, which is the objective's and not the schedule's."""
    return {key: value for key, value in term.items() if key != FLOOR.name}
