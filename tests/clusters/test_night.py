"""A night: workers, nodes, drivers, the tracking server and its database die, and the study ends as if none had."""

import random
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from tests.clusters.after_the_night import finished_once, verify
from tests.clusters.faulty_night import Night
from tests.clusters.postgres import postgres
from tests.support.cluster_nodes import cluster
from tests.support.running_studies import figures, left, page, running
from tests.support.tracking_server import server

pytestmark = [pytest.mark.slow, pytest.mark.cluster]
EPOCHS = 6
STUDY = {
    "families": ["lstm_lm", "seqvae", "vmf"],
    "search": {"trials": 10, "sampler": "random", "stop_early": "none"},
    "replicate": {"configurations": 2, "seeds": 5},
    "train": {"epochs": EPOCHS, "batch_size": 16},
}
EVERY = 3 * (10 + 2 * 5)
HITS = {"worker": 10, "node": 3, "driver": 5}
SEED = 5


def schedule() -> list[tuple[str, int]]:
    """(fault, epochs recorded when it comes), spread over the night; the server goes early enough to come back."""
    drawn = random.Random(SEED)
    order = [fault for fault, times in HITS.items() for _ in range(times)] + ["database"]
    drawn.shuffle(order)
    order.insert(len(order) // 3, "tracking")
    step = EVERY * EPOCHS * 0.9 / len(order)
    return [(fault, round(step * (at + drawn.uniform(0.2, 0.8)))) for at, fault in enumerate(order)]


def undisturbed(folder: Path, address: str) -> dict[str, object]:
    """The figures of the same study on the same cluster when nothing happens to it."""
    folder.mkdir()
    with running(page(folder, **STUDY), folder / "runs", folder / "log", "--address", address) as process:
        code = process.wait(timeout=900)
    assert code == 0, (folder / "log").read_text()[-3000:]
    return figures(left(folder / "runs"))


def test_sixty_of_sixty_in_the_morning(tmp_path: Path) -> None:
    runs, log, began = tmp_path / "runs", tmp_path / "log", time.monotonic()
    with ExitStack() as stack:
        store = stack.enter_context(postgres())
        tracker = stack.enter_context(server(tmp_path, store.uri))
        nodes = stack.enter_context(cluster({"cpus": 1}, {"cpus": 1}, {"cpus": 1}))
        expected = undisturbed(tmp_path / "undisturbed", nodes.address)
        print(f"{time.monotonic() - began:5.0f} s: the undisturbed study is there")

        study = page(tmp_path, **STUDY, tracking=tracker.uri)
        start = partial(running, study, runs, log, "--address", nodes.address)
        night = Night(lambda: stack.enter_context(start()), runs, nodes, EPOCHS, SEED)
        does: dict[str, Callable[[], None]] = {
            "worker": night.kill_worker,
            "node": night.lose_node,
            "driver": night.kill_driver,
            "tracking": partial(night.stop_tracking, tracker),
            "database": partial(night.restart_database, store),
        }
        for fault, moment in schedule():
            night.wait_for_epochs(moment)
            does[fault]()
            print(f"{time.monotonic() - began:5.0f} s, epoch {moment}: {fault}")
        assert night.finish() == 0, log.read_text()[-4000:]
        agreed, said = verify(runs), log.read_text()

    hit = [fault for fault, _, _ in night.hit]
    print(f"hit in mid-training, with the epochs recorded then: {night.hit}")
    print(f"{len(left(runs))} of {EVERY} trials; {time.monotonic() - began:.0f} s; {agreed}")
    assert {fault: hit.count(fault) for fault in HITS} == HITS
    finished_once(runs, EVERY, EPOCHS)
    assert figures(left(runs)) == expected, "figures equal those of an undisturbed study, bit for bit"
    assert "MLflow does not answer" in said
    assert "MLflow answers again" in said
