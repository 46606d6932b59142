"""Sentences for errors in a configuration. Free of torch, so that a bad page is refused in a moment."""

import difflib
from collections.abc import Iterable


def unknown(what: str, word: object, known: Iterable[object]) -> str:
    """Say that `word` is not a known `what`, guess which was meant and list what is known."""
    names = sorted(str(name) for name in known)
    meant = closest(word, names)
    guess = "" if meant is None else f" did you mean {meant!r}?"
    return f"unknown {what} {str(word)!r};{guess} known: {', '.join(names) or 'none'}"


def closest(word: object, names: Iterable[str]) -> str | None:
    """The name that was probably meant by `word`, if any."""
    return next(iter(difflib.get_close_matches(str(word), names, n=1, cutoff=0.5)), None)
