"""Where studies lie, as `--runs` says it. Light to import."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from uncollapse.study.errors import UserError


def flag(name: str) -> str:
    """An argument's name as the user types it."""
    return f"--{name.replace('_', '-')}"


def runs_option(parser: ArgumentParser) -> None:
    """Add `--runs`."""
    parser.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where studies lie (runs)")


def runs_of(arguments: Namespace) -> Path:
    """The folder of all studies, absolute, whether or not it is there yet."""
    runs: Path = arguments.runs.resolve()
    try:
        runs.exists()
    except OSError as error:
        raise UserError(
            f"--runs: a folder is expected, and this cannot be one ({error.strerror}); name another"
        ) from None
    return runs
