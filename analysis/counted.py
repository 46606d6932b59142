"""A count with its noun, in the number that it takes."""

HISSING = ("s", "x", "z", "sh", "rch", "tch")  # not an epoch


def counted(number: int, noun: str) -> str:
    """`1 seed`, `3 families`, `1,200 search trials`, `2 classes`."""
    return f"{number:,} {noun if number == 1 else plural(noun)}"


def plural(noun: str) -> str:
    """A noun of which there are several, or none; of several words the last one changes."""
    if noun.endswith("y") and noun[-2:-1] not in ("a", "e", "o", "u"):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(HISSING) else f"{noun}s"
