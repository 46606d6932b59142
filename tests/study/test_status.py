"""What `status` says is planned, and left."""

from pathlib import Path

from study.commands.status import _planned
from study.ledger import Ledger
from study.results import recorded
from study.stages import SearchStage
from tests.study import trials


def told(stage: SearchStage) -> None:
    """Every trial of `one` finishes and every trial of `two` fails."""
    while (record := stage.next_trial()) is not None:
        if record.family == "one":
            trials.train(stage, record)
        else:
            stage.book.fail(record.key, "told to")


def test_a_family_that_the_search_left_nothing_to_confirm_of_has_nothing_planned(tmp_path: Path) -> None:
    study = trials.study(tmp_path, search={"stop_early": "none"})

    def planned() -> dict[str, dict[str, int]]:
        return _planned(study.settings(), recorded(Ledger(tmp_path / "runs", "mine")))

    by_the_page = {"search": {"one": 6, "two": 6}, "replicate": {"one": 6, "two": 6}}
    assert planned() == by_the_page
    told(trials.search(study, tmp_path))
    assert planned() == by_the_page  # what is to be confirmed is not chosen yet
    trials.replicate(study, tmp_path)
    assert planned() == {**by_the_page, "replicate": {"one": 6, "two": 0}}


def test_a_seed_that_failed_and_is_tried_again_is_planned_once(tmp_path: Path) -> None:
    study = trials.study(tmp_path, search={"stop_early": "none"})
    trials.run(trials.search(study, tmp_path))
    stage = trials.replicate(study, tmp_path)
    stage.book.fail(stage.next_trial().key, "told to")
    trials.replicate(study, tmp_path)
    assert _planned(study.settings(), recorded(Ledger(tmp_path / "runs", "mine")))["replicate"] == {"one": 6, "two": 6}
