"""What a study is taken to plan, and its stage, as its trials tell from the search to the last confirmation run."""

from pathlib import Path

from tests.support import trial_records
from uncollapse.study.config.study_page import DOUBLES
from uncollapse.study.execution.view.planned import confirming, planned_now, stage_now
from uncollapse.study.stages.search import SearchStage
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.tables import recorded
from uncollapse.study.trial_record import TrialRecord


def told(stage: SearchStage) -> None:
    """Every trial of `one` finishes and every trial of `two` fails."""
    while (record := stage.next_trial()) is not None:
        if record.family == "one":
            trial_records.train(stage, record)
        else:
            stage.recorder.fail(record.key, "told to")


def test_a_family_that_the_search_left_nothing_to_confirm_of_has_nothing_planned(tmp_path: Path) -> None:
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


def test_a_search_that_finds_nothing_new_is_planned_as_far_as_it_came(tmp_path: Path) -> None:
    space = "\nsearch:\n  latent: {size: {choice: [2, 3]}}\n"
    study = trial_records.study(tmp_path, space, search={"stop_early": "none"})
    stage = trial_records.search(study, tmp_path)
    trained = trial_records.run(stage)
    found = recorded(Ledger(tmp_path / "runs", "mine"))
    assert len(found) >= len(trained) + 2 * DOUBLES, "proposals that were trained before are dropped"
    assert planned_now(study.settings(), found)["search"] == stage.planned()
    assert sum(stage.planned().values()) == len(trained) < 12


def found(folder: Path) -> list[TrialRecord]:
    return recorded(Ledger(folder / "runs", "mine"))


def test_a_search_that_a_budget_ends_is_the_stage_until_something_is_confirmed(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"stop_early": "none"})
    trial_records.run(trial_records.search(study, tmp_path))

    def stage(timed: bool) -> str:
        return stage_now(planned_now(study.settings(), found(tmp_path), timed), found(tmp_path), timed)

    assert (stage(timed=True), stage(timed=False)) == ("search", "")
    trial_records.replicate(study, tmp_path)
    assert stage(timed=True) == ""


def test_a_search_that_goes_on_after_a_confirmation_is_the_stage_again(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, search={"stop_early": "none"})
    search = trial_records.search(study, tmp_path)
    trial_records.run(search, trials=8)
    trial_records.run(trial_records.replicate(study, tmp_path), trials=1)
    assert confirming(found(tmp_path))
    assert planned_now(study.settings(), found(tmp_path), timed=True)["search"] == {"one": 4, "two": 4}
    search.next_trial()
    assert not confirming(found(tmp_path))
    counts = planned_now(study.settings(), found(tmp_path), timed=True)
    assert counts["search"] == {"one": 6, "two": 6}
    assert stage_now(counts, found(tmp_path), timed=True) == "search"
