"""One function a command: takes the parsed arguments, returns what it found as plain data and as text."""

from argparse import Namespace
from typing import Any

Answer = tuple[Any, str | None]


def families(arguments: Namespace) -> Answer:
    from study.commands.pages import families as command

    return command()


def show(arguments: Namespace) -> Answer:
    from study.commands.pages import show as command

    return command(arguments.family)


def plan(arguments: Namespace) -> Answer:
    from study.commands.plan import plan as command

    return command(arguments)


def run(arguments: Namespace) -> Answer:
    from study.commands.run import run as command

    return command(arguments)


def status(arguments: Namespace) -> Answer:
    from study.commands.status import status as command

    return command(arguments)


def report(arguments: Namespace) -> Answer:
    from study.commands.outcome import report as command

    return command(arguments)


def export(arguments: Namespace) -> Answer:
    from study.commands.outcome import export as command

    return command(arguments)


def train(arguments: Namespace) -> Answer:
    from study.commands.train import train as command

    return command(arguments)


def ui(arguments: Namespace) -> Answer:
    from study.commands.ui import ui as command

    return command(arguments)


def verify(arguments: Namespace) -> Answer:
    from study.commands.verify import verify as command

    return command(arguments)
