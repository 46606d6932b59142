"""`transfer`: what other tasks get from a trained model's sentence vectors. Light to import."""

import json
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uncollapse.cli import Answer
from uncollapse.cli.folders import runs_of, runs_option
from uncollapse.cli.parsing import bounds_errors
from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.study.errors import UserError
from uncollapse.study.output import say
from uncollapse.study.transfer.ways import HOW, PAIRS

if TYPE_CHECKING:
    from uncollapse.models.text_vae import TextVAE
    from uncollapse.study.transfer.request import Request

BOUNDS = {
    "seeds": (1, 1_000),
    "folds": (2, 1_000),
    "epochs": (1, 10_000),
    "batch": (1, 100_000),
    "longest": (1, 100_000),
}


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    add = parser.add_argument
    add("file", type=Path, help="an exported file that `train` has trained, or the folder that `train` wrote")
    runs_option(parser)
    add("--tasks", type=Path, required=True, metavar="DIR", help="SentEval's data folder, or one with its tasks in it")
    add("--task", action="append", metavar="NAME", help="this task alone, such as TREC; may be given again (all there)")
    add("--vectors", action="append", metavar="NAME", help="code, start, mean or sum; may be given again (the usual)")
    add("--how", action="append", choices=HOW, help="frozen or fine-tuned; may be given again (frozen)")
    add(
        "--pairs",
        action="append",
        choices=PAIRS,
        help="of two vectors, or of both sentences as one (both)",
    )
    add("--seeds", type=int, default=3, metavar="N", help="of heads, orders and untrained encoders (3)")
    add("--folds", type=int, default=10, metavar="N", help="for tasks without a split: MR and CR (10)")
    add("--epochs", type=int, default=5, metavar="N", help="of fine-tuning (5)")
    add("--rate", type=float, default=5e-4, metavar="R", help="Adam's, of fine-tuning (0.0005)")
    add("--batch", type=int, default=32, metavar="N", help="sentences of a batch of fine-tuning (32)")
    add("--longest", type=int, default=128, metavar="N", help="words of a sentence that are read (128)")
    add("--no-baselines", action="store_true", help="neither untrained encoders nor the mean embedding of the words")
    add("--out", type=Path, metavar="DIR", help="where figures go (`transfer` in the folder of the training)")


def transfer(arguments: Namespace) -> Answer:
    """Measure every task that lies in a folder; run again, it goes on where it was cut off."""
    if errors := _errors(arguments):
        raise UserError(errors)
    from uncollapse.study.transfer.tasks import find

    folders = find(arguments.tasks, arguments.task)
    from uncollapse.study.results import saved_model
    from uncollapse.study.transfer import run, table
    from uncollapse.study.transfer.results import summary

    tell = (lambda sentence: None) if arguments.json else say
    known = saved_model.load(arguments.file, runs_of(arguments) / "corpora", tell)
    request = _request(arguments, known.model)
    out = arguments.out or _beside(arguments.file)
    found = run.run(known, folders, request, arguments.longest, out, tell)
    content = {
        "family": known.content["family"],
        "corpus": known.corpus.name,
        "tasks": found.facts,
        "summary": summary(found.rows),
    }
    return _kept(content, table.text(content), known.content, arguments.file, out)


def _kept(content: dict[str, Any], table: str, exported: Any, file: Path, out: Path) -> Answer:
    """Write, log and return what was found."""
    from uncollapse.analysis.whole_file import write_whole
    from uncollapse.study.tracking.final_runs import log_transfer, logged, tracked

    exported = tracked(exported, file)
    head = f"{content['family']} on {content['corpus']}\n\n{table}\n"
    write_whole(out / "transfer.json", json.dumps(content, indent=1) + "\n")
    write_whole(out / "transfer.txt", head)
    line = logged(lambda: log_transfer(exported, content, out), exported["tracking"])
    return {**content, "folder": str(out), "tracking": line}, f"\n{head}\nfigures {out / 'transfer.json'}\n{line}"


def _beside(place: Path) -> Path:
    return (place if place.is_dir() else place.with_suffix("")) / "transfer"


def _errors(arguments: Namespace) -> list[str]:
    found = bounds_errors(arguments, BOUNDS)
    if not 0 < arguments.rate < float("inf"):
        found.append(f"--rate: a number above 0, found {arguments.rate}")
    return found


def _request(arguments: Namespace, model: "TextVAE") -> "Request":
    from uncollapse.models.probes.fine_tuning import Setting
    from uncollapse.models.probes.vectors import offered, usual
    from uncollapse.study.transfer.request import Request

    there = offered(model)
    if not there:
        raise UserError(f"{arguments.file}: a language model has no encoder, and no sentence a vector; name another")
    if model.inputs.label is not None:
        raise UserError(
            f"{arguments.file}: the model is told the class of every sentence, and sentences of other tasks have none; "
            "name a model without label context"
        )
    asked = arguments.vectors or usual(model)
    if lacking := [name for name in asked if name not in there]:
        raise UserError([f"--vectors: {unknown('vector', name, there)}" for name in lacking])
    return Request(
        vectors=tuple(dict.fromkeys(asked)),
        how=tuple(dict.fromkeys(arguments.how or HOW[:1])),
        pairs=tuple(dict.fromkeys(arguments.pairs or PAIRS)),
        seeds=arguments.seeds,
        folds=arguments.folds,
        baselines=not arguments.no_baselines,
        batch=arguments.batch,
        setting=Setting(arguments.epochs, arguments.rate),
    )
