"""Adversarial updates: whose gradients move what, that the critic improves, what overflows, and resuming."""

import copy
import math
from typing import Any

import pytest
import torch

from tests.models.resuming import both_go_on_alike
from tests.support import models
from uncollapse.models.configuration import components, constraints
from uncollapse.models.objective import Objective
from uncollapse.models.updates.adversarial import Adversarial

WORDS = models.batch([4, 6, 3, 8])
SETTINGS: dict[str, Any] = {
    "latent": {"kind": "implicit", "size": 4, "hidden": 16, "layers": 2},
    "updates": {"kind": "adversarial"},
    "objective": {"dual": {"kind": "constant", "value": 0.5}},
    "optimizer": {"kind": "adam", "lr": 0.01},
    "decoder": {"dropout": 0.0},
}


def changed(**latent: Any) -> dict[str, Any]:
    return {**SETTINGS, "latent": {**SETTINGS["latent"], **latent}}


def built(seed: int = 0, options: dict[str, Any] | None = None, **latent: Any) -> Adversarial:
    settings = changed(**latent)
    model, configuration = models.model("ivae", seed, **settings), models.configuration("ivae", **settings)
    optimization = components.build("optimizer", configuration["optimizer"], model, 100)
    return Adversarial(model, Objective(configuration["objective"], 100), optimization, **(options or {}))


def moved(update: Adversarial) -> set[str]:
    """Which parameters a batch moves."""
    before = {name: value.clone() for name, value in update.model.named_parameters()}
    update(WORDS)
    return {name for name, value in update.model.named_parameters() if not torch.equal(value, before[name])}


@pytest.mark.parametrize("generator", ["linear", "mlp"])
@pytest.mark.parametrize("critic", ["joint", "marginal"])
def test_a_batch_moves_critic_and_model(generator: str, critic: str) -> None:
    update = built(generator=generator, critic=critic, options={"steps": 3})
    everything = {name for name, _ in update.model.named_parameters()}
    assert moved(update) == everything
    assert update.costs() == {"critic_updates": 3.0}
    assert update.optimization.updates == 1


def test_the_models_update_is_one_step_down_the_objective_under_the_trained_critic() -> None:
    update, by_hand = built(), built()
    for _ in range(2):
        update(WORDS)
    update.optimization.updates = 0
    by_hand.model.load_state_dict(copy.deepcopy(update.model.state_dict()))
    by_hand.load_state_dict(copy.deepcopy(update.state_dict()))
    by_hand.optimization.optimizer.load_state_dict(copy.deepcopy(update.optimization.optimizer.state_dict()))
    torch.manual_seed(3)
    told = update(WORDS)
    torch.manual_seed(3)
    trace = by_hand.model.trace(WORDS)
    assert by_hand.train_critic(trace.features.detach())
    loss = (trace.reconstruction + 0.5 * trace.penalty("dual")).mean()
    rest = [value for name, value in by_hand.model.named_parameters() if "critic" not in name]
    for parameter, gradient in zip(rest, torch.autograd.grad(loss, rest), strict=True):
        parameter.grad = gradient
    torch.nn.utils.clip_grad_norm_(rest, 5.0)
    by_hand.optimization.optimizer.step()
    assert told == pytest.approx((loss.item(), trace.reconstruction.mean().item()))
    for name, value in by_hand.model.named_parameters():
        torch.testing.assert_close(update.model.get_parameter(name), value)


def test_a_critics_step_goes_up_the_dual_form_and_leaves_the_model() -> None:
    update, by_hand = built(options={"steps": 1, "lr": 1e-3}), built(options={"steps": 1, "lr": 1e-3})
    features = torch.randn(50, 16)
    before = copy.deepcopy(update.model.state_dict())
    torch.manual_seed(3)
    assert update.train_critic(features)
    torch.manual_seed(3)
    z = by_hand.latent.draw(features).detach()
    (-by_hand.latent.dual(features, z).mean()).backward()
    torch.optim.Adam(by_hand.latent.critic.parameters(), lr=1e-3, fused=True).step()
    for name, value in update.model.state_dict().items():
        assert torch.equal(value, by_hand.model.state_dict()[name])
        assert torch.equal(value, before[name]) == ("critic" not in name)


def test_the_critic_nears_the_kl_of_a_model_that_stands_still() -> None:
    update = built(options={"steps": 300, "lr": 5e-3})
    features = update.model.encode(WORDS).pooled.detach()
    with torch.no_grad():
        update.latent.generator.get_parameter("bias")[0] += 1.5
        update.latent.generator.get_parameter("weight")[:, -4:] = 0.7 * torch.eye(4)
    exact = update.latent(features)["z"].kl.mean().item()
    assert update.train_critic(features.repeat(50, 1))
    many = features.repeat(10_000, 1)
    with torch.no_grad():
        dual = update.latent.dual(many, update.latent.draw(many))
    assert dual.mean().item() > 0.8 * exact
    assert dual.mean() <= exact + 4 * dual.std() / len(dual) ** 0.5


def test_the_critics_gradients_do_not_count_in_the_clipping_of_the_models() -> None:
    update = built()
    update.loss(WORDS, update.model.trace(WORDS)).backward()
    for name, value in update.model.named_parameters():
        assert (value.grad is None) == ("critic" in name)
        assert value.requires_grad


@pytest.mark.parametrize("nats", [800.0, 200.0])
def test_a_critic_that_overflows_is_told_as_an_infinite_loss_and_not_learnt_from(nats: float) -> None:
    """exp 800 is beyond float64; exp 200 is not, but its gradient is beyond the parameters' float32."""
    update = built()
    with torch.no_grad():
        update.latent.critic.last.bias.fill_(nats)
    assert moved(update) == set()
    assert update(WORDS)[0] == math.inf
    assert math.isfinite(update(WORDS)[1])
    assert update.costs() == {"critic_updates": 0.0}


def test_a_loss_that_is_not_finite_moves_no_critic() -> None:
    update = built()
    with torch.no_grad():
        update.model.output.logits.bias[7] = math.nan
    before = copy.deepcopy(update.latent.critic.state_dict())
    assert math.isnan(update(WORDS)[0])
    assert all(torch.equal(value, before[name]) for name, value in update.latent.critic.state_dict().items())


def test_a_kl_that_no_generator_could_learn_from_is_refused() -> None:
    update = built(generator="mlp")
    objective = Objective({"kl.z": {"kind": "constant", "value": 1.0}}, 100)
    with pytest.raises(ValueError, match=r"objective\.kl\.z: .*weigh `dual`"):
        Adversarial(update.model, objective, update.optimization)


def test_the_exact_kl_of_a_linear_generator_may_be_charged() -> None:
    settings = {**SETTINGS, "objective": {"kl.z": {"kind": "constant", "value": 0.5}}}
    model, configuration = models.model("ivae", **settings), models.configuration("ivae", **settings)
    optimization = components.build("optimizer", configuration["optimizer"], model, 100)
    update = Adversarial(model, Objective(configuration["objective"], 100), optimization)
    loss, reconstruction = update(WORDS)
    assert loss > reconstruction


def test_the_latent_and_its_updates_need_each_other() -> None:
    implicit = models.configuration("ivae")
    assert any(
        "'implicit' is trained by" in constraint
        for constraint in constraints.broken({**implicit, "updates": {"kind": "joint"}})
    )
    gaussian = models.configuration("seqvae")
    broken = constraints.broken({**gaussian, "updates": implicit["updates"]})
    assert any("'adversarial' trains the latents implicit" in constraint for constraint in broken)


@pytest.mark.parametrize("generator", ["linear", "mlp"])
def test_a_resumed_training_goes_on_bit_for_bit(generator: str) -> None:
    options = {"steps": 2, "lr": 1e-3}
    whole, second = built(generator=generator, options=options), built(seed=1, generator=generator, options=options)
    both_go_on_alike(whole, second, WORDS)
    assert whole.costs() == second.costs() == {"critic_updates": 16.0}


@pytest.mark.parametrize("generator", ["linear", "mlp"])
def test_the_objective_improves(generator: str) -> None:
    update = built(generator=generator)
    torch.manual_seed(0)
    losses = [update(WORDS)[0] for _ in range(100)]
    assert sum(losses[-20:]) / 20 < 0.8 * sum(losses[:20]) / 20
