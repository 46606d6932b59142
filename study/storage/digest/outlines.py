"""Outlines of many trials in little memory: a column of each thing that they have, and no object a trial."""

from array import array
from collections.abc import Iterator, Sized
from typing import Any

import numpy as np

from uncollapse.analysis.schema import with_fallbacks
from uncollapse.analysis.verdict_rule import JUDGED_BY
from uncollapse.study.config.objectives import BOUNDS, LIMITED
from uncollapse.study.outline import Outline, Span
from uncollapse.study.storage.digest.columns import Column, Columns, Ragged, fill, of_texts, one_line, texts_of

# Whatever a page selects by and limits, its trials are compared and judged by some of these.
COMPARED = JUDGED_BY | {
    f"subset/{name}" for name in (*LIMITED, *(one for bound in BOUNDS for one in with_fallbacks(bound)))
}
MOMENTS = ("started", "ended", "seconds", "heard")
COUNTS = ("number", "seed", "trained")
PLACES = ("study", "place")  # as Optuna counts studies, and the trials of one
CHOSEN = ("family", "stage", "state", "reused_from", "measured")  # of few values, each of which is kept once
NAMES = ("key", "configuration_id")
RAGGED = ("spans", "figures")
TYPES = {**dict.fromkeys(MOMENTS, "d"), **dict.fromkeys((*COUNTS, *PLACES, *CHOSEN), "q")}


class Outlines:
    """Outlines of trials that do not change any more, in the order in which they came.

    Args:
        plain: what `plain` gave of others, which these begin with.

    Raises:
        Exception: `plain` is something else.
    """

    def __init__(self, plain: Columns | None = None) -> None:
        self.columns: dict[str, array[Any]] = {name: array(kind) for name, kind in TYPES.items()}
        self.names: dict[str, list[str]] = {name: [] for name in NAMES}
        self.ragged = {name: Ragged() for name in RAGGED}
        self.texts: list[str] = []
        if plain is not None:
            self._fill(plain)
        self._numbers = {text: number for number, text in enumerate(self.texts)}

    def __len__(self) -> int:
        return len(self.names["key"])

    def __iter__(self) -> Iterator["Row"]:
        return (Row(self, at) for at in range(len(self)))

    def append(self, one: Outline, study: int, place: int) -> None:
        """Add a trial.

        Raises:
            Exception: something of it is not what a trial has, and what is here must not be used any more.
        """
        figures = {name: value for name, value in one.measures.items() if name in COMPARED}
        more: dict[str, Any] = {"study": study, "place": place, "measured": " ".join(figures)}
        for name, column in self.columns.items():
            value = more[name] if name in more else getattr(one, name)
            column.append(self._number(value) if name in CHOSEN else value)
        for name, texts in self.names.items():
            texts.append(one_line(getattr(one, name)))
        self.ragged["spans"].append(moment for span in one.spans for moment in span)
        self.ragged["figures"].append(figures.values())

    def _number(self, text: str) -> int:
        """Of a text that many trials have."""
        if text not in self._numbers:
            self._numbers[one_line(text)] = len(self.texts)
            self.texts.append(text)
        return self._numbers[text]

    def plain(self) -> dict[str, Column]:
        """Everything as arrays, none of objects."""
        found: dict[str, Column] = {name: np.array(column) for name, column in self.columns.items()}
        for name, ragged in self.ragged.items():
            found |= ragged.plain(name)
        return found | {name: of_texts(texts) for name, texts in (*self.names.items(), ("texts", self.texts))}

    def _fill(self, plain: Columns) -> None:
        for name, column in self.columns.items():
            fill(column, plain[name])
        for name, ragged in self.ragged.items():
            ragged.fill(name, plain)
        self.names = {name: texts_of(plain[name]) for name in NAMES}
        self.texts = texts_of(plain["texts"])
        rows: list[Sized] = [*self.columns.values(), *self.names.values(), *self.ragged.values()]
        chosen = [np.array(self.columns[name]) for name in CHOSEN]
        if len(set(map(len, rows))) > 1 or any(((one < 0) | (one >= len(self.texts))).any() for one in chosen):
            raise ValueError("columns of another length, or a text that is not there")


class Row:
    """The outline of a trial: one row of the columns."""

    __slots__ = ("_at", "_of")

    def __init__(self, of: Outlines, at: int) -> None:
        self._of, self._at = of, at

    @property
    def key(self) -> str:
        return self._of.names["key"][self._at]

    @property
    def configuration_id(self) -> str:
        return self._of.names["configuration_id"][self._at]

    @property
    def family(self) -> str:
        return self._text("family")

    @property
    def stage(self) -> str:
        return self._text("stage")

    @property
    def state(self) -> str:
        return self._text("state")

    @property
    def reused_from(self) -> str:
        return self._text("reused_from")

    @property
    def number(self) -> int:
        return int(self._of.columns["number"][self._at])

    @property
    def seed(self) -> int:
        return int(self._of.columns["seed"][self._at])

    @property
    def trained(self) -> int:
        return int(self._of.columns["trained"][self._at])

    @property
    def study(self) -> int:
        return int(self._of.columns["study"][self._at])

    @property
    def place(self) -> int:
        return int(self._of.columns["place"][self._at])

    @property
    def started(self) -> float:
        return float(self._of.columns["started"][self._at])

    @property
    def ended(self) -> float:
        return float(self._of.columns["ended"][self._at])

    @property
    def seconds(self) -> float:
        return float(self._of.columns["seconds"][self._at])

    @property
    def heard(self) -> float:
        return float(self._of.columns["heard"][self._at])

    @property
    def spans(self) -> tuple[Span, ...]:
        moments = iter(self._of.ragged["spans"][self._at])
        return tuple(zip(moments, moments, strict=True))

    @property
    def measures(self) -> dict[str, float]:
        return dict(zip(self._text("measured").split(), self._of.ragged["figures"][self._at], strict=True))

    def _text(self, name: str) -> str:
        return self._of.texts[self._of.columns[name][self._at]]
