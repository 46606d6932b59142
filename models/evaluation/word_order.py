"""What the encoder loses when the order of the words is lost. Shapes: B sentences, N of the set, K samples, C code."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from uncollapse.models.batch import Batch
from uncollapse.models.evaluation.encoding import measuring, sentence_rows
from uncollapse.models.evaluation.forward_pass import log_weights
from uncollapse.models.measures.likelihood import importance_weighted_nll
from uncollapse.models.measures.order import shuffled, swapped, swapped_anywhere
from uncollapse.models.text_vae import TextVAE

SWAPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6)
Reorder = Callable[[Batch, float, torch.Generator], Tensor]
MOVES: Mapping[str, Reorder] = {"swap": swapped, "swap_anywhere": swapped_anywhere}


def shuffled_nll(model: TextVAE, batches: Sequence[Batch], samples: int, seed: int) -> dict[str, float]:
    """`nll_iw` when the encoder, and it alone, reads the words in random order (Long et al. 2019, Section 4.4).

    Returns:
        `nll_iw_shuffled` and `shuffle_cost`, by how many nats it lies above the same estimate in the right order.
    """
    generator = torch.Generator().manual_seed(seed)
    with measuring(model, seed):
        kept = [_nll(model, batch, batch, samples) for batch in batches]
        torch.manual_seed(seed)  # the same draws, so that the difference is that of the order
        lost = [_nll(model, batch, batch.reading(shuffled(batch, generator)), samples) for batch in batches]
    in_order, out_of_order = float(torch.cat(kept).mean()), float(torch.cat(lost).mean())
    return {"nll_iw_shuffled": out_of_order, "shuffle_cost": out_of_order - in_order}


def _nll(model: TextVAE, batch: Batch, read: Batch, samples: int) -> Tensor:
    return importance_weighted_nll(log_weights(model, batch, model.encode(read), samples))


def swap_sensitivity(model: TextVAE, batches: Sequence[Batch], seed: int) -> dict[str, float]:
    """Mean cosine of the code's mean before and after words are swapped (Xu & Durrett 2018, Section 6.2).

    Returns:
        `swap_cosine_10` to `swap_cosine_60`: each disjoint adjacent pair is swapped with 10 to 60 %, as the paper says;
        `swap_anywhere_cosine_10` and so on: each word with any of its sentence, as its released code sets out to do.
    """
    found = {}
    with measuring(model, seed):
        before = _means(model, batches)
        for (name, move), probability in product(MOVES.items(), SWAPS):
            generator = torch.Generator().manual_seed(seed)
            after = _means(model, [batch.reading(move(batch, probability, generator)) for batch in batches])
            found[f"{name}_cosine_{probability * 100:.0f}"] = float(cosine_similarity(before, after).mean())
    return found


def _means(model: TextVAE, batches: Sequence[Batch]) -> Tensor:
    return torch.cat([sentence_rows(model, batch, model.latent.mean(model.encode(batch).pooled)) for batch in batches])
