"""Small models of every family on a tiny made corpus: what the conformance tests stand on."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from uncollapse.models.batch import Batch
from uncollapse.models.configuration import constraints
from uncollapse.models.conformance.small import (
    CLASSES,
    CORPUS_INFO,
    SMALL,
    VOCABULARY,
    WORDS,
    batch,
    lengthened,
    padded,
)
from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.models.text_vae import TextVAE
from uncollapse.study.config import families
from uncollapse.study.config.families import Family, merge
from uncollapse.study.corpora.corpus import Split
from uncollapse.study.training.training import Effort, Task, Training

SHARED = (Batch, VOCABULARY, batch, lengthened, padded)  # that tests take from here, with what stands on them
EFFORT = Effort(subset_sentences=20, subset_samples=3, full_samples=4)
# Pages whose weights come from elsewhere; tests/models/encoders/test_bert.py builds them on weights made there.
NEED_WEIGHTS = ("b_hsvae", "b_vae", "bert_classifier", "minibert")
EVERY = [name for name in families.names() if name not in NEED_WEIGHTS]
WITH_LATENT = [name for name in EVERY if constraints.variables(families.load(name).configure({}))]
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
