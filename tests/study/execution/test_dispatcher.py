"""The dispatcher: what is handed out, what goes back into the queue, and when it says, kills and leaves."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import trial_records
from uncollapse.analysis.schema import FAILED, FINISHED, OUT_OF_TIME, RUNNING, STOPPED
from uncollapse.study.errors import RunError
from uncollapse.study.execution import dispatcher as module
from uncollapse.study.execution.control import STOP, Control
from uncollapse.study.execution.dispatcher import DEATHS, Dispatcher
from uncollapse.study.execution.job import Jobs
from uncollapse.study.execution.surroundings import Memory, Surroundings, Told, Unplaced
from uncollapse.study.execution.worker import Event

COMMON = {"gpus": 0, "epoch_seconds": 100.0}
EPOCHS = {"subset/nll_iw": 5.0, "subset/nll_elbo": 6.0, "cost/seconds": 1.0, "cost/updates": 1.0}


class Room:
    """Machines that a test moves."""

    def __init__(self, slots: int) -> None:
        self.slots, self.killed, self.said, self.troubled = slots, [], [], []


@pytest.fixture
def room() -> Room:
    return Room(2)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now


def made(tmp_path: Path, room: Room, **common: float) -> Dispatcher:
    of = trial_records.study(tmp_path)
    surroundings = Surroundings(lambda: room.slots, lambda waiting: f"{waiting} wait", room.killed.append)
    control = Control(tmp_path / "control", room.said.append)

    def place(key: str) -> dict[str, str]:
        return {"checkpoint": str(tmp_path / f"{key}.pt"), "weights": ""}

    jobs, told = Jobs({**COMMON, **common}, place), Told(room.said.append, room.troubled.append)
    return Dispatcher(trial_records.search(of, tmp_path), jobs, surroundings, control, told, Memory())


@pytest.fixture
def dispatcher(tmp_path: Path, room: Room) -> Dispatcher:
    return made(tmp_path, room)


def job(dispatcher: Dispatcher, trial_id: str) -> dict[str, Any]:
    handed = dispatcher.next_job(trial_id)
    assert handed is not None
    return json.loads(handed["job"])


def begun(device: str = "cpu") -> dict[str, Any]:
    return {"event": Event.BEGUN, "device": device, "host": "here", "source": "/there"}


def epoch(number: int) -> dict[str, Any]:
    return {"event": Event.EPOCH, "record": {"epoch": number, **EPOCHS}}


def test_a_trial_that_is_out_of_time_ends_as_stopped_and_says_why(
    dispatcher: Dispatcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = job(dispatcher, "a")["key"]
    dispatcher.take("a", begun())
    assert not dispatcher.take("a", epoch(1))
    monkeypatch.setattr(dispatcher.stage, "out_of_time", lambda record: True)
    assert dispatcher.take("a", epoch(2))
    dispatcher.leave("a")
    (record,) = [one for one in dispatcher.recorder.ledger.trials("search", "one") if one.user_attrs["key"] == key]
    assert (record.user_attrs["state"], record.user_attrs["cause"]) == (STOPPED, OUT_OF_TIME)


def test_it_hands_out_as_many_as_fit_and_follows_the_cluster(dispatcher: Dispatcher, room: Room) -> None:
    keys = {job(dispatcher, name)["key"] for name in "ab"}
    assert len(keys) == 2
    assert dispatcher.next_job("c") is None
    room.slots = 3
    assert job(dispatcher, "c")["key"] not in keys
    assert not dispatcher.done


def test_a_cluster_without_nodes_is_waited_for(dispatcher: Dispatcher, room: Room) -> None:
    room.slots = 0
    assert dispatcher.next_job("a") is None
    assert not dispatcher.done, "there is work, and no place for it yet"


def test_what_died_is_the_next_to_be_handed_out(dispatcher: Dispatcher, room: Room) -> None:
    first = job(dispatcher, "a")
    dispatcher.take("a", begun())
    dispatcher.take("a", epoch(1))
    dispatcher.leave("a", "its node was lost")
    again = job(dispatcher, "b")
    assert again["key"] == first["key"]
    assert dispatcher.stage.recorder.state(first["key"]) == RUNNING
    assert any("its node was lost" in sentence for sentence in room.said)


def test_deaths_without_progress_are_counted_and_progress_forgives_them(dispatcher: Dispatcher) -> None:
    key = job(dispatcher, "0")["key"]
    for number in range(1, 7):  # more deaths than are forgiven, each after another epoch
        dispatcher.take("0", epoch(number))
        dispatcher.leave("0", "killed")
        assert job(dispatcher, "0")["key"] == key
    for _ in range(DEATHS - 1):
        dispatcher.leave("0", "killed")
        assert dispatcher.stage.recorder.state(key) == RUNNING
        assert job(dispatcher, "0")["key"] == key
    dispatcher.leave("0", "its node ran out of memory and Ray killed it")
    record = dispatcher.stage.recorder.ledger.record(dispatcher.stage.recorder.trial_ids[key])
    assert record.state == FAILED
    assert record.cause == (
        f"its process died {DEATHS + 1} times without finishing another epoch; "
        "last: its node ran out of memory and Ray killed it"
    )


def test_nodes_that_are_taken_away_are_no_error_of_a_trial(dispatcher: Dispatcher) -> None:
    key = job(dispatcher, "0")["key"]
    for _ in range(3 * DEATHS):
        dispatcher.leave("0", module.TAKEN_AWAY)
        assert job(dispatcher, "0")["key"] == key
    assert dispatcher.stage.recorder.state(key) == RUNNING


def test_a_full_disk_is_no_error_of_a_trial(dispatcher: Dispatcher) -> None:
    key = job(dispatcher, "a")["key"]
    with dispatcher.keeping():
        dispatcher.take("a", {"event": Event.BLOCKED, "cause": "disk: no space is left"})
    assert isinstance(dispatcher.error, RunError)
    dispatcher.leave("a")
    assert dispatcher.stage.recorder.state(key) == RUNNING
    assert dispatcher.take("a", epoch(1)), "nothing is recorded any more"
    with pytest.raises(RunError, match="no space"):
        dispatcher.tick()


def test_a_process_that_died_of_a_full_disk_is_no_error_of_its_trial(dispatcher: Dispatcher) -> None:
    key = job(dispatcher, "a")["key"]
    with dispatcher.keeping():
        dispatcher.leave("a", "OSError: [Errno 28] No space left on device: '/runs/mine/tune/search'")
    assert dispatcher.stage.recorder.state(key) == RUNNING
    with pytest.raises(RunError, match="disk: no space is left"):
        dispatcher.tick()


def test_a_request_to_stop_lets_epochs_end(dispatcher: Dispatcher) -> None:
    keys = [job(dispatcher, name)["key"] for name in "ab"]
    dispatcher.take("a", begun())
    dispatcher.control.request = STOP
    assert dispatcher.next_job("c") is None
    assert dispatcher.take("a", epoch(1)), "it is stopped with its epoch recorded"
    dispatcher.leave("a")
    assert dispatcher.stage.recorder.state(keys[0]) == RUNNING
    with pytest.raises(Unplaced):
        dispatcher.tick()  # b has not begun anywhere


def test_a_silent_worker_is_killed_once(dispatcher: Dispatcher, room: Room, clock: list[float]) -> None:
    job(dispatcher, "a")
    clock[0] += 1000
    dispatcher.tick()
    assert room.killed == [], "a trial that waits for a place is not silent"
    dispatcher.take("a", begun())
    clock[0] += COMMON["epoch_seconds"] + module.GRACE - 1
    dispatcher.tick()
    assert room.killed == []
    clock[0] += 2
    dispatcher.tick()
    dispatcher.tick()
    assert room.killed == ["a"]
    dispatcher.leave("a", "it was killed")
    assert "no epoch within 100 s, resources.epoch_seconds" in room.said[-1]


def test_waiting_is_said_again_and_again_and_becomes_trouble(
    clock: list[float], dispatcher: Dispatcher, room: Room
) -> None:
    job(dispatcher, "a")
    for _ in range(130):
        clock[0] += module.QUIET / 10
        dispatcher.tick()
    assert room.said == ["1 wait"] * 11
    assert room.troubled == ["1 wait"]


def test_a_gpu_that_torch_does_not_see_is_said_once_a_host(tmp_path: Path, room: Room) -> None:
    dispatcher = made(tmp_path, room, gpus=0.5)
    keys = [job(dispatcher, name)["key"] for name in "ab"]
    for name in "ab":
        dispatcher.take(name, begun())
    assert len(room.troubled) == 1
    assert "torch sees none" in room.troubled[0]
    recorder = dispatcher.stage.recorder
    assert [recorder.ledger.record(recorder.trial_ids[key]).device for key in keys] == ["cpu", "cpu"]


def test_a_finished_trial_leaves_nothing_behind(dispatcher: Dispatcher, tmp_path: Path) -> None:
    handed = job(dispatcher, "a")
    checkpoint = Path(handed["checkpoint"])
    for suffix in (".pt", ".lock", ".hang"):
        checkpoint.with_suffix(suffix).write_text("")
    dispatcher.take("a", {"event": Event.FINISHED, "final": {}, "artifacts": {}, "kept_epoch": 0})
    dispatcher.leave("a")
    assert dispatcher.stage.recorder.state(handed["key"]) == FINISHED
    assert list(tmp_path.glob(f"{handed['key']}*")) == []
