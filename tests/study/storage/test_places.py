"""Places are the numbers that Optuna gives, and count the entries of every trial."""

from pathlib import Path

from optuna.storages.journal._storage import JournalOperation

from tests.support import trial_records
from uncollapse.study.storage import places
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.places import Places
from uncollapse.study.storage.seals import seal_of


def test_operations_are_numbered_as_optuna_does() -> None:
    ours = [places.CREATE_STUDY, places.CREATE_TRIAL, places.SET_PARAM, places.SET_STATE]
    ours += [places.SET_USER_ATTRIBUTE, places.SET_SYSTEM_ATTRIBUTE]
    theirs = ["CREATE_STUDY", "CREATE_TRIAL", "SET_TRIAL_PARAM", "SET_TRIAL_STATE_VALUES"]
    theirs += ["SET_TRIAL_USER_ATTR", "SET_TRIAL_SYSTEM_ATTR"]
    assert ours == [JournalOperation[name].value for name in theirs]


def test_places_of_a_ledger_are_optunas_numbers_and_count_the_entries_of_a_trial(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"trials": 2}, replicate={"seeds": 2, "configurations": 1})
    trial_records.run(trial_records.search(study, tmp_path))
    trial_records.run(trial_records.replicate(study, tmp_path))
    ledger = Ledger(tmp_path / "runs", "mine")
    numbers = [place for line in ledger.path.read_bytes().splitlines(keepends=True) if (place := seal_of(line).place)]
    made = [tuple(map(int, place.split("."))) for place in numbers if "." in place]
    assert made == [
        (trial._trial_id, trial.number)
        for trial in sorted(
            (one for pair in ledger.families() for one in ledger.trials(*pair)), key=lambda one: one._trial_id
        )
    ]
    assert len(made) == 2 * 2 + 2 * 2
    assert [seal_of(line).number for line in ledger.path.read_bytes().splitlines(keepends=True)] == list(
        range(1, ledger.journal.lines + 1)
    )


def test_what_optuna_does_not_make_is_not_counted() -> None:
    counted = Places()
    assert counted.next({"op_code": 4, "study_id": 0}) == ""
    assert counted.next({"op_code": 0, "study_name": "a"}) == "0"
    assert counted.next({"op_code": 0, "study_name": "a"}) == ""
    assert counted.next({"op_code": 8, "trial_id": 0}) == ""
    assert [counted.next({"op_code": 4, "study_id": 0}) for _ in range(2)] == ["0.0", "1.1"]
    assert [counted.next({"op_code": 8, "trial_id": 1}) for _ in range(2)] == ["1", "2"]
    assert counted.next({"op_code": 2, "study_id": 0}) == ""
