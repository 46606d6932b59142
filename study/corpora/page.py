"""Reads typed values out of a mapping written by a user and keeps every error it meets."""

from collections.abc import Iterable, Mapping
from typing import Any

from uncollapse.models.configuration.unknown_name import unknown


class Page:
    """One section of a study file; each reading returns the default where the value is wrong.

    Args:
        values: the section as YAML gave it.
        place: where it stands in the file, for the sentences.
        errors: the list that all sections of a file share.
    """

    def __init__(self, values: object, place: str, errors: list[str]) -> None:
        self.place, self.errors = place, errors
        if not isinstance(values, Mapping):
            self.error("", f"must be a mapping of settings, found {values!r}; write it as {{key: value}}")
            values = {}
        self.values: Mapping[Any, Any] = values

    def error(self, key: str, sentence: str) -> None:
        self.errors.append(f"{self.place}{'.' if key else ''}{key}: {sentence}")

    def only(self, known: Iterable[str]) -> None:
        """Refuse every key that is not known."""
        names = tuple(known)
        self.errors.extend(f"{self.place}: {unknown('key', key, names)}" for key in self.values if key not in names)

    def has(self, key: str) -> bool:
        return self.values.get(key) is not None

    def switch(self, key: str, default: bool) -> bool:
        value = self.values.get(key, default)
        if isinstance(value, bool):
            return value
        self.error(key, f"must be true or false, found {value!r}; write true or false without quotes")
        return default

    def whole(self, key: str, default: int, low: int, high: int = 10**9) -> int:
        """A whole number in [low, high]."""
        value = self.values.get(key, default)
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        self.error(key, f"must be a whole number from {low:,} to {high:,}, found {value!r}; write such a number")
        return default

    def text(self, key: str) -> str | None:
        """A word or name; None where the key is absent."""
        value = self.values.get(key)
        if value is None or (isinstance(value, str) and value.strip()):
            return value
        self.error(
            key, f"must be a name in letters, found {value!r}; put it in quotes if YAML reads it as something else"
        )
        return None

    def word(self, key: str, known: tuple[str, ...], default: str) -> str:
        """One word out of a known few."""
        value = self.values.get(key, default)
        if value in known:
            return str(value)
        self.error(key, unknown("value", value, known))
        return default

    def texts(self, key: str) -> tuple[str, ...]:
        """One name or a list of names; empty where the key is absent."""
        value = self.values.get(key)
        names = value if isinstance(value, list) else [] if value is None else [value]
        if all(isinstance(name, str) and name.strip() for name in names) and (names or value is None):
            return tuple(names)
        self.error(key, f"must be a file name or a list of file names, found {value!r}; write names")
        return ()

    def numbers(self, key: str, names: tuple[str, ...]) -> dict[str, int]:
        """One whole number for all names, or a mapping from some of the names to numbers."""
        value = self.values.get(key)
        if value is None:
            return {}
        if not isinstance(value, Mapping):
            number = self.whole(key, 1, 1)
            return dict.fromkeys(names, number)
        page = Page(value, f"{self.place}.{key}", self.errors)
        page.only(names)
        return {name: page.whole(name, 1, 1) for name in names if page.has(name)}
