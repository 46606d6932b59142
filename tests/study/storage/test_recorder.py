"""The book: everything is recorded once, and listeners hear of it."""

from pathlib import Path

import pytest

from tests.support import trial_records
from tests.support.trial_records import epoch_record
from uncollapse.analysis.schema import DIVERGED, FAILED, FINISHED, RUNNING, STOPPED
from uncollapse.study.storage.recorder import Book, job_of
from uncollapse.study.trial_record import TrialRecord


def started(folder: Path) -> tuple[Book, str, list[TrialRecord]]:
    heard: list[TrialRecord] = []
    book = trial_records.book(folder, heard.append)
    asked = book.ledger.study("search", "one").ask()
    book.ledger.describe(asked._trial_id, {"key": "k", "family": "one", "stage": "search", "settings": {}})
    record = book.start(asked._trial_id)
    return book, record.key, heard


def test_an_epoch_is_recorded_once_however_often_it_is_reported(tmp_path: Path) -> None:
    book, key, heard = started(tmp_path)
    assert len(book.epoch(key, epoch_record(1, 9.0)).epochs) == 1
    assert book.epoch(key, epoch_record(1, 7.0)) is None
    assert len(book.epoch(key, epoch_record(2, 8.0)).epochs) == 2
    assert [len(record.epochs) for record in heard] == [0, 1, 2]
    assert heard[-1].epochs[0]["subset/nll_iw"] == 9.0


def test_the_sampler_sees_the_selected_measure(tmp_path: Path) -> None:
    book, key, _ = started(tmp_path)
    book.epoch(key, epoch_record(1, 9.0))
    book.epoch(key, {"epoch": 2.0, "subset/nll_exact": 4.0, "cost/seconds": 1.0})
    (trial,) = book.ledger.trials("search", "one")
    assert trial.intermediate_values == {1: 9.0, 2: 4.0}
    book.finish(key, {})
    assert book.ledger.trials("search", "one")[0].value == 4.0


@pytest.mark.parametrize(
    ("end", "state", "cause"),
    [
        (lambda book: book.finish("k", {"valid/kl": 1.0}), FINISHED, ""),
        (lambda book: book.stop("k"), STOPPED, ""),
        (lambda book: book.diverge("k", "the loss became nan"), DIVERGED, "the loss became nan"),
        (lambda book: book.fail("k", "its process died"), FAILED, "its process died"),
    ],
)
def test_a_trial_ends_once(tmp_path: Path, end: object, state: str, cause: str) -> None:
    book, key, heard = started(tmp_path)
    book.epoch(key, epoch_record(1, 9.0))
    end(book)
    heard_before = len(heard)
    book.fail(key, "late")
    book.finish(key, {"valid/kl": 2.0})
    assert book.epoch(key, epoch_record(2, 8.0)) is None
    record = book.ledger.record(book.trial_ids[key])
    assert (record.state, record.cause, len(record.epochs)) == (state, cause, 1)
    assert record.final == ({"valid/kl": 1.0} if state == FINISHED else {})
    assert len(heard) == heard_before
    assert heard[-1] == record


def test_a_trial_may_start_again_after_a_restart(tmp_path: Path) -> None:
    book, key, _ = started(tmp_path)
    book.epoch(key, epoch_record(1, 9.0))
    again = trial_records.book(tmp_path)
    record = again.start(book.trial_ids[key])
    assert (record.state, len(record.epochs)) == (RUNNING, 1)
    assert again.epoch(key, epoch_record(1, 9.0)) is None
    assert len(again.epoch(key, epoch_record(2, 8.0)).epochs) == 2


def test_a_job_holds_what_a_worker_needs(tmp_path: Path) -> None:
    book, key, _ = started(tmp_path)
    job = job_of(book.ledger.record(book.trial_ids[key]), {"epochs": 3})
    assert job == {"epochs": 3, "key": "k", "stage": "search", "seed": 0, "configuration": {}}
