"""From a page to Optuna: what is searched is exactly what is used."""

from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from uncollapse.search_spaces import space
from uncollapse.study.config import families
from uncollapse.study.stages.sampling import proposal
from uncollapse.study.stages.sampling.samplers import SAMPLERS, Proposal, sampler

SEARCH: dict[str, Any] = {
    "latent": {
        "size": {"int": [2, 9], "points": [2, 4, 9]},
        "kappa": {"float": [5.0, 200.0], "log": True, "points": [20, 80]},
    },
    "decoder": {
        "inject": {"choice": [["state"], ["state", "input"]]},
        "dropout": {"float": [0.0, 0.6], "points": [0.5]},
    },
    "inputs": {"words": {"choice": [True, False]}},
    "objective": {
        "kl.z": {
            "space": "annealing",
            "value": {"float": [0.05, 1.0], "log": True, "points": [1.0]},
            "span": {"float": [0.05, 0.6], "points": [0.3]},
            "midpoint": {"float": [0.05, 0.35], "points": [0.2]},
            "rise": {"float": [0.05, 0.5], "points": [0.2]},
            "cycles": {"int": [1, 6], "points": [4]},
            "ratio": {"float": [0.1, 0.9], "points": [0.5]},
        }
    },
}


def study() -> optuna.Study:
    return optuna.create_study(storage=optuna.storages.InMemoryStorage())


def propose(found: optuna.Study, kind: str, number: int, search: dict[str, Any] = SEARCH) -> dict[str, Any]:
    trial = found.ask()
    found.sampler = sampler(kind, Proposal(0, "family", number, search, found))
    return proposal.propose(trial, search)


@pytest.mark.parametrize("kind", SAMPLERS)
def test_proposals_lie_inside_the_space(kind: str) -> None:
    found = study()
    for number in range(20):
        settings = propose(found, kind, number)
        trial = found.trials[-1]
        assert type(settings["latent"]["size"]) is int
        assert 2 <= settings["latent"]["size"] <= 9
        assert 5.0 <= settings["latent"]["kappa"] <= 200.0
        assert settings["decoder"]["inject"] in (["state"], ["state", "input"])
        assert type(settings["inputs"]["words"]) is bool
        assert settings["objective"]["kl.z"]["kind"] == trial.params["objective.kl.z.kind"]
        found.tell(trial.number, float(number % 5))


def test_distributions_are_those_of_the_page_under_its_names() -> None:
    found = study()
    propose(found, "random", 0)
    trial = found.trials[0]
    assert trial.distributions["latent.kappa"] == FloatDistribution(5.0, 200.0, log=True)
    assert trial.distributions["latent.size"] == IntDistribution(2, 9)
    assert trial.distributions["decoder.inject"] == CategoricalDistribution(("state", "state+input"))
    assert trial.distributions["inputs.words"] == CategoricalDistribution(("True", "False"))
    kind = trial.params["objective.kl.z.kind"]
    others = {name.split(".")[3] for name in trial.params if name.startswith("objective.kl.z.") and name.count(".") > 3}
    assert others == {kind}
    assert set(trial.params) <= {name for name, _ in space.hyperparameters(SEARCH)}


def test_random_proposals_depend_on_the_trial_and_on_nothing_before_it() -> None:
    together, restarted = study(), study()
    first = [propose(together, "random", number) for number in range(6)]
    for number, value in enumerate((3.0, 1.0, 2.0)):
        together.tell(number, value)
    for number in range(6):
        restarted = study()
        assert propose(restarted, "random", number) == first[number]
    assert len({str(settings) for settings in first}) == 6


def test_seeds_of_studies_families_and_trials_are_their_own() -> None:
    def kappa(*place: Any) -> float:
        found = study()
        found.sampler = sampler("random", Proposal(*place, SEARCH, found))
        return proposal.propose(found.ask(), SEARCH)["latent"]["kappa"]

    assert len({kappa(0, "a", 0), kappa(1, "a", 0), kappa(0, "b", 0), kappa(0, "a", 1)}) == 4
    assert kappa(0, "a", 0) == kappa(0, "a", 0)


@pytest.mark.parametrize("kind", ["tpe", "gp", "cmaes", "nsgaii"])
def test_what_learns_learns_and_repeats_itself_over_the_same_past(kind: str) -> None:
    def run() -> list[float]:
        found = study()
        for number in range(40):
            settings = propose(found, kind, number, {"latent": {"kappa": {"float": [0.0, 1.0]}}})
            found.tell(found.trials[-1].number, abs(settings["latent"]["kappa"] - 0.7))
        return [trial.params["latent.kappa"] for trial in found.trials]

    first = run()
    assert first == run()
    early, late = first[:8], first[-16:]
    assert sum(abs(kappa - 0.7) for kappa in late) / 16 < sum(abs(kappa - 0.7) for kappa in early) / 8


@pytest.mark.parametrize("kind", SAMPLERS)
def test_a_proposal_that_was_cut_off_keeps_what_was_drawn(kind: str) -> None:
    found = study()
    found.sampler = sampler(kind, Proposal(0, "family", 0, SEARCH, found))
    trial = found.ask()
    trial.suggest_float("latent.kappa", 5.0, 200.0, log=True)
    drawn = dict(trial.params)
    found.sampler = sampler(kind, Proposal(0, "family", 0, SEARCH, found))
    again = optuna.Trial(found, trial._trial_id)
    settings = proposal.propose(again, SEARCH)
    assert settings["latent"]["kappa"] == drawn["latent.kappa"]
    assert len(found.trials) == 1
    assert proposal.propose(optuna.Trial(found, trial._trial_id), SEARCH) == settings


@pytest.mark.parametrize("name", families.names())
def test_every_page_is_proposed_and_resolves(name: str) -> None:
    family, found = families.load(name), study()
    for number in range(10):
        configuration = family.configure(propose(found, "tpe", number, dict(family.search)))
        for hyperparameter, value in found.trials[-1].params.items():
            slot, _, option = hyperparameter.partition(".")
            if slot != "objective":
                used = configuration[slot][option]
                assert value == ("+".join(used) if isinstance(used, list) else used if value != str(used) else value)
        found.tell(number, float(number))
