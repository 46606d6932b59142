"""Small models of every family on a tiny made corpus: what the conformance tests stand on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from uncollapse.models.batch import EOS, PAD, Batch
from uncollapse.models.configuration import constraints
from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.models.text_vae import TextVAE
from uncollapse.study.config import families
from uncollapse.study.config.families import Family, merge
from uncollapse.study.corpora.corpus import Split
from uncollapse.study.training.training import Effort, Task, Training

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
EFFORT = Effort(subset_sentences=20, subset_samples=3, full_samples=4)
# Pages whose weights come from elsewhere; tests/models/encoders/test_bert.py builds them on weights made there.
NEED_WEIGHTS = ("b_hsvae", "b_vae", "bert_classifier", "minibert")
EVERY = [name for name in families.names() if name not in NEED_WEIGHTS]
WITH_LATENT = [name for name in EVERY if constraints.variables(families.load(name).configure({}))]
# Parameters whose gradients come from a rule's own loss and not from the model's, by page.
IDLE: Mapping[str, tuple[str, ...]] = {"ivae": ("latent.critic",), "ivae_mi": ("latent.critic",)}
PAGE = """
title: A page
paper: none
base:
  encoder: {kind: recurrent, hidden: 8}
  pool: {kind: last}
  latent: {kind: gaussian, size: 4}
  decoder: {kind: recurrent, hidden: 8}
  objective: {kl.z: {kind: constant, value: 1.0}}
"""


def split(sentences: int = 50, seed: int = 0, longest: int = 8) -> Split:
    """Random sentences of 3 to `longest` words, of which the first two are frequent ones."""
    random = np.random.default_rng(seed)
    lengths = random.integers(3, longest + 1, sentences)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = random.integers(WORDS.start, WORDS.stop, offsets[-1]).astype(np.int32)
    for start in offsets[:-1]:
        tokens[start : start + 2] = random.integers(WORDS.start, WORDS.start + 5)
    return Split(tokens, offsets, (np.arange(sentences) % CLASSES).astype(np.int16))


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


def family(name: str) -> Family:
    """A page at a small size."""
    return families.load(name).override(SMALL)


def configuration(name: str, **changes: Any) -> dict[str, Any]:
    return family(name).configure(changes)


def changed(base: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """A resolved configuration with other settings in some slots."""
    return merge(base, changes)


def model(name: str, seed: int = 0, corpus_info: CorpusInfo = CORPUS_INFO, **changes: Any) -> TextVAE:
    torch.manual_seed(seed)
    return TextVAE(configuration(name, **changes), corpus_info)


def training(name: str, seed: int = 1, epochs: int = 2, **changes: Any) -> Training:
    task = Task(configuration(name, **changes), CORPUS_INFO, seed, epochs, batch_size=16, effort=EFFORT)
    return Training(task, split(50, seed=1), split(30, seed=2), torch.device("cpu"))


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
