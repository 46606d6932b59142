"""The checks find what they are for: components with one defect each fail the check of that defect."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.support import models
from uncollapse.models.configuration import components
from uncollapse.models.conformance import (
    component,
    decoder,
    encoder,
    inputs,
    latent,
    model,
    optimizer,
    pool,
    schedule,
    updates,
)
from uncollapse.models.conformance.failure import Failure, Result, failure
from uncollapse.models.conformance.small import CORPUS_INFO, batch
from uncollapse.models.inputs.embedded import Embedded
from uncollapse.models.latents.gaussian import Gaussian
from uncollapse.models.optimizers._base import Optimization
from uncollapse.models.updates.joint import Joint
from uncollapse.models.variable import Variable


class Sound(Gaussian):
    """A Gaussian latent of four dimensions."""

    def __init__(self) -> None:
        super().__init__(latent.FEATURES, size=4)


class HalfTheKL(Sound):
    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        z = super().forward(h, given)["z"]
        return {"z": Variable(z.value, lambda: z.log_q, lambda: z.log_p, lambda: 0.5 * z.kl)}


class Renamed(Sound):
    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        return {"code": super().forward(h, given)["z"]}

    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        return values["code"]


class DrawsAnew(Sound):
    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        return super().forward(h)


class Idle(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Linear(2, 2)


class WrongMean(Sound):
    def mean(self, h: Tensor) -> Tensor:
        return self.location(h) + 0.1


class WideCode(Sound):
    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        return torch.cat([values["z"]] * 2, -1)


class WidePrior(Sound):
    def prior_sample(self, shape: Any) -> dict[str, Tensor]:
        return {"z": super().prior_sample(shape)["z"].double()}


class OtherPrior(Sound):
    def prior_sample(self, shape: Any) -> dict[str, Tensor]:
        return {"z": self.location(torch.zeros(*shape, latent.FEATURES)).detach()}


class NoisyInTraining(Sound):
    def forward(self, h: Tensor, given: Mapping[str, Tensor] | None = None) -> dict[str, Variable]:
        return super().forward(h + 1 if self.training else h, given)


class Stateless(Sound):
    def __init__(self) -> None:
        super().__init__()
        self.shift = float(torch.randn(()))

    def mean(self, h: Tensor) -> Tensor:
        return super().mean(h) + self.shift


class DetachedCode(Sound):
    def code(self, values: Mapping[str, Tensor], like: Tensor) -> Tensor:
        return values["z"].detach() + 0.0 * self.location(like)


DEFECTS: list[tuple[type[Sound], Callable[[Any], None], str]] = [
    (
        HalfTheKL,
        latent.kl_is_not_negative_and_equals_monte_carlo,
        "the KL of z is not the mean of log q - log p; it is",
    ),
    (
        Renamed,
        latent.variables_are_those_that_the_class_names,
        "it draws ('code',) and its class says variables = ('z',)",
    ),
    (DrawsAnew, latent.scoring_own_values_gives_what_drawing_gave, "value of z is another where the drawn values"),
    (DrawsAnew, latent.pairs_equal_the_double_loop, "z of 5 x 4 pairs is not (5, 4, 4)"),
    (DrawsAnew, latent.many_draws_are_scored_under_one_batch, "log_q of z is another"),
    (Idle, latent.gradients_reach_every_parameter, "no gradient of code and KLs reaches unused.weight"),
    (DetachedCode, latent.the_decoder_alone_reaches_every_parameter, "no gradient of the code reaches"),
    (WrongMean, latent.mean_is_that_of_the_code, "`mean` is not the mean of the codes; it is"),
    (WideCode, latent.shapes_are_those_of_the_batch, "code is (5, 8) and must be (5, 4), (*, code_size)"),
    (WidePrior, latent.prior_draws_score_finitely_under_both, "z of the prior is torch.float64 and must be float32"),
    (
        OtherPrior,
        latent.the_prior_scores_its_own_draws_highest_on_average,
        "the posterior scores the prior's own draws",
    ),
    (NoisyInTraining, latent.modes_and_gradients_do_not_change_a_draw, "another in evaluation than in training"),
    (Stateless, latent.state_makes_a_round_trip, "the mean is another after the state was loaded"),
]


def test_every_check_of_latents_is_shown_to_find_something() -> None:
    assert {check for _, check, _ in DEFECTS} == set(latent.EVERY)


@pytest.mark.parametrize(("defect", "check", "sentence"), DEFECTS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_latent_with_a_defect_is_found_out(defect: type[Sound], check: Callable[[Any], None], sentence: str) -> None:
    check(Sound)
    with pytest.raises(Failure) as error:
        check(defect)
    assert sentence in str(error.value)


class LooksAhead(nn.Module):
    """A decoder whose states see the next word and the padding, and have another size than it says."""

    predicts, size = "words", 9

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.unused = nn.Parameter(torch.ones(()))

    def forward(self, embedded: Tensor, mask: Tensor, code: Tensor) -> Tensor:
        return (embedded + embedded.sum(1, keepdim=True)) * self.scale


class Averages(nn.Module):
    """An encoder that reads the padding, detaches, and says another size."""

    reads_tokens, size = False, 9

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.unused = nn.Parameter(torch.ones(()))

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        return (embedded + embedded.mean(1, keepdim=True)) * self.scale


class Counts:
    """A pool that averages over padding too and stands nowhere that is known."""

    at = "somewhere"

    def __call__(self, features: Tensor, mask: Tensor) -> Tensor:
        return features.mean(1).unsqueeze(1)


class Peeks(Embedded):
    """Inputs that show the decoder the word that it is to predict, and say another size."""

    def __init__(self) -> None:
        super().__init__(CORPUS_INFO, size=6)
        self.unused = nn.Linear(1, 1)
        self.decoder_size = 7

    def for_decoder(self, words: Any) -> Tensor:
        return self.table(words.tokens)


class Forgets(Optimization):
    """An optimizer that leaves gradients behind and saves nothing of its state."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__(network, torch.optim.Adam(network.parameters(), lr=0.1), 5.0)

    def step(self, only: Any = None) -> None:
        self.optimizer.step()
        self.updates += 1

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.updates = state["updates"]


class Reckless(Joint):
    """An update rule that counts twice and learns from whatever it gets."""

    def __call__(self, batch: Any) -> tuple[float, float]:
        self.optimization.updates += 1
        with torch.no_grad():
            for parameter in self.model.parameters():
                parameter += 1.0
        return super().__call__(batch)


def reckless() -> Reckless:
    sound = component.update_rule({"kind": "joint", "sentences": "mean", "reconstruction": "sum"})
    return Reckless(sound.model, sound.objective, sound.optimization)


def drifting(updates: int) -> Callable[[int], float]:
    """A weight that grows with every question, below 0 and with the length of the training."""
    asked = [0]

    def weight(step: int) -> float:
        asked[0] += 1
        return -float(asked[0] * updates)

    return weight


@pytest.mark.parametrize(
    ("checks", "make"),
    [
        (decoder.EVERY, LooksAhead),
        (encoder.EVERY, Averages),
        (pool.EVERY[:3], Counts),
        (inputs.EVERY, Peeks),
        (schedule.EVERY, lambda updates: drifting(updates)),
        (optimizer.EVERY, Forgets),
        (updates.EVERY, reckless),
    ],
    ids=["decoder", "encoder", "pool", "inputs", "schedule", "optimizer", "updates"],
)
def test_a_component_with_every_defect_fails_every_check(checks: Any, make: Callable[..., Any]) -> None:
    for check in checks:
        with pytest.raises(Failure):
            check(make)


def test_gradients_into_padding_are_found() -> None:
    class Mean:
        at = "features"

        def __call__(self, features: Tensor, mask: Tensor) -> Tensor:
            return features.mean(1)

    with pytest.raises(Failure, match="a gradient reaches padding"):
        pool.gradients_reach_words_only(Mean)


def test_a_model_whose_latent_has_a_defect_is_found_out() -> None:
    check, words = model.values_that_are_given_are_scored_as_when_they_were_drawn, batch([3, 5])
    complete = models.configuration("seqvae")
    check(complete, models.model("seqvae"), words)
    made = models.model("seqvae")
    made.latent.forward = lambda h, given=None: Gaussian.forward(made.latent, h)
    with pytest.raises(Failure, match="draws that are given back are weighed otherwise"):
        check(complete, made, words)


@pytest.mark.parametrize("slot", component.SLOTS)
def test_every_slot_is_told_by_what_its_components_have(slot: str) -> None:
    found = {component.slot_of(components.load(slot, kind)) for kind in components.kinds(slot) if kind != "last"}
    assert found == {slot}


def test_what_somebodys_code_raises_is_a_failure_in_a_sentence() -> None:
    def broken() -> None:
        raise KeyError("z")

    assert failure(broken) == "it raises KeyError: 'z'"
    assert failure(lambda: None) is None


def test_variants_name_the_settings_under_which_a_check_fails() -> None:
    assert all(result.failure is None for result in component.results("latent", "vmf"))
    (failed,) = [result for result in component.results("latent", "vmf", switched=True) if result.failure]
    assert isinstance(failed, Result)
    assert failed.check == "kl is not negative and equals monte carlo"
    assert failed.failure is not None
    assert "released" in failed.failure
