"""The command `uncollapse`: parses arguments, calls one function a command, turns errors into exit codes.

Nothing is imported here that a command may do without; each imports what it needs when it is named.
"""

import argparse
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, NamedTuple

from uncollapse.cli.parsing import Parser
from uncollapse.study import output
from uncollapse.study.disk_faults import denied, disk_error
from uncollapse.study.errors import RunError, UserError
from uncollapse.study.libraries import configure_libraries

DONE, FAILED, USER, STOPPED = 0, 1, 2, 130


class Command(NamedTuple):
    """A command: its module in `uncollapse.cli`, which holds its function and its options, and its help."""

    module: str
    help: str


COMMANDS: Mapping[str, Command] = {
    "families": Command("families", "every model family: paper, page, what its study searches"),
    "show": Command("show", "one family's page with every default resolved"),
    "check": Command("check", "whether a component or a page does what every one of its kind must"),
    "plan": Command("plan", "what would run, where, for how long, with which resolution; starts nothing"),
    "run": Command("run", "search, replicate, report, export; run it again and it goes on where it was"),
    "status": Command("status", "trials by state, epochs of running ones, best so far, wall time left"),
    "stop": Command("stop", "leave a running study; running trials finish their epoch first"),
    "pause": Command("control", "let a running study give back the cluster and wait"),
    "resume": Command("control", "let a paused study go on"),
    "report": Command("report", "the report again, from what is recorded; of two studies, how they differ"),
    "export": Command("export", "best configurations by the stated rule, as complete files"),
    "train": Command("train", "the final training from an exported file; evaluates the test split"),
    "generate": Command(
        "generate", "what a trained model says: reconstructions, prior samples, interpolations, variations"
    ),
    "transfer": Command(
        "transfer", "what SentEval's tasks get from a trained model's sentence vectors, frozen or fine-tuned"
    ),
    "ui": Command("pages.ui", "MLflow's page on 127.0.0.1"),
    "dashboard": Command("pages.dashboard", "Optuna's dashboard of a study on 127.0.0.1, read-only"),
    "verify": Command("verify", "whether ledger, MLflow and files agree, or which rows differ"),
}
LIGHT = ("families", "show")  # use no library that has to be told how to behave
LASTING = ("run", "train", "transfer")  # leave behind what they say


def parser(words: Collection[str] = COMMANDS) -> argparse.ArgumentParser:
    """The command line, with the options of the commands that are among `words`."""
    whole = Parser(prog="uncollapse", description="Hyperparameter studies of text VAEs.")
    whole.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    sub = whole.add_subparsers(dest="command", required=True, metavar="command")
    for name, (_, text) in COMMANDS.items():
        one = sub.add_parser(name, help=text, description=text, allow_abbrev=False)
        one.add_argument("--json", action="store_true", help="print JSON")
        if name in words:
            _module(name).options(one)
    return whole


def _module(command: str) -> ModuleType:
    return import_module(f"uncollapse.cli.{COMMANDS[command].module}")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 done, 1 the run failed, 2 the user's input is wrong, 130 the user stopped it."""
    words = list(sys.argv[1:] if argv is None else argv)
    output.lost()
    with output.lenient():
        try:
            code = _run(words)
        finally:
            output.flush()
        return _unheard(error, code, words) if (error := output.lost()) else code


def _unheard(error: OSError, code: int, words: Sequence[str]) -> int:
    """The code of a command whose answer nobody took; what one of `LASTING` leaves behind is there all the same."""
    if not isinstance(error, BrokenPipeError):
        output.warn(f"uncollapse: standard output cannot be written ({error.strerror}); name another place")
    return code if any(word in LASTING for word in words[:1]) else code or FAILED


def _run(words: list[str]) -> int:
    try:
        arguments = parser(words).parse_args(words)
        arguments.words = words
        return _answer(arguments)
    except UserError as error:
        _refuse(error, "--json" in words)
        return USER
    except KeyboardInterrupt:
        output.warn("stopped; nothing is lost: run the same command again and it goes on")
        return STOPPED
    except RunError as error:
        return _failed(str(error))
    except Exception as error:
        if (sentence := denied(error)) is not None:
            _refuse(UserError(sentence), "--json" in words)
            return USER
        if (sentence := disk_error(error)) is None:
            raise
        return _failed(sentence)


def _failed(sentence: str) -> int:
    output.warn(f"uncollapse: {sentence}")
    return FAILED


def _answer(arguments: argparse.Namespace) -> int:
    """Run the command and print what it answers."""
    if arguments.command not in LIGHT:
        configure_libraries()
    data, text = getattr(_module(arguments.command), arguments.command)(arguments)
    if arguments.json:
        output.say(json.dumps(data, indent=2, default=str))
    elif text:
        output.say(text)
    return _code(data)


def _code(data: Any) -> int:
    """0; where a command says that it `failed`, 1 or its own `code`."""
    failed = isinstance(data, dict) and data.get("failed")
    return data.get("code", FAILED) if failed else DONE


def _refuse(refusal: UserError, as_json: bool) -> None:
    if as_json:
        output.say(json.dumps({"errors": refusal.errors}, indent=2))
    for error in refusal.errors:
        output.warn(f"uncollapse: {error}")


class _Version(argparse.Action):
    """Looks the version up when it is asked for, which costs more than everything else that a light command does."""

    def __call__(self, parser: argparse.ArgumentParser, *given: object) -> None:
        from importlib.metadata import version

        output.say(f"uncollapse {version('uncollapse')}")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
