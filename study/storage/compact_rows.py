"""What the ledger holds in memory: what recurs in every trial is there once, and an epoch is a row of doubles."""

import json
from array import array
from collections.abc import ItemsView, Iterator, Mapping
from sys import intern
from typing import Any

ROWS = ("final", "epoch/")  # attributes that are figures by name
CONFIGURATIONS = ("configuration", "settings")  # the second in ledgers from before it was renamed


class Row(Mapping[str, float]):
    """Figures by name, in a tenth of a dictionary's memory; their names are shared by all rows that have them."""

    __slots__ = ("_places", "_values")

    def __init__(self, places: Mapping[str, int], values: array) -> None:
        self._places, self._values = places, values

    def __getitem__(self, name: str) -> float:
        return self._values[self._places[name]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def items(self) -> ItemsView[str, float]:
        return dict(zip(self._places, self._values, strict=True)).items()

    def __repr__(self) -> str:
        return repr(dict(self.items()))


class Shared:
    """Makes entries of a journal small."""

    def __init__(self) -> None:
        self.places: dict[tuple[str, ...], dict[str, int]] = {}
        self.configurations: dict[str, Any] = {}

    def lean(self, entry: dict[str, Any]) -> dict[str, Any]:
        """The same entry, with equal figures, configurations and texts."""
        for attributes in ("user_attr", "user_attrs"):
            if attributes in entry:
                entry[attributes] = {intern(name): self._value(name, of) for name, of in entry[attributes].items()}
        return entry

    def _value(self, name: str, value: Any) -> Any:
        if name.startswith(ROWS) and value and all(type(figure) is float for figure in value.values()):
            return self._row(value)
        if name in CONFIGURATIONS and isinstance(value, Mapping):
            return self.configurations.setdefault(json.dumps(value), value)
        return value

    def _row(self, figures: Mapping[str, float]) -> Row:
        names = tuple(figures)
        if names not in self.places:
            self.places[names] = {intern(name): place for place, name in enumerate(names)}
        return Row(self.places[names], array("d", figures.values()))
