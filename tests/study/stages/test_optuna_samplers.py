"""Optuna's samplers over the cube: they learn in every branch, keep limits, and need nothing but the known trials."""

from collections import Counter
from typing import Any

import optuna
import pytest
from optuna.trial import FrozenTrial, TrialState, create_trial

from uncollapse.analysis.schema import DROPPED, FAILED
from uncollapse.study.stages.sampling import proposal
from uncollapse.study.stages.sampling.cube import Cube
from uncollapse.study.stages.sampling.flat_space import ended
from uncollapse.study.stages.sampling.known_trials import known
from uncollapse.study.stages.sampling.samplers import Proposal, sampler

KINDS = ["gp", "cmaes", "nsgaii"]
SEARCH: dict[str, Any] = {
    "latent": {"size": {"int": [2, 20]}},
    "objective": {
        "kl.z": {
            "one_of": {
                "constant": {"value": {"float": [0.0, 1.0]}},
                "linear": {"value": {"float": [0.0, 1.0]}, "span": {"float": [0.1, 0.6]}},
                "cyclical": {"value": {"float": [0.0, 1.0]}, "cycles": {"choice": [1, 2, 4, 8]}},
            }
        }
    },
}


def begin(directions: int = 1) -> optuna.Study:
    storage = optuna.storages.InMemoryStorage()
    return optuna.create_study(storage=storage, directions=["minimize"] * directions)


def ask(found: optuna.Study, kind: str, number: int, search: dict[str, Any] = SEARCH) -> dict[str, Any]:
    return propose(found, found.ask(), kind, number, search)


def propose(
    found: optuna.Study, trial: optuna.Trial, kind: str, number: int, search: dict[str, Any] = SEARCH
) -> dict[str, Any]:
    found.sampler = sampler(kind, Proposal(0, "family", number, search, found))
    return proposal.propose(trial, search)


def cost(settings: dict[str, Any]) -> float:
    """Lowest in one branch, at one value of it."""
    own = settings["objective"]["kl.z"]
    branch = 0.0 if own["kind"] == "linear" else 1.0
    return branch + abs(own["value"] - 0.8) + abs(settings["latent"]["size"] - 6) / 18


def searched(kind: str, trials: int, limited: bool = False) -> tuple[optuna.Study, list[dict[str, Any]]]:
    found, drawn = begin(), []
    for number in range(trials):
        trial = found.ask()
        drawn.append(settings := propose(found, trial, kind, number))
        if limited:  # large codes only, and the best lie below
            trial.set_constraint("active_units >= 12", 12.0 - settings["latent"]["size"])
        found.tell(number, cost(settings))
    return found, drawn


@pytest.mark.parametrize("kind", KINDS)
def test_the_branch_is_learned_and_not_left_to_chance(kind: str) -> None:
    _, drawn = searched(kind, 60)
    late = Counter(settings["objective"]["kl.z"]["kind"] for settings in drawn[40:])
    assert late["linear"] >= 12  # of 20; by chance 7
    early, last = ([cost(settings) for settings in some] for some in (drawn[:10], drawn[-10:]))
    assert sum(last) < 0.7 * sum(early)


@pytest.mark.parametrize("kind", KINDS)
def test_what_breaks_a_limit_is_left_behind(kind: str) -> None:
    trials = 30 if kind == "gp" else 60  # which is slow, and learns fast
    sizes, free = (
        [settings["latent"]["size"] for settings in searched(kind, trials, limited)[1][-15:]]
        for limited in (True, False)
    )
    assert sum(size >= 12 for size in sizes) >= 12
    assert sum(sizes) > sum(free) + 30


@pytest.mark.parametrize("kind", KINDS)
def test_a_proposal_follows_from_the_known_trials_alone(kind: str) -> None:
    found, _ = searched(kind, 25)
    before = ask(found, kind, 25)
    restarted = begin()
    restarted.add_trials(found.get_trials()[:25])
    assert ask(restarted, kind, 25) == before
    assert not any(name.startswith(("gp", "cma", "NSGA")) for one in found.trials for name in one.system_attrs)
    other = begin()
    other.add_trials([best(one) if one.number == 12 else one for one in found.get_trials()[:25]])
    assert any(ask(other, kind, number) != ask(restarted, kind, number) for number in range(26, 36))


def best(trial: FrozenTrial) -> FrozenTrial:
    trial.values = [-5.0]
    return trial


@pytest.mark.parametrize("kind", KINDS)
def test_trials_that_run_at_once_are_not_proposed_twice(kind: str) -> None:
    found, _ = searched(kind, 20)
    at_once = [str(ask(found, kind, number)) for number in range(20, 26)]
    assert len(set(at_once)) == 6


@pytest.mark.parametrize("kind", KINDS)
def test_doubles_change_nothing(kind: str) -> None:
    found, _ = searched(kind, 20)
    doubled = begin()
    doubled.add_trials(found.get_trials())
    doubled.add_trial(failed(found.best_trial, DROPPED))
    assert ask(doubled, kind, 21) == ask(found, kind, 21)


def failed(trial: FrozenTrial, state: str) -> FrozenTrial:
    given = {"params": trial.params, "distributions": trial.distributions}
    return create_trial(state=TrialState.FAIL, user_attrs={"state": state}, **given)


def test_lost_trials_count_as_the_worst_in_everything_and_those_that_run_as_nothing() -> None:
    found, _ = searched("qmc", 6, limited=True)
    found.add_trial(failed(found.best_trial, FAILED))
    ask(found, "qmc", 7)
    tried = ended(known(Cube(SEARCH), found.get_trials(), [1.0]))
    assert len(tried.points) == 7
    assert tried.values[6, 0] == tried.values[:6].max()
    assert tried.excesses[6, 0] == tried.excesses[:6].max() > 0


@pytest.mark.parametrize(("kind", "trials"), [("gp", 24), ("nsgaii", 40)])
def test_several_objectives_spread_over_their_front(kind: str, trials: int) -> None:
    found, search = begin(directions=2), {"latent": {"x": {"float": [0.0, 1.0]}, "y": {"float": [0.0, 1.0]}}}
    for number in range(trials):
        settings = ask(found, kind, number, search)["latent"]
        found.tell(number, [settings["x"] + settings["y"], 1.0 - settings["x"] + settings["y"]])
    early, late = ([one.params["latent.y"] for one in some] for some in (found.trials[:10], found.trials[-10:]))
    assert sum(late) < 0.6 * sum(early)
    assert max(one.params["latent.x"] for one in found.best_trials) > 0.7
    assert min(one.params["latent.x"] for one in found.best_trials) < 0.3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("leaf", [{"choice": ["a", "b", "c"]}, {"float": [0.0, 1.0]}, {"choice": [1]}])
def test_a_space_of_one_hyperparameter_is_searched_too(kind: str, leaf: dict[str, Any]) -> None:
    found = begin()
    for number in range(16):
        ask(found, kind, number, {"latent": {"only": leaf}})
        found.tell(number, float(number % 3))
    assert len(found.trials) == 16
