"""Mutual information between sentences and codes. Shapes: N sentences, slices I, J; H features; C components."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from uncollapse.models.measures.checks import check_finite
from uncollapse.models.variable import Variable

BATCH = 32  # sentences, of which He et al. (2019) and Long et al. (2019) take the information
PAIRS = 2**16  # scored at once
TOGETHER = 256  # sentences whose batches are scored in one call, which costs more than the pairs that are not needed

PairScore = Callable[[slice, slice], Tensor]
Latent = Callable[[Tensor, Mapping[str, Tensor]], dict[str, Variable]]


def joint_log_q(latent: Latent, features: Tensor, values: Mapping[str, Tensor]) -> PairScore:
    """Return (i, j) -> log q(values_j | features_i), (I, J), for features (N, H) and drawn values (N, C).

    The density is joint over all variables of a hierarchy. A latent with no variables scores 0.
    """

    def score(i: slice, j: slice) -> Tensor:
        h = features[i].unsqueeze(1)
        variables = latent(h, {name: value[j].unsqueeze(0) for name, value in values.items()})
        found = [variable.log_q.double() for variable in variables.values()]
        return sum(found[1:], found[0]) if found else h.new_zeros(len(h), len(features[j]), dtype=torch.float64)

    return score


def mutual_information(log_q: PairScore, count: int, chunk: int = 512) -> float:
    """Return mean_j [log q(z_j | x_j) - log (1/N) sum_i q(z_j | x_i)] in nats, one draw z_j for each of N = `count`.

    `log_q(i, j)` gives log q(z_j | x_i) for two slices, (I, J). Both terms use the same draws and scores: the result is
    0, to rounding, when all posteriors are equal and never above log N; noise can take it a little below 0. `chunk`
    draws meet few posteriors at a time, which cost more to make than draws do.
    ValueError for fewer than two sentences or scores that are not finite.
    """
    if count < 2:
        raise ValueError(f"Mutual information needs two sentences or more; it was given {count}.")
    posteriors = _slices(count, max(1, PAIRS // chunk))
    gains = [_log_q_own_over_mixture(log_q, posteriors, j) for j in _slices(count, chunk)]
    return torch.cat(gains).mean().item() + math.log(count)


def mi_batch(log_q: PairScore, count: int, size: int = BATCH) -> float:
    """Return the mutual information inside consecutive batches of `size`, averaged over sentences, in nats.

    He et al. (2019) and Long et al. (2019) report this: the aggregate posterior is that of a batch, so nothing above
    log 32 = 3.47 can be seen, less where a batch is short; log B for one of B. They take E log q(z|x) in closed form,
    which only a Gaussian has; here it is the same draw's, as in `mutual_information`: the expectation is equal, and
    the result is 0 when all posteriors are. Their batches hold sentences of one length; these, rows as they come.
    ValueError for fewer than two sentences, batches of fewer than two, or scores that are not finite.
    """
    if count < 2 or size < 2:
        raise ValueError(f"Mutual information needs two sentences or more; it was given {count} in batches of {size}.")
    together = max(1, TOGETHER // size) * size
    return torch.cat([_gains_within(log_q, rows, size) for rows in _slices(count, together)]).mean().item()


def _gains_within(log_q: PairScore, rows: slice, size: int) -> Tensor:
    """Return log q(z_j | x_j) - log mean_i q(z_j | x_i), i of the batch of j, for batches that lie in `rows`: (J,)."""
    scores = check_finite(log_q(rows, rows), "log densities")
    batches = [scores[batch, batch] for batch in _slices(len(scores), size)]
    return torch.cat([batch.diagonal() - batch.logsumexp(0) + math.log(len(batch)) for batch in batches])


def _slices(count: int, size: int) -> list[slice]:
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def _log_q_own_over_mixture(log_q: PairScore, slices: list[slice], j: slice) -> Tensor:
    """Return log q(z_j | x_j) - log sum_i q(z_j | x_i) for the sentences of one slice: (J,)."""
    sums, own = [], []
    for i in slices:
        scores = check_finite(log_q(i, j), "log densities")
        sums.append(scores.logsumexp(0))
        first, stop = max(i.start, j.start), min(i.stop, j.stop)
        if first < stop:
            own.append(scores[first - i.start : stop - i.start, first - j.start : stop - j.start].diagonal())
    return torch.cat(own) - torch.stack(sums).logsumexp(0)
