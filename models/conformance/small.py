"""Made sentences and small sizes, on which every check stands. Shapes: B sentences, T steps, D of what stands there."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from uncollapse.models.batch import EOS, PAD, Batch
from uncollapse.models.corpus_info import CorpusInfo

VOCABULARY = 40
CLASSES = 3
WORDS = range(EOS + 1, VOCABULARY)
CORPUS_INFO = CorpusInfo(VOCABULARY, ("<pad>", "<unk>", "<bos>", "<eos>", *(f"w{i}" for i in WORDS)), classes=CLASSES)
SMALL: Mapping[str, Any] = {
    "inputs": {"size": 12},
    "encoder": {"hidden": 16, "feedforward": 16, "heads": 2, "layers": 2},
    "latent": {"size": 6},
    "decoder": {"hidden": 16, "feedforward": 16, "heads": 2, "layers": 2},
}


def batch(lengths: list[int], seed: int = 0) -> Batch:
    """Random sentences; lengths count EOS."""
    random = torch.Generator().manual_seed(seed)
    tokens = torch.full((len(lengths), max(lengths)), PAD)
    for row, length in enumerate(lengths):
        tokens[row, : length - 1] = torch.randint(WORDS.start, WORDS.stop, (length - 1,), generator=random)
        tokens[row, length - 1] = EOS
    return Batch(tokens, torch.tensor(lengths), torch.arange(len(lengths)) % CLASSES)


def padded(short: Batch, columns: int) -> Batch:
    """The same sentences with more padding."""
    return short.reading(torch.cat([short.tokens, torch.full((len(short.tokens), columns), PAD)], 1))


def lengthened(values: Tensor, columns: int) -> Tensor:
    """(..., T, D) with the last step repeated, as values where there are no words."""
    return torch.cat([values, values[..., -1:, :].expand(*values.shape[:-2], columns, values.shape[-1])], -2)
