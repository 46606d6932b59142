"""`train`: the final training, logged to MLflow."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from uncollapse.cli import Answer
from uncollapse.cli.folders import runs_of, runs_option
from uncollapse.study.errors import UserError
from uncollapse.study.output import say
from uncollapse.study.results import final_training
from uncollapse.study.storage import exported_config


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    add = parser.add_argument
    add("file", type=Path, help="a file that `export` wrote")
    runs_option(parser)
    add("--edited", action="store_true", help="train a file that was edited after its export")
    add("--seed", type=int, help="another seed than the file's")
    add("--out", type=Path, help="where weights and figures go (beside the file)")
    add("--register", nargs="?", const="", metavar="NAME", help="put the model into MLflow's registry (STUDY-FAMILY)")


def train(arguments: Namespace) -> Answer:
    """Train an exported file, evaluate the test split and print the table."""
    content = exported_config.read(arguments.file, arguments.edited)
    if arguments.seed is not None:
        content["seed"] = _seed(arguments.seed)
    out = arguments.out or arguments.file.with_suffix("")
    tell = (lambda sentence: None) if arguments.json else say
    done = _train(content, arguments, out, tell)
    if isinstance(done, str):
        return {"failed": done}, f"diverged: {done}"
    logged = _log(content, done, arguments)
    table = final_training.table(done, content["evaluate"]["full_samples"])
    text = f"{table}\n\nweights  {done.folder / 'model.safetensors'}\n{logged}"
    return {
        "measures": dict(done.measures),
        "folder": str(done.folder),
        "seconds": done.seconds,
        "tracking": logged,
    }, text


def _seed(seed: int) -> int:
    if seed not in exported_config.SEEDS:
        raise UserError(f"--seed: a whole number from 0 to {exported_config.SEEDS[-1]:,}, found {seed}")
    return seed


def _train(
    content: Mapping[str, Any], arguments: Namespace, out: Any, say: final_training.Say
) -> final_training.Final | str:
    from uncollapse.study.training.training import Diverged

    try:
        return final_training.train(content, runs_of(arguments) / "corpora", out, say)
    except Diverged as error:
        return str(error)


def _log(content: Mapping[str, Any], done: final_training.Final, arguments: Namespace) -> str:
    """Log to MLflow, and register there if asked to."""
    from uncollapse.study.tracking.final_runs import log_final, logged, tracked

    content = tracked(content, arguments.file)

    def log() -> str:
        place, run = log_final(content, done.history, done.measures, done.folder)
        return place + _registered(content, done, run, arguments)

    return logged(log, content["tracking"])


def _registered(content: Mapping[str, Any], done: final_training.Final, run: str, arguments: Namespace) -> str:
    if arguments.register is None:
        return ""
    from uncollapse.study.corpora.cache import load
    from uncollapse.study.serving.registry import register

    name = arguments.register or f"{content['from']['study']}-{content['family']}"
    corpus = load(runs_of(arguments) / "corpora" / content["corpus_digest"])
    return f"\nregistered {register(content, corpus, done.folder, run, name)}"
