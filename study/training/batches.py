"""From a corpus's arrays to batches. Shapes: N sentences, B of a batch, T steps."""

from collections.abc import Iterator

import numpy as np
import torch

from uncollapse.models.batch import EOS, PAD, Batch
from uncollapse.study.corpora.corpus import Split

BUCKET_BATCHES = 50  # batches sorted by length together; padding falls below 5 % and order stays random


def batch_of(split: Split, rows: np.ndarray) -> Batch:
    """The sentences `rows` (B,) of a split as a batch."""
    starts, ends = split.offsets[rows], split.offsets[rows + 1]
    words = ends - starts
    place = np.arange(int(words.max()) + 1)
    inside = place < words[:, None]
    tokens = np.full(inside.shape, PAD, dtype=np.int64)
    tokens[inside] = split.tokens[(starts[:, None] + place)[inside]]
    tokens[np.arange(len(rows)), words] = EOS
    labels = None if split.labels is None else torch.from_numpy(split.labels[rows].astype(np.int64))
    return Batch(torch.from_numpy(tokens), torch.from_numpy(words + 1), labels)


def training_batches(split: Split, size: int, generator: np.random.Generator) -> Iterator[Batch]:
    """Every sentence once, in random order, batches of similar lengths."""
    order = generator.permutation(len(split))
    chunks = []
    for start in range(0, len(order), size * BUCKET_BATCHES):
        bucket = order[start : start + size * BUCKET_BATCHES]
        bucket = bucket[np.argsort(split.lengths[bucket], kind="stable")]
        chunks += [bucket[at : at + size] for at in range(0, len(bucket), size)]
    for index in generator.permutation(len(chunks)):
        yield batch_of(split, chunks[index])


def updates_per_epoch(sentences: int, size: int) -> int:
    """Number of batches that `training_batches` yields."""
    full, rest = divmod(sentences, size * BUCKET_BATCHES)
    return full * BUCKET_BATCHES + -(-rest // size)


def evaluation_batches(split: Split, size: int, sentences: int | None = None) -> list[Batch]:
    """A fixed subset of `sentences`, or the whole split, in a fixed random order (so that neighbours are strangers)."""
    order = np.random.default_rng(0).permutation(len(split))[:sentences]
    return [batch_of(split, rows) for rows in np.array_split(order, -(-len(order) // size))]  # none is left alone
