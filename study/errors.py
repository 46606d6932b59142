"""What a user's mistake and a failure of the surroundings look like: sentences, and never a traceback."""

import re
from collections.abc import Sequence

CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
LONGEST = 2000  # characters of an error; what is found may be a whole file


class UserError(ValueError):
    """The user's input is wrong; the command prints the errors and ends with exit code 2.

    Args:
        errors: one sentence an error, each naming the place, the constraint, what was found and what to do. What a
            user wrote stands in it, so each is made one printable line of bounded length.
    """

    def __init__(self, errors: str | Sequence[str]) -> None:
        self.errors = tuple(_line(error) for error in ((errors,) if isinstance(errors, str) else errors))
        super().__init__("\n".join(self.errors))


def printable(text: str) -> str:
    """A text in which no character moves the cursor or rings a bell; lines and tabs stay."""
    return CONTROL.sub(lambda found: found[0] if found[0] in "\n\t" else _escaped(found[0]), text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def _line(error: str) -> str:
    line = CONTROL.sub(lambda found: _escaped(found[0]), error)
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} ... {line[-LONGEST // 2 :]}"


class RunError(RuntimeError):
    """The surroundings failed a run: a full disk, a lost cluster. Exit code 1; the same command goes on from here."""


def first_line(error: BaseException, longest: int = 300) -> str:
    """The first line of what an error says, or its name where it says nothing."""
    lines = (line.strip() for line in str(error).splitlines())
    return next(filter(None, lines), type(error).__name__)[:longest]
