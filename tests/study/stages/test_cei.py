"""Constrained expected improvement: the model, the cube, and a search that keeps a limit where the best bound lies beyond."""

from typing import Any

import numpy as np
import optuna
import pytest
from scipy.stats import norm, qmc

from uncollapse.study.stages.sampling import cei
from uncollapse.study.stages.sampling.cube import Cube
from uncollapse.study.stages.sampling.gaussian_process import GaussianProcess
from uncollapse.study.stages.sampling.known_trials import known, slack
from uncollapse.study.stages.sampling.proposal import propose
from uncollapse.study.stages.sampling.samplers import Proposal, sampler

SEARCH: dict[str, Any] = {
    "optimizer": {"lr": {"float": [0.001, 0.1], "log": True}},
    "latent": {"size": {"int": [2, 9]}},
    "objective": {
        "kl.z": {"one_of": {kind: {"value": {"float": [0.01, 1.0], "log": True}} for kind in ("constant", "linear")}}
    },
}


def test_a_point_and_its_hyperparameters_are_each_other() -> None:
    cube, generator = Cube(SEARCH), np.random.default_rng(0)
    assert cube.size == 4  # lr, size, kind, and the value that both branches share
    for point in cube.settled(generator.random((50, 4))):
        values = cube.values(point)
        kind = values["objective.kl.z.kind"]
        taken = {name: value for name, value in values.items() if ".value" not in name or f".{kind}." in name}
        assert cube.values(cube.point(taken)) | taken == cube.values(cube.point(taken))
        assert np.abs(cube.point(taken) - point)[[0, 3]].max() < 1e-9


def test_whole_numbers_have_equal_room() -> None:
    cube = Cube(SEARCH)
    sizes = [cube.values(point)["latent.size"] for point in np.random.default_rng(0).random((8000, 4))]
    counts = np.bincount(sizes)[2:]
    assert len(counts) == 8
    assert counts.min() > 850


def test_a_branch_that_is_not_taken_says_nothing() -> None:
    search = {"objective": {"kl.z": {"one_of": {"constant": {}, "linear": {"span": {"float": [0.1, 0.9]}}}}}}
    cube = Cube(search)
    settled = cube.settled(np.array([[0.2, 0.9], [0.8, 0.9]]))
    assert settled.tolist() == [[0.2, 0.5], [0.8, 0.9]]


def test_the_process_meets_what_it_has_seen_and_knows_where_it_has_not() -> None:
    generator = np.random.default_rng(1)
    seen = generator.random((40, 2))
    truth = lambda points: np.sin(5 * points[:, 0])  # noqa: E731
    model = GaussianProcess(seen, truth(seen))
    new = generator.random((200, 2))
    mean, _ = model.predict(new)
    assert np.abs(mean - truth(new)).max() < 0.15
    assert model.weights[0] > 10 * model.weights[1]  # the second feature is idle
    far, near = model.predict(np.array([[3.0, 0.5]]))[1], model.predict(seen[:1])[1]
    assert far > 5 * near


def test_the_gradient_of_the_loss_is_that_of_finite_differences() -> None:
    generator = np.random.default_rng(2)
    seen = generator.random((12, 3))
    model = GaussianProcess(seen, generator.normal(size=12))
    apart, at = (seen[:, None] - seen[None]) ** 2, generator.normal(size=5) * 0.3
    _, gradient = model.loss(at, apart)
    step = 1e-5 * np.eye(5)
    numeric = [(model.loss(at + one, apart)[0] - model.loss(at - one, apart)[0]) / 2e-5 for one in step]
    assert gradient == pytest.approx(numeric, rel=1e-4, abs=1e-6)


def test_expected_improvement_is_that_of_a_normal_variable() -> None:
    lead = np.array([-8.0, -7.0, -2.0, 0.0, 3.0])
    draws = [np.log(norm.expect(lambda x, one=one: x + one, lb=-one)) for one in lead[2:]]
    found = cei.log_expected_improvement(lead)
    assert found[2:] == pytest.approx(draws, abs=1e-6)
    assert np.all(np.diff(found) > 0)


def searched(kind: str, number: int, seed: int) -> tuple[list[float], optuna.Study]:
    """A search whose best bounds lie where a limit is broken: the bound of every trial that keeps it."""
    study, kept = optuna.create_study(), []
    for _ in range(number):
        trial = study.ask()
        study.sampler = sampler(kind, Proposal(seed, "family", trial.number, SEARCH, study))
        settings = propose(trial, SEARCH)
        lr, value = settings["optimizer"]["lr"], settings["objective"]["kl.z"]["value"]
        bound = 30 + 4 * abs(np.log(lr / 0.01)) + 3 * abs(np.log(1.0 / value))
        excess = 0.5 - 2 * np.log(0.2 / value)  # alive below a weight of about 0.16
        trial.set_constraint("mi >= 0.5", excess)
        study.tell(trial, bound)
        kept += [bound] if excess <= 0 else []
    return kept, study


def test_a_search_finds_the_best_bound_within_the_limit_and_sooner_than_at_random() -> None:
    best = 30 + 3 * np.log(1.0 / (0.2 * np.exp(-0.25)))
    modelled = [min(searched("cei", 24, seed)[0]) for seed in range(5)]
    drawn = [min(searched("random", 24, seed)[0]) for seed in range(5)]
    assert np.median(modelled) < best + 0.5
    assert np.median(drawn) > np.median(modelled) + 1


def test_a_restart_proposes_what_the_first_process_would_have() -> None:
    _, study = searched("cei", 12, 0)
    again = optuna.create_study()
    again.add_trials(study.trials[:9])
    trial = again.ask()
    again.sampler = sampler("cei", Proposal(0, "family", trial.number, SEARCH, again))
    propose(trial, SEARCH)
    assert trial.params == study.trials[9].params


def test_running_and_lost_trials_are_known_and_do_not_hide_others() -> None:
    _, study = searched("random", 6, 0)
    study.ask()
    trial = study.ask()
    study.sampler = sampler("random", Proposal(0, "family", trial.number, SEARCH, study))
    propose(trial, SEARCH)
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    found = known(Cube(SEARCH), study.trials, [1.0])
    assert len(found.points) == 7  # what has no hyperparameter yet is left out
    assert found.lost.tolist() == [False] * 6 + [True]
    assert np.isnan(found.values[6]).all()


def test_qmc_fills_the_space_more_evenly_than_random_draws() -> None:
    cube = Cube(SEARCH)
    points = np.array([cei.sobol_point(cube, number, 5) for number in range(32)])
    drawn = [qmc.discrepancy(np.random.default_rng(seed).random((32, 4))) for seed in range(20)]
    assert qmc.discrepancy(points) < min(drawn)


def test_far_below_a_limit_trials_are_told_apart() -> None:
    """mi of 0.01 and of 0.1, far below 0.5, are as far apart as 0.5 and 8 times it: in nats they would be the same."""
    mi = np.array([0.01, 0.1, 0.5, 4.0])
    found = slack("constraints:mi >= 0.5", 0.5 - mi)
    assert found == pytest.approx(np.arcsinh(mi / 0.03) - np.arcsinh(0.5 / 0.03))
    assert found[2] == pytest.approx(0.0, abs=1e-12)
    assert (found[1] - found[0]) / (found[3] - found[2]) > 0.7
    assert slack("constraints:ppl <= 100", np.array([-50.0, 0.0, 100.0])) == pytest.approx(
        [np.log(2), 0.0, -np.log(2)], abs=3e-3
    )
    assert np.isfinite(slack("constraints:latent_gain >= 0", [0.3, -0.3])).all()
    assert np.isnan(slack("constraints:mi >= 0.5", [np.nan])).all()


@pytest.mark.parametrize("stopped", [0, 3, 8])
def test_what_was_stopped_says_nothing_of_a_limit_that_it_did_not_keep_yet(stopped: int) -> None:
    found, cube = optuna.create_study(), Cube(SEARCH)
    for number in range(8):
        trial = found.ask()
        found.sampler = sampler("cei", Proposal(1, "mine", trial.number, SEARCH, found))
        propose(trial, SEARCH)
        trial.set_constraint("mi >= 0.5", 0.4 if number % 2 else -0.4)
        if number < stopped:
            trial.report(30.0 + number, 4)
            found.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            found.tell(trial, 30.0 + number)
    slacks = known(cube, found.get_trials(), (1.0,)).slacks[:, 0]
    assert np.isnan(slacks).tolist() == [number < stopped and number % 2 == 1 for number in range(8)]
    trial = found.ask()
    for kind in ("cei", "gp", "cmaes", "nsgaii"):
        trial = found.ask()
        found.sampler = sampler(kind, Proposal(1, "mine", trial.number, SEARCH, found))
        assert propose(trial, SEARCH)
