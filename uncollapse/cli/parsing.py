"""The command line's own errors: sentences and exit code 2 like every other of a user's, with what was probably meant.

Numbers have bounds that a machine survives. Light to import.
"""

import argparse
from collections.abc import Mapping
from typing import Any, NoReturn

from uncollapse.cli.folders import flag
from uncollapse.models.configuration.unknown_name import closest, unknown
from uncollapse.study.errors import UserError

LARGEST_SEED = 10**18 - 1  # as of a file


class Parser(argparse.ArgumentParser):
    """Raises `UserError` where argparse would print and leave the process."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        """The arguments; `UserError` where they are wrong, all unknown options at once."""
        found, extra = self.parse_known_args(args, namespace)
        if extra:
            chosen = self._commands().get(getattr(found, "command", ""), self)
            raise UserError([_unknown(word, chosen) for word in extra])
        return found

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message}; `{self.prog} --help` says what is expected")

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if action.choices is not None and value not in action.choices:
            what = "command" if isinstance(action.choices, dict) else f"value of {'/'.join(action.option_strings)}"
            raise UserError(unknown(what, value, action.choices))

    def _commands(self) -> dict[str, argparse.ArgumentParser]:
        """The parser of every command."""
        choices = [action.choices for action in self._actions if isinstance(action.choices, dict)]
        return dict(choices[0]) if choices else {}

    def options(self) -> list[str]:
        """Every option by its long name."""
        return [name for action in self._actions for name in action.option_strings if name.startswith("--")]


def _unknown(word: str, parser: Any) -> str:
    """What to say of a word for which a command has no use."""
    if not word.startswith("-"):
        return f"{parser.prog} has no use for {word!r}; leave it out, or see `{parser.prog} --help`"
    named = word.split("=")[0]
    meant = closest(named, parser.options())
    guess = "" if meant is None else f" did you mean {meant!r}?"
    return f"unknown option {named!r} of {parser.prog};{guess} `{parser.prog} --help` lists them"


def bounds_errors(arguments: argparse.Namespace, bounds: Mapping[str, tuple[int, int]]) -> list[str]:
    """A sentence for every argument that is given and not within its bounds, least and most."""
    return [
        f"{flag(name)}: a whole number from {least:,} to {most:,}, found {str(value)[:40]}"
        for name, (least, most) in bounds.items()
        if (value := getattr(arguments, name)) is not None and not least <= value <= most
    ]
