"""Sentence vectors of a whole task. Shapes: N sentences or pairs, D of a vector."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from uncollapse.models.evaluation.encoding import measuring
from uncollapse.models.probes.transfer import two_parts
from uncollapse.models.probes.vectors import Vectors
from uncollapse.models.text_vae import TextVAE
from uncollapse.study.corpora.corpus import Split
from uncollapse.study.training.batches import batch_of
from uncollapse.study.transfer.dataset import Material
from uncollapse.study.transfer.ways import APART

BATCH = 64


@lru_cache(maxsize=4)  # the seeds of a head read the same vectors
def vectors_of(model: TextVAE, split: Split, vectors: Vectors) -> Tensor:
    """A vector of every sentence: (N, D) on the CPU."""
    device = model.output.logits.weight.device
    order = np.argsort(split.lengths, kind="stable")
    with measuring(model, 0):
        found = [vectors(model, batch_of(split, rows).to(device)).cpu() for rows in chunks(order, BATCH)]
    return torch.cat(found)[torch.from_numpy(np.argsort(order))].clone()


def features(model: TextVAE, material: Material, vectors: Vectors, pairs: str) -> Tensor:
    """What a head reads of every sentence, or of every pair: (N, D), or (N, 2 D) of pairs apart."""
    if not material.pairs:
        return vectors_of(model, material.sentences, vectors)
    if pairs == APART:
        return two_parts(*both(model, material, vectors))
    assert material.joined is not None
    return vectors_of(model, material.joined, vectors)


def both(model: TextVAE, material: Material, vectors: Vectors) -> tuple[Tensor, Tensor]:
    """The vectors of the two sentences of every pair."""
    assert material.partners is not None, "a question about pairs"
    return vectors_of(model, material.sentences, vectors), vectors_of(model, material.partners, vectors)


def chunks(rows: np.ndarray, size: int) -> list[np.ndarray]:
    """Rows in pieces of `size`; the last may be smaller."""
    return [rows[at : at + size] for at in range(0, len(rows), size)]
