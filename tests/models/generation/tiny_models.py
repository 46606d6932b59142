"""Models of a vocabulary so small that all its short sentences can be listed. Shapes: N sentences, T steps, C code."""

import itertools
from typing import Any

import torch
from torch import Tensor

from tests.support import models
from uncollapse.models.batch import EOS, PAD, UNK, Batch
from uncollapse.models.configuration import constraints
from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.models.generation.codes import Codes
from uncollapse.models.text_vae import TextVAE

SAYABLE = (UNK, 4, 5, 6)
CORPUS_INFO = CorpusInfo(7, ("<pad>", "<unk>", "<bos>", "<eos>", "a", "b", "c"), classes=3)
LONGEST = 3
EVERY = [name for name in models.EVERY if constraints.predicts(models.configuration(name)) == "words"]
LISTED = [name for name in EVERY if not models.configuration(name)["inputs"]["bag_size"]]  # those that `log_p` serves


def model(name: str, seed: int = 0, sharpness: float = 4.0, **changes: Any) -> TextVAE:
    """In eval mode, with opinions: an untrained model finds all words about as likely."""
    torch.manual_seed(seed)
    made = TextVAE(models.configuration(name, **changes), CORPUS_INFO).eval()
    with torch.no_grad():
        made.output.logits.weight *= sharpness
    return made


def batch(lengths: list[int], seed: int = 0) -> Batch:
    """Random sentences of the tiny vocabulary; lengths count EOS."""
    drawn = models.batch(lengths, seed)
    words = torch.where(drawn.words, drawn.tokens % 3 + 4, drawn.tokens)
    return Batch(words, drawn.lengths, torch.arange(len(lengths)) % 3)


def sentences(longest: int = LONGEST) -> list[tuple[int, ...]]:
    """Every sentence of at most so many words, EOS included."""
    counts = range(longest + 1)
    return [(*words, EOS) for count in counts for words in itertools.product(SAYABLE, repeat=count)]


def log_p(model: TextVAE, codes: Codes, row: int, said: list[tuple[int, ...]]) -> Tensor:
    """log p of word sequences (EOS included or not) under one code, from the model's own likelihood: (N,)."""
    longest = max(map(len, said))
    tokens = torch.tensor([[*words, *[PAD] * (longest - len(words))] for words in said])
    batch = Batch(tokens, torch.tensor([len(words) for words in said]))
    one = codes.rows(torch.full((len(said),), row))
    return model.decode(Batch(batch.tokens, batch.lengths, one.labels), one.values, one.mask)


def spoken(row: Tensor) -> tuple[int, ...]:
    """A row of word ids without its padding."""
    return tuple(int(word) for word in row if word != PAD)
