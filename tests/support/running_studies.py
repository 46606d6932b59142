"""Studies that are really run, in processes of their own, and what they left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from mlflow import MlflowClient

from uncollapse.analysis.schema import ENDED
from uncollapse.study.storage.tables import records
from uncollapse.study.tracking.projection import TAG
from uncollapse.study.trial_record import TrialRecord

UNCOLLAPSE = [sys.executable, "-P", "-m", "uncollapse"]
QUIET = {"RAY_DEDUP_LOGS": "0", "PYTHONUNBUFFERED": "1"}
PATIENCE = 600.0  # generous, since machines that run tests are shared
PAGE: Mapping[str, Any] = {
    "study": "faulty",
    "corpus": {"name": "cafes", "sentences": 600},
    "families": ["seqvae", "vmf", "lstm_lm"],
    # proposals and verdicts that do not depend on timing, so that two runs can be compared trial by trial
    "search": {"trials": 3, "sampler": "random", "stop_early": "none", "subject_to": "none"},
    "replicate": {"configurations": 1, "seeds": 3, "also": []},
    "train": {"epochs": 4, "batch_size": 16},
    "evaluate": {"subset_sentences": 50, "subset_samples": 4, "full_samples": 8},
    "override": {"inputs": {"size": 24}, "encoder": {"hidden": 24}, "decoder": {"hidden": 24}},
}


def page(folder: Path, **changes: Any) -> Path:
    """A study page on disk."""
    path = folder / "faulty.yaml"
    path.write_text(yaml.safe_dump({**PAGE, **changes}), encoding="utf-8")
    return path


def command(path: Path, runs: Path, *more: str) -> list[str]:
    return [*UNCOLLAPSE, "run", str(path), "--runs", str(runs), "--cpus", "2", *more]


def run(path: Path, runs: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """Run a study to its end."""
    done = subprocess.run(
        command(path, runs, *more),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        env={**os.environ, **QUIET},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return done


@contextmanager
def running(path: Path, runs: Path, log: Path, *more: str) -> Iterator[subprocess.Popen[str]]:
    """A study on its way; killed at the end if it is still there."""
    with log.open("a") as output:
        process = subprocess.Popen(
            command(path, runs, *more),
            stdout=output,
            stderr=output,
            text=True,
            env={**os.environ, **QUIET},
            start_new_session=True,  # a terminal of its own, so that Ctrl-C can be tried
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.kill()
            process.wait()


def wait_until(happens: Callable[[], bool], what: str, process: subprocess.Popen[str] | None = None) -> None:
    """Poll until something happens; fails the test if it does not, or if the study ends before."""
    deadline = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < deadline, f"waited {PATIENCE} s for {what}"
        assert process is None or process.poll() is None, f"the study ended before {what}"
        time.sleep(0.1)


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def left(runs: Path, study: str = "faulty") -> list[TrialRecord]:
    """What the ledger holds, [] before it exists."""
    folder = runs / study
    return records(folder, study) if (folder / "ledger.journal").exists() else []


def ended(runs: Path, stage: str) -> int:
    return sum(record.stage == stage and record.state in ENDED for record in left(runs))


def epochs(runs: Path, stage: str) -> int:
    return sum(len(record.epochs) for record in left(runs) if record.stage == stage)


def figures(found: list[TrialRecord]) -> dict[str, Any]:
    """Every recorded figure of every trial by its key, times left out."""
    return {
        f"{record.stage}/{record.key}": (
            record.state,
            [
                {name: value for name, value in epoch.items() if name not in ("time", "cost/seconds")}
                for epoch in record.epochs
            ],
            dict(record.final),
        )
        for record in found
    }


def mlflow_runs(runs: Path, study: str = "faulty", uri: str | None = None) -> list[Any]:
    """Every run of a study's experiment."""
    client = MlflowClient(tracking_uri=uri or f"sqlite:///{runs / 'mlflow.db'}")
    return list(client.search_runs([client.get_experiment_by_name(study).experiment_id], max_results=1000))


def names(runs: list[Any]) -> list[str]:
    return [run.data.tags[TAG + "run"] for run in runs]
