"""The command `uncollapse`: parses arguments, calls one function a command, turns errors into exit codes.

Nothing heavy is imported here; each command imports what it needs when it runs.
"""

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from uncollapse.cli import generate, transfer
from uncollapse.study.errors import RunError, UserError, disk_error

DONE, FAILED, USER, STOPPED = 0, 1, 2, 130
COMMANDS: tuple[tuple[str, str, str], ...] = (  # name, module of `uncollapse.cli`, help
    ("families", "families", "every model family: paper, page, what its study searches"),
    ("show", "families", "one family's page with every default resolved"),
    ("plan", "plan", "what would run, where, for how long, with which resolution; starts nothing"),
    ("run", "run", "search, replicate, report, export; run it again and it goes on where it was"),
    ("status", "status", "counts by state, best so far, time left"),
    ("stop", "control", "leave a running study; running trials finish their epoch first"),
    ("pause", "control", "let a running study give back the cluster and wait"),
    ("resume", "control", "let a paused study go on"),
    ("report", "report", "the report again, from what is recorded; of two studies, how they differ"),
    ("export", "report", "best configurations by the stated rule, as complete files"),
    ("train", "train", "the final training from an exported file; evaluates the test split"),
    ("generate", "generate", "what a trained model says: reconstructions, prior samples, interpolations, variations"),
    (
        "transfer",
        "transfer",
        "what SentEval's tasks get from a trained model's sentence vectors, frozen or fine-tuned",
    ),
    ("ui", "ui", "MLflow's page on 127.0.0.1"),
    ("verify", "verify", "whether ledger, MLflow and files agree, or which rows differ"),
)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    whole = argparse.ArgumentParser(prog="uncollapse", description="Hyperparameter studies of text VAEs.")
    whole.add_argument("--version", action=_Version, nargs=0, help="print the version and leave")
    sub = whole.add_subparsers(dest="command", required=True, metavar="command")
    made = {name: sub.add_parser(name, help=text, description=text, allow_abbrev=False) for name, _, text in COMMANDS}
    for name, one in made.items():
        one.add_argument("--json", action="store_true", help="print JSON")
        if name not in ("families", "show"):
            one.add_argument("--runs", type=Path, default=Path("runs"), metavar="DIR", help="where studies lie (runs)")
    made["families"].add_argument("--markdown", action="store_true", help="print the table of docs/families.md")
    made["show"].add_argument("family", help="a family's name, or the path of a page")
    for name in ("plan", "run"):
        made[name].add_argument("page", help="the study's page: a YAML file, or `cafes` for the built-in study")
        made[name].add_argument(
            "--address", help="of a Ray cluster, such as auto; without it Ray starts on this machine"
        )
        made[name].add_argument("--cpus", type=int, help="CPUs that a Ray started here offers (all of the machine's)")
    made["plan"].add_argument("--no-calibrate", action="store_true", help="skip the short run that estimates hours")
    made["run"].add_argument("--fresh-workers", action="store_true", help="a new worker process for every trial")
    made["run"].add_argument("--restart", action="store_true", help="start the driver again whenever it dies")
    made["run"].add_argument(
        "--detach", action="store_true", help="leave the study running in the background, with --restart, and return"
    )
    made["run"].add_argument(
        "--notify", metavar="COMMAND", help="a shell command that gets news as JSON on its standard input"
    )
    made["stop"].add_argument("--now", action="store_true", help="leave at once; what is running repeats its epoch")
    for name in ("status", "stop", "pause", "resume", "export", "verify"):
        made[name].add_argument("study", help="a study's name")
    made["report"].add_argument("studies", nargs="+", metavar="study", help="a study's name; two names are compared")
    for name, help_ in (
        ("mi", "nats of mi below which a trial is collapsed (0.1)"),
        ("latent-gain", "nats of latent_gain below which it is (0.1)"),
        ("partial", "nats of either below which it is partly collapsed (0.69)"),
    ):
        made["report"].add_argument(f"--{name}", type=float, metavar="NATS", help=help_)
    made["report"].add_argument("--markdown", action="store_true", help="print the short form for a pull request")
    made["status"].add_argument("--watch", action="store_true", help="again every few seconds, until the study ends")
    made["export"].add_argument(
        "--force", action="store_true", help="export unconfirmed configurations too, and say so"
    )
    made["train"].add_argument("file", type=Path, help="a file that `export` wrote")
    made["train"].add_argument("--edited", action="store_true", help="train a file that was edited after its export")
    made["train"].add_argument("--seed", type=int, help="another seed than the file's")
    made["train"].add_argument("--out", type=Path, help="where weights and figures go (beside the file)")
    made["train"].add_argument(
        "--register", nargs="?", const="", metavar="NAME", help="put the model into MLflow's registry (STUDY-FAMILY)"
    )
    generate.options(made["generate"])
    transfer.options(made["transfer"])
    made["ui"].add_argument("--host", default="127.0.0.1", help="address to listen on (127.0.0.1)")
    made["ui"].add_argument("--port", type=int, default=5000, help="port to listen on (5000)")
    made["ui"].add_argument("--tracking", help="another tracking URI than the database of --runs")
    return whole


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns 0 done, 1 the run failed, 2 the user's input is wrong, 130 the user stopped it."""
    words = list(sys.argv[1:] if argv is None else argv)
    arguments = parser().parse_args(words)
    arguments.words = words
    module = next(module for name, module, _ in COMMANDS if name == arguments.command)
    try:
        command = getattr(importlib.import_module(f"uncollapse.cli.{module}"), arguments.command)
        data, text = command(arguments)
    except UserError as error:
        _refuse(error, arguments.json)
        return USER
    except KeyboardInterrupt:
        print("stopped; nothing is lost: run the same command again and it goes on", file=sys.stderr)
        return STOPPED
    except BrokenPipeError:
        return FAILED
    except RunError as error:
        print(f"uncollapse: {error}", file=sys.stderr)
        return FAILED
    except OSError as error:
        if (sentence := disk_error(error)) is None:
            raise
        print(f"uncollapse: {sentence}", file=sys.stderr)
        return FAILED
    if arguments.json:
        print(json.dumps(data, indent=2, default=str))
    elif text:
        print(text)
    return FAILED if isinstance(data, dict) and data.get("failed") else DONE


def _refuse(refusal: UserError, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"errors": refusal.errors}, indent=2))
    for error in refusal.errors:
        print(f"uncollapse: {error}", file=sys.stderr)


class _Version(argparse.Action):
    """Looks the version up when it is asked for, which costs more than everything else that a light command does."""

    def __call__(self, parser: argparse.ArgumentParser, *given: object) -> None:
        from importlib.metadata import version

        print(f"uncollapse {version('uncollapse')}")
        parser.exit()


if __name__ == "__main__":
    sys.exit(main())
