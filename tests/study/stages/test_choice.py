"""What is confirmed of a family: the front of bound and use of the code, what stands beside it, and why."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.support import trial_records
from tests.support.study_pages import refused
from uncollapse.analysis.schema import FINISHED, SEARCH, STOPPED
from uncollapse.study.config.study_page import Study, planned
from uncollapse.study.stages import pareto
from uncollapse.study.stages.choice import choose, use_of_code
from uncollapse.study.storage.fingerprints import configuration_id
from uncollapse.study.trial_record import TrialRecord

# bound, mi and latent_gain of search trials, all in nats; what is dead has the best bound
DEAD = (10.0, 0.02, 0.0)
FRONT = [(20.0, 1.0, 0.9), (20.4, 3.7, 3.6), (21.5, 4.0, 9.0), (23.0, 5.0, 5.2), (26.0, 9.0, 6.0)]
BEHIND = (24.0, 2.0, 2.0)


def trials(*figures: tuple[float, ...], states: Mapping[int, str] | None = None) -> list[TrialRecord]:
    """Search trials, each of a configuration of its own, its number being its prior's scale."""
    return [trial(number, str(number), one, (states or {}).get(number, FINISHED)) for number, one in enumerate(figures)]


def trial(number: int, name: str, figures: tuple[float, ...], state: str = FINISHED) -> TrialRecord:
    names = ("subset/nll_iw", "subset/mi", "subset/latent_gain")
    measures = dict(zip(names, figures, strict=False))
    configuration = {"number": number}
    return TrialRecord(
        name, "one", SEARCH, number, name, 7, False, configuration, {"n": number}, state, "", (measures,), {}, 0.0, 0.0
    )


def study(folder: Path, **sections: Any) -> Study:
    return trial_records.study(folder, names=("one",), **sections)


def roles(of: Study, found: list[TrialRecord]) -> dict[Any, str]:
    """The role of every chosen configuration by the number of its trial, "base" for the page's own."""
    return {one.configuration.get("number", "base"): one.role for one in choose(of.families[0], found, of)}


def test_the_best_the_knee_and_the_most_used_code_come_first(tmp_path: Path) -> None:
    found = trials(DEAD, BEHIND, *FRONT)
    assert roles(study(tmp_path, replicate={"configurations": 1}), found) == {2: "best"}
    assert roles(study(tmp_path, replicate={"configurations": 2}), found) == {2: "best", 3: "knee"}
    assert roles(study(tmp_path, replicate={"configurations": 3}), found) == {2: "best", 3: "knee", 6: "informative"}
    more = roles(study(tmp_path, replicate={"configurations": 5}), found)
    assert list(more.items())[3:] == [(4, "front"), (5, "front")], "what is left of the front"
    every = roles(study(tmp_path, replicate={"configurations": 9}), found)
    assert list(every.items())[5:] == [(1, "front")], "the next front last, and nothing that breaks a limit"


def test_the_knee_is_where_the_scaled_figures_together_lose_least() -> None:
    points = [(0.0, 0.0), (1.0, -6.0), (5.0, -8.0), (10.0, -10.0)]  # scaled: 0 + 1, 0.1 + 0.4, 0.5 + 0.2, 1 + 0
    assert pareto.knee([1, 2], [0, 1, 2, 3], points) == 1
    assert pareto.knee([], [0, 3], points) is None


def test_the_fronts_are_those_of_the_definition() -> None:
    points = [(3.0, 3.0), (1.0, 9.0), (2.0, 8.0), (5.0, 5.0), (9.0, 1.0), (4.0, 2.9), (1.0, 9.0), (6.0, 6.0)]
    assert list(pareto.fronts(points)) == [[0, 1, 2, 4, 5, 6], [3], [7]]


def test_use_of_the_code_is_the_lower_of_both_and_none_without_a_code() -> None:
    assert use_of_code({"subset/mi": 3.0, "subset/latent_gain": 1.5, "valid/mi": 0.1}) == 1.5
    assert use_of_code({"subset/nll_exact": 30.0}) is None


def test_one_trial_within_the_limits_is_best_and_most_informative(tmp_path: Path) -> None:
    assert roles(study(tmp_path), trials(DEAD, FRONT[0])) == {1: "best+informative"}


def test_a_configuration_that_was_tried_twice_is_confirmed_once(tmp_path: Path) -> None:
    found = [trial(0, "a", FRONT[0]), trial(1, "a", FRONT[4]), trial(2, "b", FRONT[2])]
    assert roles(study(tmp_path), found) == {0: "best+informative", 2: "knee"}


@pytest.mark.parametrize("select", ["valid/nll_iw", "valid/nll_elbo"])
def test_a_model_without_a_code_is_chosen_by_its_bound_alone(tmp_path: Path, select: str) -> None:
    page = study(tmp_path, search={"select": select})
    found = [trial(number, str(number), ()) for number in range(3)]
    told = [{"subset/nll_exact": value} for value in (31.0, 29.0, 30.0)]
    found = [trial_with(one, measures) for one, measures in zip(found, told, strict=True)]
    assert roles(page, found) == {1: "best", 2: "front"}


def trial_with(record: TrialRecord, measures: dict[str, float]) -> TrialRecord:
    return TrialRecord(**{**vars(record), "epochs": (measures,)})


def test_a_search_without_limits_goes_by_its_bound_alone(tmp_path: Path) -> None:
    free = study(tmp_path, search={"subject_to": "none"})
    assert roles(free, trials(*FRONT, DEAD)) == {5: "best", 0: "front"}


def test_where_nothing_keeps_the_limits_the_nearest_is_all(tmp_path: Path) -> None:
    found = trials(DEAD, (30.0, 0.4, 0.45), (12.0, 0.49, 0.1), states={2: STOPPED})
    assert roles(study(tmp_path, replicate={"configurations": 3}), found) == {1: "nearest"}
    assert roles(study(tmp_path), trials(DEAD, states={0: STOPPED})) == {}


def test_the_page_itself_is_confirmed_besides_and_costs_no_configuration(tmp_path: Path) -> None:
    page = study(tmp_path, replicate={"also": ["base", "likelihood"]})
    found = trials(DEAD, *FRONT)
    assert roles(page, found) == {1: "best", 2: "knee", "base": "base", 0: "likelihood"}
    assert roles(page, []) == {"base": "base"}, "a search that left nothing leaves the base to be confirmed"
    base = choose(page.families[0], found, page)[2]
    assert base.configuration == page.families[0].configure({})


def test_the_base_among_the_chosen_is_not_doubled(tmp_path: Path) -> None:
    page = study(tmp_path, replicate={"also": ["base", "likelihood"], "configurations": 1})
    resolved = page.families[0].configure({})
    first = trial(0, configuration_id(resolved), FRONT[0])
    own = TrialRecord(**{**vars(first), "configuration": resolved})
    assert roles(page, [own]) == {"base": "best+informative+base+likelihood"}
    behind = choose(page.families[0], [own, trial(1, "1", (19.0, 5.0, 5.0))], page)
    assert [(one.role, dict(one.params)) for one in behind] == [
        ("best+informative+likelihood", {"n": 1}),
        ("base", {"n": 0}),  # which the search drew, so its hyperparameters are known
    ]


def test_the_choice_depends_on_nothing_but_what_is_recorded(tmp_path: Path) -> None:
    page = study(tmp_path, replicate={"configurations": 4, "also": ["base", "likelihood"]})
    found = trials(DEAD, BEHIND, *FRONT, FRONT[1], BEHIND)
    first = choose(page.families[0], found, page)
    assert all(choose(page.families[0], list(found), page) == first for _ in range(3))


def coded(record: TrialRecord, epoch: int) -> dict[str, float]:
    """Figures of a trial whose code is used more the worse its bound."""
    scale = record.configuration["latent"]["prior_scale"]
    told = trial_records.epoch_record(epoch, 20.0 + 10 * scale + 5 / epoch)
    return told | {"subset/mi": 0.6 + scale, "subset/latent_gain": 0.7 + scale}


def ended(stage: trial_records.Stage, most: int = 10**6) -> list[tuple[str, str, int]]:
    """(role, configuration, seed) of what was trained."""
    done: list[tuple[str, str, int]] = []
    while len(done) < most and (record := stage.next_trial()) is not None:
        for epoch in range(1, trial_records.EPOCHS + 1):
            stage.recorder.epoch(record.key, coded(record, epoch))
        stage.recorder.finish(record.key, {"valid/nll_iw": 20.0} if stage.name == "replicate" else {})
        done.append((record.role, record.configuration_id, record.seed))
    return done


def test_a_restart_confirms_what_the_undisturbed_run_confirms(tmp_path: Path) -> None:
    plans = []
    for name, cuts in (("a", ()), ("b", (1, 3, 2))):
        folder = tmp_path / name
        folder.mkdir()
        page = study(
            folder, search={"stop_early": "none"}, replicate={"configurations": 3, "also": ["base"], "further": 0}
        )
        ended(trial_records.search(page, folder))
        for cut in cuts:
            ended(trial_records.replicate(page, folder), cut)
        stage = trial_records.replicate(page, folder)
        assert planned(page.settings())["replicate"] == {"one": 4 * 3}
        assert stage.planned() == {"one": 3 * 3}  # the base is one of the search's own
        ended(stage)
        found = trial_records.records(folder, "one", "replicate")
        plans.append([(one.role, one.configuration_id, one.seed, one.number) for one in found])
        assert ended(trial_records.replicate(page, folder)) == []
    assert plans[0] == plans[1]
    assert {role for role, *_ in plans[0]} == {"best", "knee", "informative+base"}


def test_what_is_confirmed_besides_is_checked() -> None:
    (error,) = refused(replicate={"also": ["bases"]})
    assert "replicate.also" in error
