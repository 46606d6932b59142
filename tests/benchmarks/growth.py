"""How a study grows with its trials: seconds and memory of the driver, size of the ledger, seconds to open it again.

    python -m tests.benchmarks.growth [--trials N ...]           100, 1,000 and 5,000 trials through Ray Tune and MLflow
    python -m tests.benchmarks.growth --alone [--trials N ...]   1,000 and 10,000 without either: ledger, stages, progress

Trials do no work: they report invented measures, 25 an epoch, at once; 5 epochs through Tune and 20 alone. Half of them
search and half confirm, over five families. Every part is measured in a process of its own. The machine may be busy, so
seconds of the processor stand beside those of the clock, and the last column is the last size over the first.
"""

import argparse
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, redirect_stderr
from pathlib import Path
from typing import Any

import psutil

from uncollapse.analysis.schema import REPLICATE, SEARCH
from uncollapse.study.config import study_page
from uncollapse.study.config.study_page import Study
from uncollapse.study.execution.progress import Progress
from uncollapse.study.execution.view.screen import Screen
from uncollapse.study.libraries import configure_libraries
from uncollapse.study.stages.replicate import ReplicateStage
from uncollapse.study.stages.search import SearchStage
from uncollapse.study.stages.stage import Stage
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.storage.workspace import Workspace

NAME, FAMILIES, SEEDS = "growth", ("seqvae", "maxpool", "vmf", "hsvae", "vat"), 10
SLOTS = 2
LIKELIHOOD = ("nll_iw", "nll_elbo", "reconstruction", "ppl", "ppl_words")
CODE = ("mi", "mi_batch", "latent_gain", "kl", "kl_z", "active_units", "cosine", "dims_dropped")
HOYER = ("hoyer_mean", "hoyer_sample", "hoyer_mean_centred", "hoyer_sample_centred")
MEASURES = (*LIKELIHOOD, *CODE, *HOYER, "class_accuracy", "random_pair_cosine")
TRAINING = ("train/loss", "train/reconstruction", "train/kl", "cost/seconds", "cost/tokens", "cost/updates")
EPOCH = (*(f"subset/{name}" for name in MEASURES), *TRAINING)
assert len(EPOCH) == 25
RATES = {"s": "ms", "cpu s": "cpu ms", "thread's cpu s": "thread's cpu ms"}
Figures = dict[str, float]


def page(folder: Path, trials: int, epochs: int, sampler: str) -> Study:
    """A study of so many trials, 100 or more."""
    share = trials // len(FAMILIES)
    configurations = max(1, share // (2 * SEEDS))
    return study_page.parse(
        {
            "study": NAME,
            "corpus": {"name": "cafes", "sentences": 600},
            "families": list(FAMILIES),
            "search": {"trials": share - configurations * SEEDS, "sampler": sampler},
            "replicate": {"configurations": configurations, "seeds": SEEDS},
            "train": {"epochs": epochs},
            "evaluate": {"probes": []},
        },
        folder,
        "growth.yaml",
    )


def epoch(key: str, number: int, epochs: int) -> dict[str, float]:
    """An epoch of invented measures, the same whenever it is asked for."""
    drawn = random.Random(f"{key} {number}")
    return {"epoch": float(number), **{name: drawn.random() * (1 + epochs / number) for name in EPOCH}}


def final(key: str) -> dict[str, float]:
    """Measures of a confirmation run on the full split."""
    drawn = random.Random(key)
    return {f"valid/{name}": drawn.random() for name in MEASURES}


@contextmanager
def timed(found: Figures, part: str) -> Iterator[None]:
    """Seconds of a part, by the clock, of this process's processors, and of this thread's."""
    before = time.perf_counter(), time.process_time(), time.thread_time()
    yield
    after = time.perf_counter(), time.process_time(), time.thread_time()
    for name, one, other in zip(RATES, before, after, strict=True):
        found[f"{part}, {name}"] = other - one


def resident() -> float:
    """MB of this process."""
    return psutil.Process().memory_info().rss / 1e6


def drive(stage: Stage, epochs: int) -> None:
    """Report the epochs of every trial, as workers would, one trial after another."""
    while (record := stage.next_trial()) is not None:
        for number in range(1, epochs + 1):
            known = stage.recorder.epoch(record.key, epoch(record.key, number, epochs))
            if known is not None and stage.stops(known):
                stage.recorder.stop(record.key)
                break
        else:
            stage.recorder.finish(record.key, final(record.key) if stage.name == REPLICATE else {})


def alone(folder: Path, study: Study) -> Figures:
    """The driver's own part of a study: stages, ledger, progress."""
    found: Figures = {}
    workspace = Workspace(folder, NAME)
    workspace.write_facts({"study": NAME, "settings": study.settings(), "corpus": {}, "code": ""})
    with (folder / "said").open("w") as said:
        console = Screen(file=said, width=120)
        progress, before = Progress(NAME, study.settings(), lambda: SLOTS, console), resident()
        recorder = Recorder(Ledger(workspace.folder, NAME, write=True), study.search.select, (progress,))
        for kind in (SearchStage, ReplicateStage):
            with timed(found, kind.name):
                stage = kind(study, "corpus", recorder)
                progress.enter(stage.name, stage.planned())
                drive(stage, study.train.epochs)
        found["MB at the end"], found["MB grown"] = resident(), resident() - before
        with timed(found, "a picture"):
            console.print(progress.live.get_renderable())
    return found


def idle(config: Mapping[str, Any], text: Any) -> None:
    """In place of `study.execution.worker.run_trial`: every epoch at once."""
    from ray import tune

    def report(content: Mapping[str, Any]) -> None:
        tune.report({"report": json.dumps(content)})

    job = json.loads(config["job"])
    for number in range(1, job["epochs"] + 1):
        report({"event": "epoch", "record": epoch(job["key"], number, job["epochs"])})
    report({"event": "finished", "final": final(job["key"]) if job["full"] else {}, "artifacts": {}})


def tuned(folder: Path, study: Study) -> Figures:
    """A whole study as `uncollapse run` runs it, but for trials that do nothing and the report, which has its own."""
    from uncollapse.study.execution import driver, ray_tune, worker

    configure_libraries()
    found, places = Figures(), []
    stage = ray_tune.run_stage

    def watched(dispatcher: Any, *more: Any, **named: Any) -> None:
        places.append(resident())
        with timed(found, dispatcher.stage.name):
            stage(dispatcher, *more, **named)
        places.append(resident())

    def concluded(workspace: Workspace, known: Any, writer: Any, progress: Progress) -> dict[str, Any]:
        with timed(found, "sending the rest to MLflow"):
            writer.close(3600.0)
        return {}

    vars(worker)["run_trial"], vars(ray_tune)["run_stage"], vars(driver)["conclude"] = idle, watched, concluded
    with (folder / "said").open("w") as said, redirect_stderr(said):
        driver.run(study, Workspace(folder, NAME), driver.Launch(page="growth.yaml", cpus=SLOTS, to_stderr=True))
    return {**found, "MB at the end": places[-1], "MB grown": places[-1] - places[0], "MB peak": peak()}


def peak() -> float:
    """The most MB that this process ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3


def opened(folder: Path, study: Study) -> Figures:
    """What it takes to go on with a study: ledger and both stages."""
    found, before = Figures(), resident()
    with timed(found, "open again"):
        recorder = Recorder(Ledger(folder / NAME, NAME, write=True), study.search.select)
        for kind in (SearchStage, ReplicateStage):
            kind(study, "corpus", recorder).planned()
    found["MB of opening again"] = resident() - before
    return found


def read(folder: Path, study: Study) -> Figures:
    """What a reader of the ledger waits for."""
    from uncollapse.cli.main import main as command
    from uncollapse.study.storage.tables import records, tables

    found, before = Figures(), resident()
    with timed(found, "records"):
        kept = records(folder / NAME, NAME)
    found["MB of records"] = resident() - before
    with timed(found, "tables"):
        tables(kept)
    found["MB peak of tables"] = peak() - before
    del kept
    with timed(found, "status --json"):
        assert command(["status", NAME, "--runs", str(folder), "--json"]) == 0
    return found


PARTS: Mapping[str, Callable[[Path, Study], Figures]] = {"alone": alone, "tuned": tuned, "opened": opened, "read": read}


def measured(part: str, folder: Path, request: argparse.Namespace, trials: int) -> Figures:
    """A part in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.growth", "--part", part, "--folder", str(folder)]
    command += ["--trials", str(trials), "--epochs", str(request.epochs), "--sampler", request.sampler]
    return json.loads(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[-1])


def column(folder: Path, request: argparse.Namespace, trials: int) -> Figures:
    """All figures of a study of so many trials."""
    found: Figures = {}
    for part in ("alone" if request.alone else "tuned", "opened", "read"):
        found |= measured(part, folder, request, trials)
    rates = {
        f"driver, {shown} a trial": 1000 / trials * sum(found[f"{stage}, {seconds}"] for stage in (SEARCH, REPLICATE))
        for seconds, shown in RATES.items()
    }
    size = (folder / NAME / "ledger.journal").stat().st_size
    memory = {"MB grown a 1,000 trials": 1000 * found["MB grown"] / trials, "ledger, bytes a trial": size / trials}
    return {"trials": trials, **rates, **memory, **found}


def main(request: argparse.Namespace) -> None:
    found = []
    for trials in request.trials:
        with tempfile.TemporaryDirectory() as folder:
            found.append(column(Path(folder), request, trials))
        print(f"{trials:,} trials done", flush=True)
    for name in (name for name in found[0] if not name.endswith("thread's cpu s")):
        ratio = found[-1][name] / found[0][name] if found[0][name] else float("nan")
        print(f"{name:42}" + "".join(f"{one[name]:13,.2f}" for one in found) + f"   x {ratio:.1f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, nargs="+")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--sampler", default="tpe", choices=("tpe", "random"))
    parser.add_argument("--alone", action="store_true", help="without Ray Tune and MLflow")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    request = parser.parse_args()
    request.trials = request.trials or ([1000, 10_000] if request.alone else [100, 1000, 5000])
    request.epochs = request.epochs or (20 if request.alone else 5)
    if request.part:
        study = page(request.folder, request.trials[0], request.epochs, request.sampler)
        print(json.dumps(PARTS[request.part](request.folder, study)))
    else:
        main(request)
