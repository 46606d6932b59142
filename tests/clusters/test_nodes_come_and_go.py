"""Nodes that join, are drained, or are too small; GPUs that are shared, as Ray counts them."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from tests.clusters.after_the_night import finished_once, verify
from tests.support.cluster_nodes import Cluster, cluster
from tests.support.running_studies import QUIET, command, epochs, left, page, running, wait_until
from uncollapse.cli.main import FAILED, STOPPED, USER

pytestmark = [pytest.mark.slow, pytest.mark.cluster]
EPOCHS, SEARCHED, CONFIRMED = 16, 8, 2
STUDY: dict[str, Any] = {
    "families": ["seqvae"],
    "search": {"trials": SEARCHED, "sampler": "random", "stop_early": "none"},
    "replicate": {"configurations": 1, "seeds": CONFIRMED},
    "train": {"epochs": EPOCHS, "batch_size": 8},
}
# one trial a stage, long enough that its node goes while it trains
LONE = {**STUDY, "search": {**STUDY["search"], "trials": 1}, "replicate": {"configurations": 1, "seeds": 1}}
LONE = {**LONE, "train": {"epochs": 40, "batch_size": 8}}


def crowds(nodes: Cluster, runs: Path) -> dict[str, int]:
    """How many trials each node trains now."""
    there = [node.name for node, _ in nodes.trains(runs / "faulty" / "checkpoints").values()]
    return {name: there.count(name) for name in there}


def test_a_node_that_joins_late_is_used(tmp_path: Path) -> None:
    runs, log = tmp_path / "runs", tmp_path / "log"
    study = page(tmp_path, **STUDY)
    with cluster({"cpus": 1}) as nodes, running(study, runs, log, "--address", nodes.address) as process:
        wait_until(lambda: epochs(runs, "search") >= 3, "three epochs", process)
        late = nodes.add(cpus=1)
        wait_until(lambda: late.name in crowds(nodes, runs), "a trial on the late node", process)
        recorded = epochs(runs, "search")
        assert process.wait(timeout=300) == 0, log.read_text()[-3000:]
    print(f"used after {recorded} of {SEARCHED * EPOCHS} epochs of the search")
    assert recorded < SEARCHED * EPOCHS, "by the stage that was under way"
    finished_once(runs, SEARCHED + CONFIRMED, EPOCHS)
    verify(runs)


def test_a_drained_node_costs_no_trial(tmp_path: Path) -> None:
    runs, log, grace = tmp_path / "runs", tmp_path / "log", 5
    study = page(tmp_path, **STUDY)
    with cluster({"cpus": 1}, {"cpus": 1}) as nodes:
        away = nodes.nodes[1]
        with running(study, runs, log, "--address", nodes.address) as process:
            wait_until(lambda: away.name in crowds(nodes, runs), "a trial on the node", process)
            nodes.drain(away, grace)
            time.sleep(grace)
            wait_until(lambda: away.name in crowds(nodes, runs), "a trial that does not move by itself", process)
            away.kill()
            assert process.wait(timeout=300) == 0, log.read_text()[-3000:]
    print([line for line in log.read_text().splitlines() if "died" in line])
    assert "its node was taken away" in log.read_text()
    finished_once(runs, SEARCHED + CONFIRMED, EPOCHS)
    verify(runs)


def test_the_only_node_is_taken_away_and_another_one_comes(tmp_path: Path) -> None:
    runs, log = tmp_path / "runs", tmp_path / "log"
    study = page(tmp_path, **LONE)
    with cluster({"cpus": 0}, {"cpus": 1}) as nodes:
        with running(study, runs, log, "--address", nodes.address) as process:
            wait_until(lambda: epochs(runs, "search") >= 3, "three epochs", process)
            nodes.drain(nodes.nodes[1], 60)
            nodes.nodes[1].kill()
            wait_until(lambda: "waits for a node" in log.read_text(), "a word about why nothing trains", process)
            process.send_signal(signal.SIGINT)
            assert process.wait(timeout=60) == STOPPED, "Ctrl-C is obeyed though there is nothing to wait for"
            recorded = epochs(runs, "search")
        nodes.add(cpus=1)
        with running(study, runs, log, "--address", nodes.address) as process:
            assert process.wait(timeout=300) == 0, log.read_text()[-3000:]
    print(f"stopped after {recorded} epochs; {[line for line in log.read_text().splitlines() if 'node' in line]}")
    finished_once(runs, 2, 40)
    verify(runs)


def test_a_study_goes_on_after_its_cluster_lost_its_head(tmp_path: Path) -> None:
    runs, log = tmp_path / "runs", tmp_path / "log"
    study = page(tmp_path, **LONE)
    with cluster({"cpus": 1}) as nodes, running(study, runs, log, "--address", nodes.address) as process:
        wait_until(lambda: epochs(runs, "search") >= 3, "three epochs", process)
        nodes.nodes[0].kill()
        assert process.wait(timeout=120) == FAILED, "Ray gives its head a minute, and the study does not outlive it"
        assert "Failed to connect to GCS" in log.read_text()
    with cluster({"cpus": 1}) as nodes, running(study, runs, log, "--address", nodes.address) as process:
        assert process.wait(timeout=300) == 0, log.read_text()[-3000:]
    finished_once(runs, 2, 40)
    verify(runs)


def test_a_trial_that_fits_on_no_node_is_refused(tmp_path: Path) -> None:
    with cluster({"cpus": 1}, {"cpus": 1}) as nodes:
        for wanted, said in (({"cpus": 2}, "2 CPU"), ({"cpus": 1, "gpus": 1}, "1 GPU")):
            study = page(tmp_path, **STUDY, resources=wanted)
            arguments = command(study, tmp_path / "runs", "--address", nodes.address)
            done = subprocess.run(arguments, capture_output=True, text=True, env={**os.environ, **QUIET}, check=False)
            print(done.stderr)
            assert done.returncode == USER, done.stdout + done.stderr
            assert said in done.stderr
            assert "Traceback" not in done.stderr
    assert left(tmp_path / "runs") == []


def test_two_trials_share_a_gpu_and_never_three(tmp_path: Path) -> None:
    runs, log, seen = tmp_path / "runs", tmp_path / "log", list[dict[str, int]]()
    study = page(tmp_path, **{**STUDY, "train": {"epochs": 5, "batch_size": 16}}, resources={"cpus": 1, "gpus": 0.5})
    with cluster({"cpus": 4, "gpus": 1}, {"cpus": 4, "gpus": 1}) as nodes:
        with running(study, runs, log, "--address", nodes.address) as process:
            while process.poll() is None:
                seen.append(crowds(nodes, runs))
                time.sleep(0.2)
        assert process.returncode == 0, log.read_text()[-3000:]
        most = {node.name: max(crowd.get(node.name, 0) for crowd in seen) for node in nodes.nodes}
    print(f"most trials on a node at once, in {len(seen)} looks: {most}")
    assert set(most.values()) == {2}, "both nodes' GPUs are shared by two, and none by three"
    assert "torch sees none there" in log.read_text(), "that these GPUs are no real ones is said"
    finished_once(runs, SEARCHED + CONFIRMED, 5)
