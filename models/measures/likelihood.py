"""Importance-weighted likelihood and perplexity. Shapes: K samples; N sentences."""

import math
from collections.abc import Mapping

from torch import Tensor

from uncollapse.models.measures.checks import check_finite

# What is counted beside a sentence's n words. He et al. and Long et al. count EOS; the PTB figures of Xu & Durrett and
# of Li et al. fit about n, the latter's E2E figures n + 2.
COUNTED: Mapping[str, int] = {"words_and_eos": 1, "words": 0, "words_bos_eos": 2}


def log_mean_exp(values: Tensor, dim: int = 0) -> Tensor:
    """Return log of the mean of exp(values) along `dim`, without overflow."""
    return values.logsumexp(dim) - math.log(values.shape[dim])


def importance_weighted_nll(log_weights: Tensor) -> Tensor:
    """Return -log (1/K) sum_k w_k for each sentence in nats: (K, N) -> (N,) in float64 (Burda et al., 2016, eq. 8).

    log w = log p(x|z) + sum over variables of (log p - log q), so K = 1 is a one-sample ELBO.
    ValueError without samples or sentences, or where a weight is not finite.
    """
    if log_weights.dim() != 2 or log_weights.numel() == 0:
        raise ValueError(f"Importance weights need shape (samples, sentences); they have {tuple(log_weights.shape)}.")
    return -log_mean_exp(check_finite(log_weights, "importance weights"))


def perplexity(total_nll: float, tokens: int) -> float:
    """Return exp(total_nll / tokens), for a total in nats and the number of tokens that it sums over.

    ValueError for a total that is not finite, for no tokens, and for a result beyond the range of a float.
    """
    if tokens < 1 or not math.isfinite(total_nll):
        raise ValueError(f"Perplexity needs a finite total over one token or more: {total_nll} over {tokens}.")
    try:
        return math.exp(total_nll / tokens)
    except OverflowError:
        raise ValueError(f"Perplexity overflows at {total_nll / tokens:.0f} nats a token.") from None


def perplexities(total_nll: float, sentences: int, words: int) -> dict[str, float]:
    """Return convention -> perplexity, for a total in nats over sentences that hold so many words without EOS.

    Every convention divides the same total, which includes the EOS: only `words_and_eos` counts what it sums over.
    ValueError as `perplexity`.
    """
    return {name: perplexity(total_nll, words + extra * sentences) for name, extra in COUNTED.items()}
