"""The likelihood of single sentences. Shapes: B sentences of a batch, N of all, K importance samples."""

from collections.abc import Sequence

import torch
from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.evaluation.encoding import measuring
from uncollapse.models.evaluation.forward_pass import log_weights
from uncollapse.models.measures.likelihood import importance_weighted_nll
from uncollapse.models.text_vae import TextVAE


def log_likelihoods(model: TextVAE, batches: Sequence[Batch], samples: int, seed: int) -> Tensor:
    """log p(x) of every sentence in nats, (N,) in their order: exact without latents, else a bound.

    Args:
        model: on any device; its mode is restored.
        batches: of any size.
        samples: K of the importance-weighted bound (Burda et al. 2016, equation 8).
        seed: of the posterior draws; the global generator is left as it was.
    """
    with measuring(model, seed):
        return torch.cat([_of(model, batch, samples).double().cpu() for batch in batches])


def _of(model: TextVAE, batch: Batch, samples: int) -> Tensor:
    """(B,)."""
    encoded = model.encode(batch)
    if model.latent.variables:
        return -importance_weighted_nll(log_weights(model, batch, encoded, samples))
    return model.decode(batch, model.code(model.latent(encoded.pooled), encoded.pooled))
