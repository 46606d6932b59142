"""What a search expects of KL weights before it has seen a trial."""

import math
from typing import Any

import numpy as np
import optuna
import pytest

from uncollapse.search_spaces import space
from uncollapse.study.stages.sampling import cei
from uncollapse.study.stages.sampling.cube import Cube
from uncollapse.study.stages.sampling.kl_weights import log_kl_weights
from uncollapse.study.stages.sampling.known_trials import known
from uncollapse.study.stages.sampling.proposal import propose
from uncollapse.study.stages.sampling.samplers import Proposal, sampler

VALUE = {"value": {"float": [0.01, 1.0], "log": True}}
SEARCH: dict[str, Any] = {
    "optimizer": {"lr": {"float": [0.001, 0.1], "log": True}},
    "latent": {"size": {"int": [2, 9]}},
    "inputs": {"word_dropout": {"float": [0.0, 0.6]}},
    "objective": {"kl.z": {"one_of": dict.fromkeys(("constant", "linear"), VALUE)}},
}


def weight(value: float, search: dict[str, Any]) -> float:
    cube = Cube(search)
    point = cube.point({name: value for name in cube.leaves if name.endswith(".value") or name == "objective.kl.z"})
    return float(log_kl_weights(cube, point[None])[0])


@pytest.mark.parametrize(
    "term",
    [
        {"kl.z": {"one_of": dict.fromkeys(("constant", "linear"), VALUE)}},
        {"kl_mean.z": {"value": {"float": [0.01, 1.0], "log": True}}},
        {"kl.z": {"value": {"float": [0.0, 1.0]}}},
        {"kl.z": {"float": [0.01, 1.0], "log": True}},
    ],
)
def test_it_is_the_logarithm_of_the_final_weight(term: dict[str, Any]) -> None:
    assert weight(0.2, {"objective": term}) == pytest.approx(math.log(0.2))


def test_weights_of_several_terms_add_up_and_a_schedules_shape_is_none() -> None:
    two = {"objective": {"kl.z": VALUE, "kl.gamma": {**VALUE, "span": {"float": [0.1, 0.6]}}}}
    assert weight(0.2, two) == pytest.approx(2 * math.log(0.2))
    assert weight(0.2, {"objective": {"l1": VALUE}, "latent": {"value": {"float": [0.1, 1.0]}}}) == 0


def test_every_page_with_an_annealing_schedule_has_its_weights() -> None:
    page = {"objective": {"kl.z": {"space": "annealing"}}}
    assert weight(0.2, space.expand(page)) == pytest.approx(math.log(0.2))


def limited(limits: dict[str, float]) -> bool:
    study = optuna.create_study()
    trial = study.ask()
    study.sampler = sampler("random", Proposal(0, "family", 0, SEARCH, study))
    propose(trial, SEARCH)
    for name, excess in limits.items():
        trial.set_constraint(name, excess)
    study.tell(trial, 1.0)
    return known(Cube(SEARCH), study.trials, [1.0]).of_use


def test_it_is_expected_only_where_a_code_has_to_be_used() -> None:
    assert limited({"mi >= 0.5": 0.4, "latent_gain >= 0.5": 0.4})
    assert not limited({"mi >= 0.5": 0.4, "hoyer_mean >= 0.3": 0.1})
    assert not limited({"kl <= 5": 0.4})
    assert not limited({})


def lowest_weight(steepest: float, seed: int) -> float:
    """The lowest weight that eight trials try, if codes are dead above 0.05 and nothing else tells."""
    study, low = optuna.create_study(), 1.0
    for number in range(8):
        trial = study.ask()
        study.sampler = sampler("cei", Proposal(seed, "family", number, SEARCH, study))
        drawn = propose(trial, SEARCH)
        value = drawn["objective"]["kl.z"]["value"]
        use = steepest if value < 0.05 else 0.0
        trial.set_constraint("mi >= 0.5", 0.5 - use)
        study.tell(trial, -value)  # the bound is best where the code is dead
        low = min(low, value)
    return low


def test_where_all_are_dead_lower_weights_are_tried() -> None:
    assert np.median([lowest_weight(1.0, seed) for seed in range(10)]) < 0.03


def sixth_weight(seed: int) -> float:
    """The logarithm of the weight that is tried after five trials that are all as dead, so that none of them tells."""
    study = optuna.create_study()
    for number in range(6):
        trial = study.ask()
        study.sampler = sampler("cei", Proposal(seed, "family", number, SEARCH, study))
        value = propose(trial, SEARCH)["objective"]["kl.z"]["value"]
        trial.set_constraint("mi >= 0.5", 0.45)
        study.tell(trial, -value)
    return math.log(value)


def test_where_no_trial_tells_a_low_weight_is_expected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    expecting = np.mean([sixth_weight(seed) for seed in range(20)])
    monkeypatch.setattr(cei, "STEEPNESS", 0.0)
    assert expecting < np.mean([sixth_weight(seed) for seed in range(20)]) - math.log(3)
