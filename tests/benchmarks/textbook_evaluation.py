"""Evaluations as a textbook writes them, one sample or one sentence at a time, of textbook models with a Gaussian code.

Shapes: B sentences, T steps, N sentences of the set, C code, K samples.
"""

import math

import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn import functional

from tests.benchmarks.textbook import RecurrentVAE
from uncollapse.models.batch import PAD


def filled(model: RecurrentVAE, ours: nn.Module) -> RecurrentVAE:
    """The textbook's model with the weights of ours, which it holds in the same order."""
    with torch.no_grad():
        for mine, theirs in zip(model.parameters(), ours.parameters(), strict=True):
            assert mine.shape == theirs.shape, "another model is no comparison"
            mine.copy_(theirs)
    return model.eval()


@torch.no_grad()
def importance_weighted(model: RecurrentVAE, tokens: Tensor, samples: int) -> Tensor:
    """-log 1/K sum_k p(x, z_k) / q(z_k | x) of BOS, words, EOS (B, T + 1), one sample after another: (B,)."""
    seen, targets = tokens[:, :-1], tokens[:, 1:]
    q = model.latent.posterior(model.encode(targets, (targets != PAD).sum(1)))
    weights = []
    for _ in range(samples):
        z = q.sample()
        logits = model.decode(seen, z)
        losses = functional.cross_entropy(logits.transpose(1, 2), targets, ignore_index=PAD, reduction="none")
        weights.append(Normal(0.0, 1.0).log_prob(z).sum(-1) - q.log_prob(z).sum(-1) - losses.sum(1))
    return math.log(samples) - torch.stack(weights).logsumexp(0)


@torch.no_grad()
def information(means: Tensor, log_variances: Tensor, draws: Tensor, at_once: int) -> float:
    """mean_j log q(z_j | x_j) - log 1/N sum_i q(z_j | x_i), all (N, C), so many z at once against all sentences."""
    total = 0.0
    for start in range(0, len(draws), at_once):
        z = draws[start : start + at_once].unsqueeze(1)
        squares = (z - means) ** 2 / log_variances.exp()
        log_q = -0.5 * (squares + log_variances + math.log(2 * math.pi)).sum(-1)
        own = log_q[torch.arange(len(z)), start + torch.arange(len(z))]
        total += (own - (log_q.logsumexp(1) - math.log(len(means)))).sum().item()
    return total / len(draws)
