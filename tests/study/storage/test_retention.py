"""What stays on disk: the weights of the best configurations first, within the budget; nothing of ended trials."""

from dataclasses import replace
from pathlib import Path

from uncollapse.analysis.schema import FINISHED, REPLICATE, RUNNING
from uncollapse.analysis.whole_file import put_aside
from uncollapse.study.storage.retention import Keeper, preferred, sweep
from uncollapse.study.trial_record import TrialRecord

SELECT = "valid/nll_iw"


def run(family: str, configuration: str, seed: int, value: float) -> TrialRecord:
    epoch = {"epoch": 1, "subset/nll_iw": value, "cost/seconds": 1.0}
    key = f"{family}-{configuration}-{seed}"
    return TrialRecord(
        key, family, REPLICATE, seed, configuration, seed, False, {}, {}, FINISHED, "", (epoch,), {}, 0.0, 1.0
    )


RUNS = [
    run("one", "good", 1, 3.0),
    run("one", "good", 2, 3.1),
    run("one", "bad", 1, 9.0),
    run("two", "only", 1, 50.0),
]


def test_every_family_keeps_its_best_before_any_keeps_its_second() -> None:
    assert preferred(RUNS, SELECT) == ["one-good-1", "two-only-1", "one-good-2", "one-bad-1"]


def test_the_budget_is_kept(tmp_path: Path) -> None:
    keeper = Keeper(tmp_path, 250, SELECT)
    for record in reversed(RUNS):
        (tmp_path / f"{record.key}.safetensors").write_bytes(b"0" * 100)
        keeper(record)
    assert {path.stem for path in tmp_path.iterdir()} == {"one-good-1", "two-only-1"}


def test_weights_that_were_put_aside_count_and_are_the_first_to_go(tmp_path: Path) -> None:
    aside = tmp_path / f"{RUNS[0].key}.safetensors.unreadable"
    for budget, left in ((400, True), (399, False)):
        keeper = Keeper(tmp_path, budget, SELECT)
        aside.write_bytes(b"0" * 100)
        for record in RUNS[:3]:
            (tmp_path / f"{record.key}.safetensors").write_bytes(b"0" * 100)
            keeper(record)
        assert aside.exists() == left
        assert len(list(tmp_path.glob("*.safetensors"))) == 3, "what was confirmed is there before and after"


def test_a_checkpoint_that_was_put_aside_goes_when_its_trial_has_ended(tmp_path: Path) -> None:
    ended, under_way = RUNS[0], replace(RUNS[1], state=RUNNING)
    for record in (ended, under_way):
        put_aside(garbage(tmp_path, record))
    sweep(tmp_path, [ended, under_way])
    assert [path.name for path in tmp_path.iterdir()] == [f"{under_way.key}.pt.unreadable"]


def garbage(folder: Path, record: TrialRecord) -> Path:
    path = folder / f"{record.key}.pt"
    path.write_bytes(b"garbage")
    return path


def test_checkpoints_of_ended_trials_are_swept(tmp_path: Path) -> None:
    ended, under_way = RUNS[0], replace(RUNS[1], state=RUNNING)
    for record in (ended, under_way):
        (tmp_path / f"{record.key}.pt").write_bytes(b"0")
    sweep(tmp_path, [ended, under_way])
    assert [path.stem for path in tmp_path.iterdir()] == [under_way.key]
