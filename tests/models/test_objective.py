"""The objective and the trace that it reads."""

import pytest
import torch

from uncollapse.models.configuration import components
from uncollapse.models.objective import Objective
from uncollapse.models.trace import Trace

TRACE = Trace(
    reconstruction=torch.tensor([10.0, 20.0]),
    kl={"z": torch.tensor([1.0, 3.0]), "gamma": torch.tensor([2.0, 2.0])},
    kl_mean={"z": torch.tensor([0.5, 1.5])},
    log_q=lambda: torch.zeros(2),
    features=torch.zeros(2, 3),
    penalty={"mmd": torch.tensor(4.0), "l1": torch.tensor([5.0, 6.0])}.__getitem__,
)


def objective(**settings: dict[str, object]) -> Objective:
    named = {name.replace("__", "."): components.resolve("schedule", schedule) for name, schedule in settings.items()}
    return Objective(named, updates=100)


def test_terms_have_the_names_that_pages_give_them() -> None:
    terms = {
        "kl.z": [1.0, 3.0],
        "kl.gamma": [2.0, 2.0],
        "kl_mean.z": [0.5, 1.5],
        "mmd": [4.0, 4.0],
        "l1": [5.0, 6.0],
    }
    assert {name: TRACE.term(name).tolist() for name in terms} == terms


def test_a_floor_holds_for_the_mean_of_the_batch() -> None:
    settings = {"kl.z": {**components.resolve("schedule", {"kind": "constant", "value": 0.5}), "floor": 3.0}}
    assert Objective(settings, updates=100)(TRACE, 1).item() == pytest.approx(15.0 + 0.5 * 3.0)
    settings["kl.z"]["floor"] = 1.5  # the mean, 2, lies above it
    assert Objective(settings, updates=100)(TRACE, 1).item() == pytest.approx(15.0 + 0.5 * 2.0)


def test_without_terms_it_is_the_mean_reconstruction() -> None:
    assert objective()(TRACE, 0).item() == 15.0


def test_terms_are_weighed_and_averaged_over_sentences() -> None:
    loss = objective(kl__z={"kind": "constant", "value": 0.5}, kl__gamma={"kind": "constant", "value": 0.1})
    assert loss(TRACE, 7).item() == pytest.approx(15.0 + 0.5 * 2.0 + 0.1 * 2.0)


def test_each_weight_follows_its_own_schedule() -> None:
    loss = objective(
        kl__z={"kind": "linear", "start": 0.0, "span": 1.0}, kl_mean__z={"kind": "linear", "start": 1.0, "value": 0.2}
    )
    found = [loss(TRACE, step).item() for step in (0, 50, 100)]
    assert found == pytest.approx([15.0 + 2.0 * weight + 0.2 for weight in (0.0, 0.5, 1.0)])


def test_a_term_that_the_model_lacks_is_an_error() -> None:
    with pytest.raises(KeyError):
        objective(mmd__z={"kind": "constant"})(TRACE, 0)
