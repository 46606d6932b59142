"""What `status` says is planned, and left."""

from pathlib import Path

from tests.support import trial_records
from uncollapse.cli.status import planned_now
from uncollapse.study.stages.search import SearchStage
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.tables import recorded


def told(stage: SearchStage) -> None:
    """Every trial of `one` finishes and every trial of `two` fails."""
    while (record := stage.next_trial()) is not None:
        if record.family == "one":
            trial_records.train(stage, record)
        else:
            stage.recorder.fail(record.key, "told to")


def test_a_family_that_the_search_left_nothing_to_confirm_of_has_nothingplanned_now(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"stop_early": "none"})

    def planned() -> dict[str, dict[str, int]]:
        return planned_now(study.settings(), recorded(Ledger(tmp_path / "runs", "mine")))

    by_the_page = {"search": {"one": 6, "two": 6}, "replicate": {"one": 6, "two": 6}}
    assert planned() == by_the_page
    told(trial_records.search(study, tmp_path))
    assert planned() == by_the_page  # what is to be confirmed is not chosen yet
    trial_records.replicate(study, tmp_path)
    assert planned() == {**by_the_page, "replicate": {"one": 6, "two": 0}}


def test_a_search_that_a_budget_ended_planned_what_it_tried(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"stop_early": "none"})
    trial_records.run(trial_records.search(study, tmp_path), trials=4)
    searching = recorded(Ledger(tmp_path / "runs", "mine"))
    assert planned_now(study.settings(), searching, timed=True)["search"] == {"one": 6, "two": 6}
    assert planned_now(study.settings() | {"search": {"trials": 1}}, searching, timed=True)["search"] == {
        "one": 2,
        "two": 2,
    }
    trial_records.replicate(study, tmp_path)
    found = recorded(Ledger(tmp_path / "runs", "mine"))
    assert planned_now(study.settings(), found, timed=True) == {
        "search": {"one": 2, "two": 2},
        "replicate": {"one": 6, "two": 6},
    }
    assert planned_now(study.settings(), found)["search"] == {"one": 6, "two": 6}


def test_a_seed_that_failed_and_is_tried_again_is_planned_once(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"stop_early": "none"})
    trial_records.run(trial_records.search(study, tmp_path))
    stage = trial_records.replicate(study, tmp_path)
    stage.recorder.fail(stage.next_trial().key, "told to")
    trial_records.replicate(study, tmp_path)
    assert planned_now(study.settings(), recorded(Ledger(tmp_path / "runs", "mine")))["replicate"] == {
        "one": 6,
        "two": 6,
    }
