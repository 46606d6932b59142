"""What is confirmed where nothing of a family can be exported any more."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import trial_records
from tests.support.trial_records import EPOCHS, epoch_record, records
from uncollapse.analysis.schema import FURTHER
from uncollapse.study.config.study_page import Study
from uncollapse.study.stages.choice import further
from uncollapse.study.stages.replicate import ReplicateStage
from uncollapse.study.stages.stage import Stage
from uncollapse.study.trial_record import TrialRecord

ALIVE, DEAD = {"mi": 3.0, "latent_gain": 3.0}, {"mi": 0.0, "latent_gain": 0.0}


def study(folder: Path, **replicate: Any) -> Study:
    stated = {"configurations": 1, "seeds": 3, "further": 2, **replicate}
    return trial_records.study(folder, names=("one",), search={"stop_early": "none", "trials": 4}, replicate=stated)


def scale(record: TrialRecord) -> float:
    return float(record.configuration["latent"]["prior_scale"])


def train(stage: Stage, record: TrialRecord, code: dict[str, float]) -> None:
    """A training that ends with a code that is used this much; the larger the prior's scale, the more mi."""
    use = {f"subset/{name}": value and value + scale(record) for name, value in code.items()}
    for number in range(1, EPOCHS + 1):
        stage.recorder.epoch(record.key, epoch_record(number, 10.0 * scale(record)) | use)
    final = {f"valid/{name.partition('/')[2]}": value for name, value in use.items()}
    stage.recorder.finish(record.key, {**final, "valid/nll_iw": 10.0, "valid/kl": 1.0, "valid/active_units": 1.0})


def searched(folder: Path, page: Study) -> list[float]:
    """Train the search, every trial alive; returns the scales of its trials."""
    stage = trial_records.search(page, folder)
    while (record := stage.next_trial()) is not None:
        train(stage, record, ALIVE)
    return [scale(record) for record in records(folder, "one")]


def confirm(stage: ReplicateStage, living: set[float], most: int = 99) -> None:
    """Train so many runs of what is left, alive where the configuration is among the living."""
    for _ in range(most):
        if (record := stage.next_trial()) is None:
            return
        train(stage, record, ALIVE if scale(record) in living else DEAD)


def roles(folder: Path) -> dict[float, str]:
    return {scale(one): one.role for one in records(folder, "one", "replicate")}


def confirmed(folder: Path) -> set[tuple[str, int, str]]:
    return {(one.configuration_id, one.seed, one.role) for one in records(folder, "one", "replicate")}


def test_where_the_chosen_lives_nothing_further_is_confirmed(tmp_path: Path) -> None:
    page = study(tmp_path)
    scales = searched(tmp_path, page)
    confirm(trial_records.replicate(page, tmp_path), living=set(scales))
    assert roles(tmp_path) == {min(scales): "best"}


def test_the_most_used_codes_are_confirmed_until_one_can_be_exported(tmp_path: Path) -> None:
    page = study(tmp_path)
    scales = sorted(searched(tmp_path, page))
    confirm(trial_records.replicate(page, tmp_path), living={scales[-2]})
    assert roles(tmp_path) == {scales[0]: "best", scales[-1]: FURTHER, scales[-2]: FURTHER}
    assert len(records(tmp_path, "one", "replicate")) == 3 * 3


@pytest.mark.parametrize("allowed", [0, 1, 2, 9])
def test_no_more_than_allowed_and_none_twice(allowed: int, tmp_path: Path) -> None:
    page = study(tmp_path, further=allowed)
    scales = sorted(searched(tmp_path, page))
    stage = trial_records.replicate(page, tmp_path)
    confirm(stage, living=set())
    assert not stage.left()
    found = [scale for scale, role in roles(tmp_path).items() if role == FURTHER]
    assert found == scales[:0:-1][:allowed]


def test_one_collapse_of_three_is_enough_to_begin_the_next(tmp_path: Path) -> None:
    page = study(tmp_path)
    searched(tmp_path, page)
    stage = trial_records.replicate(page, tmp_path)
    confirm(stage, living=set(), most=1)
    assert stage.left()
    assert list(roles(tmp_path).values()) == ["best", FURTHER]
    found = records(tmp_path, "one", "replicate")
    assert [one.role for one in found] == ["best"] * 3 + [FURTHER] * 3, "begun ones go on"


def test_killed_and_begun_again_at_any_run_it_confirms_the_same(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    page = study(whole)
    living = {sorted(searched(whole, page))[1]}
    confirm(trial_records.replicate(page, whole), living)
    for cut in range(1, 12):
        folder = tmp_path / str(cut)
        folder.mkdir()
        again = study(folder)
        searched(folder, again)
        confirm(trial_records.replicate(again, folder), living, cut)
        confirm(trial_records.replicate(again, folder), living)
        assert confirmed(folder) == confirmed(whole)


def test_where_configurations_race_nothing_further_is_confirmed(tmp_path: Path) -> None:
    page = study(tmp_path, racing="signs", configurations=2)
    searched(tmp_path, page)
    confirm(trial_records.replicate(page, tmp_path), living=set())
    assert FURTHER not in roles(tmp_path).values()


def test_what_breaks_a_limit_or_has_no_code_is_nothing_to_confirm(tmp_path: Path) -> None:
    page = study(tmp_path)
    stage = trial_records.search(page, tmp_path)
    while (record := stage.next_trial()) is not None:
        train(stage, record, DEAD)
    assert further(records(tmp_path, "one"), set(), page) is None
    without = [replace(one, epochs=({"subset/nll_exact": 3.0},)) for one in records(tmp_path, "one")]
    assert further(without, set(), page) is None


def test_a_search_by_the_bound_alone_has_nothing_to_keep_alive(tmp_path: Path) -> None:
    page = study(tmp_path)
    searched(tmp_path, page)
    free = replace(page, search=replace(page.search, subject_to="none"))
    assert further(records(tmp_path, "one"), set(), page) is not None
    assert further(records(tmp_path, "one"), set(), free) is None
