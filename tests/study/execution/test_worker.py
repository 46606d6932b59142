"""What a worker leaves behind when it ends itself."""

import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.full_disk import fill, small_disk
from uncollapse.study.config import families, study_page
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.execution.job import common_job
from uncollapse.study.execution.running_code import PACKAGE, refusal, stamp
from uncollapse.study.execution.worker import Event, Text, train_job, where_it_hung
from uncollapse.study.storage.retention import discard, hang_note
from uncollapse.study.training.corpus_info import corpus_info_of

PAGE = {
    "study": "mine",
    "corpus": {"name": "cafes", "sentences": 200},
    "families": ["seqvae"],
    "train": {"epochs": 1, "batch_size": 32},
    "evaluate": {"subset_sentences": 10, "subset_samples": 2, "full_samples": 2, "probes": []},
}
NO_TEXT: Any = None  # nothing reads it
HANGS = """
import sys, time, threading
from pathlib import Path
import torch
from uncollapse.study.execution import worker
from uncollapse.study.config import families
from uncollapse.study.execution.running_code import stamp
from uncollapse.study.training import devices, training

def hangs(content):
    time.sleep(600)

threading.Thread(target=time.sleep, args=(600,), daemon=True).start()  # which is none of the worker's
configuration = families.load("vmf").configure({})
job = {"checkpoint": sys.argv[1], "epoch_seconds": 1.0, "threads": 1, "gpus": 0, "python_path": []}
job |= {"configuration": configuration, **stamp(configuration)}
worker.train_job(job, None, hangs)
"""


def test_a_worker_that_hangs_ends_itself_and_says_where(tmp_path: Path) -> None:
    checkpoint = tmp_path / "one.pt"
    done = subprocess.run([sys.executable, "-c", HANGS, str(checkpoint)], capture_output=True, timeout=120, check=False)
    assert done.returncode == 1
    assert where_it_hung(checkpoint).endswith(" in hangs")
    discard(checkpoint)
    assert list(tmp_path.iterdir()) == []
    assert where_it_hung(checkpoint) == ""


def test_a_process_that_hung_elsewhere_is_no_hang_of_the_worker(tmp_path: Path) -> None:
    checkpoint = tmp_path / "one.pt"
    elsewhere = 'Thread 0x1 (most recent call first):\n  File "/a/other_worker.py", line 3 in _train\n'
    hang_note(checkpoint).write_text(elsewhere)
    assert where_it_hung(checkpoint) == ""


def test_a_worker_with_other_code_than_its_driver_trains_nothing_and_names_both_places(tmp_path: Path) -> None:
    configuration = families.load("vmf").configure({})
    job = {
        "configuration": configuration,
        "checkpoint": str(tmp_path / "one.pt"),
        "epoch_seconds": 60,
        "python_path": [],
    }
    reports: list[dict[str, Any]] = []
    train_job({**job, "code": "0123456789ab", "source": "/driver/uncollapse"}, NO_TEXT, reports.append)
    (report,) = reports
    assert report["event"] == Event.FAILED
    assert "0123456789ab in /driver/uncollapse" in report["cause"]
    assert f"runs {stamp(configuration)['code']} in {PACKAGE}; install the same version" in report["cause"]
    assert refusal(job | stamp(configuration)) == ""


def job_and_text(folder: Path) -> tuple[dict[str, Any], Text]:
    """A small confirmation run that keeps no weights."""
    study = study_page.parse(PAGE, folder, "the study")
    corpus = prepare(study.corpus, folder / "corpora", folder)
    text = Text(corpus, corpus_info_of(corpus), corpus.split("train"), corpus.split("valid"))
    configuration = study.families[0].override({"encoder": {"hidden": 8}, "decoder": {"hidden": 8}}).configure({})
    own = {"key": "k", "seed": 1, "configuration": configuration, "weights": "", "checkpoint": str(folder / "k.pt")}
    return {**common_job(study, full=True), **own, **stamp(configuration)}, text


def trained(job: dict[str, Any], text: Text) -> list[dict[str, Any]]:
    """What a worker reports of a job, but for how long it took."""
    reports: list[dict[str, Any]] = []
    train_job(job, text, reports.append)
    for report in reports:
        report.get("record", {}).pop("cost/seconds", None)
    return reports


def test_a_full_disk_under_the_weights_is_no_error_of_the_trial(tmp_path: Path) -> None:
    job, text = job_and_text(tmp_path)
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        fill(disk)
        reports = trained({**job, "weights": str(disk / "weights" / "k.safetensors")}, text)
    assert [report["event"] for report in reports] == [Event.BEGUN, Event.EPOCH, Event.BLOCKED]
    assert reports[-1]["cause"].startswith("disk: no space is left")


def test_a_checkpoint_of_another_trial_is_put_aside(tmp_path: Path) -> None:
    job, text = job_and_text(tmp_path)
    one, other = {**job, "key": "one"}, {**job, "key": "other", "seed": 2}
    expected = trained({**other, "checkpoint": str(tmp_path / "other.pt")}, text)
    trained(one, text)
    assert trained(other, text) == expected, "nothing of the other is taken over"
    assert (tmp_path / "k.pt.unreadable").exists()
    assert trained(other, text)[1] == expected[1], "its own is gone on from"
