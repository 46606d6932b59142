"""A search by grid: the page's own first, then every point once, whatever interrupts it."""

from pathlib import Path
from typing import Any

import pytest

from tests.support import trial_records
from tests.support.trial_records import records
from uncollapse.analysis.schema import DROPPED
from uncollapse.study.config.study_page import Study, planned
from uncollapse.study.errors import UserError
from uncollapse.study.planning import grid_sentences, plan

SPACE = "search:\n  latent: {size: {choice: [2, 3]}, prior_scale: {float: [0.1, 1.0], log: true, points: [0.2, 0.5]}}\n"
POINTS = [(2, 0.2), (2, 0.5), (3, 0.2), (3, 0.5)]


def study(folder: Path, trials: int = 24, space: str = SPACE, **search: Any) -> Study:
    asked = {"trials": trials, "sampler": "grid", "stop_early": "none", **search}
    return trial_records.study(folder, space=space, names=("one",), search=asked)


def tried(folder: Path) -> list[tuple[int, float]]:
    latents = [one.configuration["latent"] for one in records(folder, "one") if one.state != DROPPED]
    return [(latent["size"], latent["prior_scale"]) for latent in latents]


def test_the_base_comes_first_then_every_point_in_order_and_then_the_search_ends(tmp_path: Path) -> None:
    asked = study(tmp_path)
    stage = trial_records.search(asked, tmp_path)
    assert stage.planned() == planned(asked.settings())["search"] == {"one": 5}
    trial_records.run(stage)
    base = asked.families[0].configure({})["latent"]
    assert tried(tmp_path) == [(base["size"], base["prior_scale"]), *POINTS]
    assert [one.origin for one in records(tmp_path, "one")] == ["base", *["sampler"] * 4]
    again = trial_records.search(asked, tmp_path)
    assert not again.left()
    assert again.planned() == {"one": 5}
    (sentence,) = grid_sentences.sentences(asked)
    assert sentence == (
        "one: a grid of 4 points and 1 stated beside them: the search ends when all are tried, after 5 of 24 trials"
    )


@pytest.mark.parametrize("cut", [1, 2, 3])
def test_a_restart_goes_on_where_the_grid_was_left(tmp_path: Path, cut: int) -> None:
    whole = study(tmp_path / "whole")
    trial_records.run(trial_records.search(whole, tmp_path / "whole"))
    trial_records.run(trial_records.search(study(tmp_path, trials=3), tmp_path), trials=cut)
    left = trial_records.search(study(tmp_path, trials=3), tmp_path).next_trial()
    assert left is not None or cut == 3
    trial_records.run(trial_records.search(study(tmp_path, trials=24), tmp_path))
    assert tried(tmp_path) == tried(tmp_path / "whole")
    assert len({one.key for one in records(tmp_path, "one")}) == 5


def test_points_that_are_stated_too_are_not_trained_twice(tmp_path: Path) -> None:
    start = [{"one": {"latent": {"size": 2, "prior_scale": 0.5}}}, {"one": {"latent": {"size": 9}}}]
    asked = study(tmp_path, start=start)
    trial_records.run(trial_records.search(asked, tmp_path))
    found = tried(tmp_path)
    assert len(found) == len(set(found)) == planned(asked.settings())["search"]["one"] == 6
    assert set(POINTS) < set(found)
    assert found[1] == (2, 0.5)


def test_plan_says_how_many_points_are_left_out(tmp_path: Path) -> None:
    asked = study(tmp_path, trials=3)
    trial_records.run(trial_records.search(asked, tmp_path))
    assert tried(tmp_path)[1:] == POINTS[:2]
    sentence = "one: a grid of 4 points and 1 stated beside them, of which 3 trials leave out 2"
    assert sentence in plan.text(asked, plan.outline(asked, 2))


def test_everything_that_a_grid_cannot_cross_is_named_at_once(tmp_path: Path) -> None:
    space = "search:\n  latent: {prior_scale: {float: [0.1, 1.0]}}\n  objective: {kl.z: {space: annealing}}\n"
    with pytest.raises(UserError) as error:
        study(tmp_path, space=space)
    names = [one.split("states no values of ")[1].split(";")[0] for one in error.value.errors]
    assert names[0] == "latent.prior_scale"
    assert "objective.kl.z.cyclical.cycles" in names
    assert "objective.kl.z.linear.start" not in names
    assert "give it `points: [...]` or a `choice`, fix it" in error.value.errors[0]


def test_points_mean_nothing_to_another_sampler(tmp_path: Path) -> None:
    for name, space in (("with", SPACE), ("without", SPACE.replace(", points: [0.2, 0.5]", ""))):
        trial_records.run(trial_records.search(study(tmp_path / name, 8, space, sampler="cei"), tmp_path / name))
    assert tried(tmp_path / "with") == tried(tmp_path / "without")
