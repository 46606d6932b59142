"""The ledger: what is written is read back, by a new process, after any kill, and by one writer only."""

import fcntl
import json
import multiprocessing
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from tests.support.full_disk import fill, small_disk
from tests.support.trial_records import epoch_record
from uncollapse.analysis.schema import DIVERGED, FAILED, FINISHED, MISSING, RUNNING, STOPPED
from uncollapse.study.errors import UserError
from uncollapse.study.storage.ledger import Ledger, Left, record_of
from uncollapse.study.storage.locks import DRIVER, WAIT, owned
from uncollapse.study.storage.seals import body_of
from uncollapse.study.storage.tables import recorded, records

PLACE = {
    "key": "k1",
    "family": "vmf",
    "stage": "search",
    "number": 0,
    "audit": True,
    "configuration_id": "c1",
    "seed": 7,
}
CONFIGURATION = {"latent": {"kind": "vmf", "kappa": 80.0}, "decoder": {"inject": ["state"]}}


def opened(folder: Path) -> Ledger:
    return Ledger(folder, "mine", write=True)


def trial(ledger: Ledger) -> int:
    study = ledger.study("search", "vmf")
    asked = study.ask()
    asked.suggest_float("latent.kappa", 5.0, 200.0, log=True)
    ledger.describe(asked._trial_id, {**PLACE, "configuration": CONFIGURATION})
    ledger.start(asked._trial_id)
    return asked._trial_id


def test_a_record_comes_back_whole_in_a_new_process(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    trial_id = trial(ledger)
    for number in (1, 2, 12):
        ledger.epoch(trial_id, epoch_record(number, 100.0 / number), 100.0 / number)
    ledger.end(trial_id, FINISHED, "", Left({"valid/nll_iw": 8.5}, {"samples.txt": "some"}), [8.3])
    record = Ledger(tmp_path, "mine").record(trial_id)
    assert record == ledger.record(trial_id)
    assert {name: getattr(record, name) for name in PLACE} == PLACE
    assert record.configuration == CONFIGURATION
    assert set(record.params) == {"latent.kappa"}
    assert [epoch["epoch"] for epoch in record.epochs] == [1.0, 2.0, 12.0]
    assert record.epochs[0]["subset/nll_iw"] == 100.0
    assert (record.state, record.final, record.cause) == (FINISHED, {"valid/nll_iw": 8.5}, "")
    assert 0 < record.started <= record.epochs[0]["time"] <= record.ended
    assert record.seconds == 3.0
    assert record.measures["valid/nll_iw"] == 8.5
    assert record.measures["subset/nll_iw"] == pytest.approx(100 / 12)


@pytest.mark.parametrize("drawn", [True, False])
def test_an_entry_from_before_its_names_changed_is_read(tmp_path: Path, drawn: bool) -> None:
    ledger = opened(tmp_path)
    asked = ledger.study("search", "vmf").ask()
    old = {"key": "k1", "configuration": "c1", "seed": 7} | ({"settings": CONFIGURATION} if drawn else {})
    ledger.describe(asked._trial_id, old)
    record = Ledger(tmp_path, "mine").record(asked._trial_id)
    assert (record.key, record.configuration_id, record.seed) == ("k1", "c1", 7)
    assert record.configuration == (CONFIGURATION if drawn else {})


def test_numbers_come_back_bit_for_bit(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    trial_id = trial(ledger)
    numbers = {"epoch": 1.0, "subset/nll_iw": 0.1 + 0.2, "subset/mi": 1e-300, "subset/kl": -1 / 3}
    ledger.epoch(trial_id, numbers, None)
    (epoch,) = Ledger(tmp_path, "mine").record(trial_id).epochs
    assert {name: epoch[name] for name in numbers} == numbers


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (FINISHED, TrialState.COMPLETE),
        (STOPPED, TrialState.PRUNED),
        (DIVERGED, TrialState.FAIL),
        (FAILED, TrialState.FAIL),
    ],
)
def test_optuna_is_told_how_a_trial_ended(state: str, told: TrialState, tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    trial_id = trial(ledger)
    ledger.epoch(trial_id, epoch_record(1, 5.0), 5.0)
    assert ledger.record(trial_id).state == RUNNING
    ledger.end(trial_id, state, "why", Left(), [5.0])
    (found,) = Ledger(tmp_path, "mine").trials("search", "vmf")
    assert found.state == told
    assert found.values == ([5.0] if state == FINISHED else None)
    assert found.intermediate_values == {1: 5.0}
    assert (record_of(found).state, record_of(found).cause) == (state, "why")


def test_a_planned_trial_is_missing_until_it_starts(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    study = ledger.study("replicate", "vmf")
    study.enqueue_trial({})
    (found,) = ledger.trials("replicate", "vmf")
    assert record_of(found).state == MISSING
    for _ in range(2):
        ledger.start(found._trial_id)
        assert ledger.record(found._trial_id).state == RUNNING


def test_a_kill_between_the_last_attribute_and_the_state_leaves_a_running_trial(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    trial_id = trial(ledger)
    ledger.describe(trial_id, {"final": {"valid/kl": 1.0}, "state": FINISHED})
    assert ledger.record(trial_id).state == RUNNING
    ledger.end(trial_id, STOPPED, "", Left(), None)
    assert ledger.record(trial_id).state == STOPPED


def test_families_of_a_journal_are_listed(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    for stage, family in (("search", "vmf"), ("replicate", "vmf"), ("search", "my.own")):
        ledger.study(stage, family)
    assert (
        ledger.families()
        == Ledger(tmp_path, "mine").families()
        == [("replicate", "vmf"), ("search", "my.own"), ("search", "vmf")]
    )


def test_a_line_torn_by_a_kill_is_cut_and_what_follows_is_readable(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    trial_id = trial(ledger)
    ledger.epoch(trial_id, epoch_record(1, 5.0), 5.0)
    whole = ledger.path.read_bytes()
    for torn in (b"{", b'{"op_code": 9, "trial_id": 0, "user_attr": {"sta', whole.splitlines()[-1]):
        ledger.path.write_bytes(whole + torn)
        again = opened(tmp_path)
        assert ledger.path.read_bytes() == whole
        assert len(again.record(trial_id).epochs) == 1
    again.epoch(trial_id, epoch_record(2, 4.0), 4.0)
    assert len(Ledger(tmp_path, "mine").record(trial_id).epochs) == 2
    assert all(json.loads(line) for line in ledger.path.read_text().splitlines())


def test_every_prefix_of_a_journal_opens(tmp_path: Path) -> None:
    ledger = opened(tmp_path / "whole")
    trial_id = trial(ledger)
    ledger.epoch(trial_id, epoch_record(1, 5.0), 5.0)
    ledger.end(trial_id, FINISHED, "", Left(), [5.0])
    whole = ledger.path.read_bytes()
    for at, size in enumerate(range(0, len(whole), 97)):
        folder = tmp_path / str(at)
        folder.mkdir()
        (folder / "ledger.journal").write_bytes(whole[:size])
        again = opened(folder)
        assert len(again.trials("search", "vmf")) in (0, 1)
        again.study("search", "vmf").ask()


def test_a_reader_does_not_touch_the_journal(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    trial_id = trial(ledger)
    torn = ledger.path.read_bytes() + b'{"half'
    ledger.path.write_bytes(torn)
    assert Ledger(tmp_path, "mine").record(trial_id).key == "k1"
    assert ledger.path.read_bytes() == torn


def test_a_reader_and_a_second_opening_add_no_line(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    trial(ledger)
    ledger.study("replicate", "vmf")
    before = ledger.path.read_bytes()
    (record,) = records(tmp_path, "mine")
    assert record.key == "k1"
    assert Ledger(tmp_path, "mine").trials("search", "never") == []
    assert len(opened(tmp_path).trials("search", "vmf")) == 1
    opened(tmp_path).study("replicate", "vmf")
    assert ledger.path.read_bytes() == before


def test_a_reader_of_a_study_without_a_ledger_makes_none(tmp_path: Path) -> None:
    assert records(tmp_path / "mine", "mine") == []
    assert list(tmp_path.iterdir()) == []


def test_records_of_an_open_ledger_follow_what_another_process_writes(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    trial_id = trial(ledger)
    reader = Ledger(tmp_path, "mine")
    assert [len(record.epochs) for record in recorded(reader)] == [0]
    ledger.epoch(trial_id, epoch_record(1, 5.0), 5.0)
    assert [len(record.epochs) for record in recorded(reader)] == [1]


def test_optunas_own_journal_reads_the_ledger(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    trial_id = trial(ledger)
    ledger.epoch(trial_id, epoch_record(1, 5.0), 5.0)
    ledger.end(trial_id, FINISHED, "", Left({"valid/nll_iw": 8.5}, {"samples.txt": "some"}), [8.3])
    theirs = JournalStorage(JournalFileBackend(str(ledger.path)))
    (found,) = optuna.load_study(study_name="mine.search.vmf", storage=theirs).trials
    (ours,) = ledger.trials("search", "vmf")
    assert vars(found) == vars(ours)
    optuna.load_study(study_name="mine.search.vmf", storage=theirs).ask()


def test_the_ledger_reads_optunas_own_journal_and_seals_it_when_it_is_written_to(tmp_path: Path) -> None:
    theirs = JournalStorage(JournalFileBackend(str(tmp_path / "ledger.journal")))
    study = optuna.create_study(study_name="mine.search.vmf", storage=theirs)
    study.tell(study.ask(), 3.0)
    study.ask()
    (tmp_path / "ledger.journal.lock").unlink(missing_ok=True)
    before = (tmp_path / "ledger.journal").read_bytes()
    states = [TrialState.COMPLETE, TrialState.RUNNING]
    for write in (False, True, False):
        ledger = Ledger(tmp_path, "mine", write=write)
        assert [one.state for one in ledger.trials("search", "vmf")] == states
        after = (tmp_path / "ledger.journal").read_bytes()
        assert ledger.damage is None
        assert write == (after != before) or b"seal" in before
        before = after
    assert all(b'"seal":"' in line for line in after.splitlines())
    assert [one.state for one in optuna.load_study(study_name="mine.search.vmf", storage=theirs).trials] == states
    assert len(list(tmp_path.iterdir())) == 1


ENTRIES = [
    b"{}",
    b"[]",
    b"3",
    b'{"op_code": 77, "worker_id": "w"}',
    b'{"op_code": 4, "worker_id": "w", "study_id": 0}',
    b'{"op_code": 8, "worker_id": "w", "trial_id": 0, "user_attr": 5}',
    b"\0\0\0",
]


@pytest.mark.parametrize("damage", ENTRIES)
def test_a_damaged_line_without_seals_is_a_sentence_with_file_and_line(tmp_path: Path, damage: bytes) -> None:
    ledger = opened(tmp_path)
    trial(ledger)
    lines = [body_of(line) for line in ledger.path.read_bytes().splitlines(keepends=True)]
    for place in (3, len(lines)):
        damaged = [*lines[: place - 1], damage, *lines[place:], b""]
        ledger.path.write_bytes(b"\n".join(damaged))
        for write in (False, True):
            with pytest.raises(UserError, match=rf"ledger\.journal, line {place}: .* damaged; .*head -n {place - 1}"):
                Ledger(tmp_path, "mine", write=write)
        assert ledger.path.read_bytes() == b"\n".join(damaged), "nothing is repaired in silence"
        kept = tmp_path / f"kept-{place}"
        kept.mkdir()
        (kept / "ledger.journal").write_bytes(b"\n".join([*lines[: place - 1], b""]))
        opened(kept)  # the remedy


@pytest.mark.parametrize("damage", [*ENTRIES, b""])
def test_a_damaged_line_is_named_and_costs_its_trial(tmp_path: Path, damage: bytes) -> None:
    ledger = opened(tmp_path)
    trial_id = trial(ledger)
    ledger.epoch(trial_id, epoch_record(1, 5.0), 5.0)
    ledger.end(trial_id, FINISHED, "", Left(), [8.3])
    whole = ledger.record(trial_id)
    lines = ledger.path.read_bytes().splitlines()
    place = next(at for at, line in enumerate(lines) if b"epoch/" in line)
    content = b"\n".join([*lines[:place], damage, *lines[place + 1 :], b""])
    ledger.path.write_bytes(content)
    reader = Ledger(tmp_path, "mine")
    assert (
        f"ledger.journal, line {place + 1}: damaged since it was written; not counted any more: trial 0 of vmf (search);"
        in str(reader.damage)
    )
    (record,) = recorded(reader)
    assert (record.state, record.epochs, record.final) == (RUNNING, (), {})
    assert replace(whole, state=RUNNING, epochs=(), ended=0.0) == record, "what it was given is there"
    assert ledger.path.read_bytes() == content
    assert len(list(tmp_path.iterdir())) == 1
    writer = opened(tmp_path)
    assert recorded(writer) == [record]
    assert "is kept as ledger.journal.damaged," in str(writer.damage)
    assert (tmp_path / "ledger.journal.damaged").read_bytes() == content
    assert len(recorded(reader)) == 1, "it reads on in the file that stands there now"
    writer.epoch(trial_id, epoch_record(1, 5.0), 5.0)
    writer.end(trial_id, FINISHED, "", Left(), [8.3])
    for one in (reader, Ledger(tmp_path, "mine")):
        assert one.record(trial_id).state == FINISHED
    assert Ledger(tmp_path, "mine").damage is None


def test_an_ending_that_finds_no_room_leaves_a_running_trial(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        ledger = opened(disk)
        trial_id = trial(ledger)
        ledger.epoch(trial_id, epoch_record(1, 5.0), 5.0)
        before = ledger.path.read_bytes()
        ballast = fill(disk)
        texts = {"samples.txt": "word " * 2000}
        with pytest.raises(OSError, match="No space left"):
            ledger.end(trial_id, FINISHED, "", Left({"valid/nll_iw": 8.5}, texts), [8.3])
        assert ledger.path.read_bytes() == before
        assert ledger.record(trial_id).state == Ledger(disk, "mine").record(trial_id).state == RUNNING
        ballast.unlink()
        ledger.end(trial_id, FINISHED, "", Left({"valid/nll_iw": 8.5}, texts), [8.3])
        assert Ledger(disk, "mine").record(trial_id) == ledger.record(trial_id)
        assert ledger.record(trial_id).state == FINISHED


def test_a_second_owner_is_refused_and_told_who_is_first(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    code = (
        "import sys; from pathlib import Path; from uncollapse.study.storage.locks import DRIVER, WAIT, owned; from uncollapse.study.errors import UserError\n"
        f"try:\n    with owned(Path({str(folder)!r})): pass\nexcept UserError as error: print(error)"
    )
    with owned(folder):
        out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        assert out.startswith("mine: a study is run by one process at a time ")
        assert f"process {os.getpid()} on " in out
        assert "uncollapse status" in out
        with pytest.raises(UserError, match="one process at a time"), owned(folder):
            pass
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == ""


def _die(folder: Path) -> None:
    with owned(folder):
        os._exit(9)


def test_an_owner_that_dies_lets_go(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_die, args=(tmp_path / "mine",))
    process.start()
    process.join()
    assert process.exitcode == 9
    with owned(tmp_path / "mine"):
        pass


def test_who_only_asks_refuses_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    with owned(folder):
        pass
    asking = (folder / DRIVER).open("a")
    fcntl.flock(asking, fcntl.LOCK_EX)
    asked = threading.Timer(WAIT, asking.close)
    asked.start()
    with owned(folder):
        asked.join()


def test_an_error_inside_lets_go(tmp_path: Path) -> None:
    with pytest.raises(KeyError), owned(tmp_path / "mine"):
        raise KeyError
    with owned(tmp_path / "mine"):
        pass


@pytest.mark.parametrize(
    "changes", [{"key": "../../k"}, {"key": "/etc/k"}, {"family": "../vmf"}, {"key": 3}, {"artifacts": {"../a": "x"}}]
)
def test_a_ledger_of_others_names_nothing_outside(changes: dict[str, Any], tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    trial_id = trial(ledger)
    ledger.describe(trial_id, changes)
    with pytest.raises(UserError, match="a trial's key, family and artifacts are called by a name of letters"):
        records(tmp_path, "mine")
