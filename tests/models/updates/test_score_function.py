"""Score-function updates: their gradient against enumeration, their statistics, and resuming."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.models.resuming import both_go_on_alike
from tests.support import models
from tests.support.statistics import assert_mean
from uncollapse.models.configuration import components
from uncollapse.models.objective import Objective
from uncollapse.models.text_vae import TextVAE
from uncollapse.models.updates.score_function import ScoreFunction

BITS, WEIGHT = 3, 0.5
SETTINGS: dict[str, Any] = {
    "latent": {"kind": "autoregressive_bernoulli", "size": BITS, "baseline_hidden": 4},
    "updates": {"kind": "score_function"},
    "objective": {"kl.z": {"kind": "constant", "value": WEIGHT}},
    "optimizer": {"kind": "adam", "lr": 0.01},
    "decoder": {"dropout": 0.0},
}
SENTENCE = models.batch([4])
WORDS = models.batch([4, 6, 3, 8])


def built(**latent: Any) -> ScoreFunction:
    settings = {**SETTINGS, "latent": {**SETTINGS["latent"], **latent}}
    model, configuration = models.model("seqvae", **settings), models.configuration("seqvae", **settings)
    optimization = components.build("optimizer", configuration["optimizer"], model, 100)
    return ScoreFunction(model, Objective(configuration["objective"], 100), optimization)


def listen(model: TextVAE) -> None:
    """Make codes matter to the decoder, and posterior and baseline differ from their starts."""
    with torch.no_grad():
        model.decoder.to_state.weight.mul_(6)
        model.output.logits.weight.mul_(6)
        model.latent.from_features.bias.copy_(torch.tensor([0.5, -0.7, 0.2]))
        model.latent.predicted_loss[-1].weight.fill_(3.0)


def exact_gradients(model: TextVAE, scale: float) -> dict[str, Tensor]:
    """E_q[grad L] + E_q[L grad log q] / scale over every code of one sentence."""
    codes = torch.tensor([[(code >> bit) & 1 for bit in range(BITS)] for code in range(2**BITS)]).float()
    variable = model.latent(model.encode(SENTENCE).pooled, {"z": codes})["z"]
    losses = -model.decode(SENTENCE.repeated(len(codes)), codes) + WEIGHT * variable.kl
    q = variable.log_q.exp()
    assert q.sum().item() == pytest.approx(1, abs=1e-5)
    return gradients(model, (q.detach() * losses).sum() + (q * losses.detach()).sum() / scale)


def gradients(model: TextVAE, loss: Tensor) -> dict[str, Tensor]:
    model.zero_grad()
    loss.backward()
    return {
        name: torch.zeros_like(value) if value.grad is None else value.grad.clone()
        for name, value in model.named_parameters()
        if "predicted_loss" not in name
    }


def projected(found: dict[str, Tensor]) -> dict[str, Tensor]:
    """Gradients as few numbers: those of the latent as they are, the others along one random direction each."""
    random = torch.Generator().manual_seed(0)
    return {
        name: value.flatten()
        if name.startswith("latent.p")
        else (value * torch.randn(value.shape, generator=random)).sum().view(1)
        for name, value in found.items()
    }


@pytest.mark.parametrize("kl", ["conditional", "sample"])
@pytest.mark.parametrize(("offset", "variance", "scale"), [(0.0, 0.1, 1.0), (0.5, 0.5, 1.0), (-0.5, 9.0, 3.0)])
def test_the_gradient_is_unbiased(kl: str, offset: float, variance: float, scale: float) -> None:
    """Within 4 s.e. of enumeration, wherever the running mean; a spread above 1 divides the score function's part."""
    update = built(kl=kl)
    listen(update.model)
    with torch.no_grad():
        centre = update.objective(update.model.trace(SENTENCE.repeated(500)), 0).item()
        centre -= update.model.latent.baseline(update.model.encode(SENTENCE).pooled).item()
    expected = projected(exact_gradients(update.model, scale))
    unscored = projected(exact_gradients(update.model, math.inf))
    copies, rounds = SENTENCE.repeated(64), []
    for _ in range(400):
        update.load_state_dict({"mean": centre + offset, "variance": variance})
        rounds.append(projected(gradients(update.model, update.loss(copies, update.model.trace(copies)))))
    assert {name.split(".")[0] for name in expected} == {"inputs", "encoder", "latent", "decoder", "output"}
    power = []
    for name, value in expected.items():
        found = torch.stack([one[name] for one in rounds])
        assert_mean(found, value, rounding=1e-5)
        power.append(((unscored[name] - value).abs() / (found.std(0) / len(found) ** 0.5 + 1e-9)).max().item())
    assert max(power) > 40  # a tenth of the score function's part amiss would show


def test_the_loss_told_is_the_objectives() -> None:
    update = built()
    update.load_state_dict({"mean": 3.0, "variance": 7.0})
    trace = update.model.trace(WORDS)
    expected = (trace.reconstruction + WEIGHT * trace.kl["z"]).mean()
    assert update.loss(WORDS, trace).item() == pytest.approx(expected.item(), rel=1e-6)


def test_the_statistics_are_of_the_batches_before() -> None:
    update = built()
    update.load_state_dict({"mean": 5.0, "variance": 4.0})
    signal = torch.tensor([1.0, 5.0, 12.0])
    assert update.advantage(signal).tolist() == [-2.0, 0.0, 3.5]
    assert update.mean == pytest.approx(0.8 * 5 + 0.2 * 6)
    assert update.variance == pytest.approx(0.8 * 4 + 0.2 * signal.var(correction=0).item())


def test_the_first_batch_is_measured_by_itself() -> None:
    signal = torch.tensor([700.0, 702.0, 704.0])
    assert built().advantage(signal).tolist() == pytest.approx([-2 / math.sqrt(8 / 3), 0.0, 2 / math.sqrt(8 / 3)])
    assert built().advantage(signal[:1]).tolist() == [0.0]


def test_the_baseline_learns_the_loss_and_moves_no_feature() -> None:
    update = built()
    update.load_state_dict({"mean": 5.0, "variance": 0.5})
    model = update.model
    trace = model.trace(WORDS)
    losses, baseline = update.objective.per_sentence(trace, 0), model.latent.baseline(trace.features.detach())
    predicted, encoder = list(model.latent.predicted_loss.parameters()), list(model.encoder.parameters())
    found = torch.autograd.grad(update.loss(WORDS, trace), [*predicted, *encoder], retain_graph=True)
    residual = losses.detach() - 5.0 - baseline
    by_hand = (losses + residual.detach() * trace.log_q()).mean()
    expected = [
        *torch.autograd.grad(0.5 * residual.square().mean(), predicted, retain_graph=True),
        *torch.autograd.grad(by_hand, encoder),
    ]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)


def test_a_floor_is_refused() -> None:
    model = models.model("seqvae", **SETTINGS)
    objective = Objective({"kl.z": {"kind": "constant", "value": 1.0, "floor": 2.0}}, 100)
    with pytest.raises(ValueError, match=r"objective\.kl\.z\.floor"):
        ScoreFunction(model, objective, built().optimization)


def test_the_bound_improves() -> None:
    update = built()
    torch.manual_seed(0)
    losses = [update(WORDS)[0] for _ in range(150)]
    assert sum(losses[-20:]) / 20 < 0.8 * sum(losses[:20]) / 20


def test_the_posterior_alone_nears_the_best_there_is() -> None:
    """With all else still, min_q E_q[-log p(x|z)] + w KL(q || p) = -w log sum_z p(z) p(x|z)^(1/w)."""
    update = built()
    model = update.model
    listen(model)
    codes = torch.tensor([[(code >> bit) & 1 for bit in range(BITS)] for code in range(2**BITS)]).float()
    moving = [*model.latent.from_features.parameters(), *model.latent.posterior_before.parameters()]

    def expected_loss() -> tuple[float, float]:
        with torch.no_grad():
            variable = model.latent(model.encode(SENTENCE).pooled, {"z": codes})["z"]
            log_likelihood, log_q = model.decode(SENTENCE.repeated(len(codes)), codes), variable.log_q
            losses = -log_likelihood + WEIGHT * (log_q - variable.log_p)
            best = -WEIGHT * (variable.log_p + log_likelihood / WEIGHT).logsumexp(0)
        return float((log_q.exp() * losses).sum()), float(best)

    before, best = expected_loss()
    words = SENTENCE.repeated(16)
    for _ in range(300):
        update.loss(words, model.trace(words)).backward()
        update.optimization.step(only=moving)
    after, _ = expected_loss()
    assert before - best > 0.2
    assert best - 1e-4 <= after < best + 0.2 * (before - best)


def test_a_resumed_training_goes_on_bit_for_bit() -> None:
    whole, second = built(), built()
    both_go_on_alike(whole, second, WORDS)
    assert whole.state_dict() == second.state_dict()
