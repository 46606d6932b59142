"""What a trained model says, as plain data and as text: a small sheet for every replicate, and the parts of `generate`.

Everything is drawn from one seed, and the test split is never read.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from uncollapse.models.batch import EOS, Batch
from uncollapse.models.evaluation.encoding import measuring
from uncollapse.models.generation import tasks
from uncollapse.models.generation.abilities import CannotGenerate, hears_labels
from uncollapse.models.generation.decoding import CUT, Decoding
from uncollapse.models.generation.posterior import on_sphere
from uncollapse.models.text_vae import TextVAE
from uncollapse.study.corpora.corpus import Corpus, Split
from uncollapse.study.errors import UserError
from uncollapse.study.training.batches import batch_of

Section = dict[str, Any]
GREEDY = Decoding()


@dataclass(frozen=True)
class Speaker:
    """A model with its words; every section is ready for JSON, or raises `CannotGenerate` with the reason.

    Args:
        model: on any device; its mode is restored.
        corpus: its corpus.
        seed: of everything that is drawn.
        decoding: how sentences are said of codes.
        split: `train` or `valid`, where sentences are taken from.
    """

    model: TextVAE
    corpus: Corpus
    seed: int
    decoding: Decoding
    split: str = "valid"

    def __post_init__(self) -> None:
        assert self.split != "test", "the test split is read by `train` alone"

    def chosen(self, count: int) -> Batch:
        """`count` sentences of the split at random, among those that need not be cut off where there are enough."""
        split = self.corpus.split(self.split)
        short = np.flatnonzero(split.lengths <= self.decoding.longest)
        rows = short if len(short) >= count else np.arange(len(split))
        picked = np.random.default_rng(self.seed).permutation(rows)[:count]
        return batch_of(split, picked).to(self._device)

    def encoded(self, sentences: Sequence[str], label: int | None = None) -> Batch:
        """Sentences of a user, of one class, as the corpus was prepared; those without a word are a `UserError`."""
        ids = [self.corpus.encode(sentence).ids for sentence in sentences]
        if empty := [sentence for sentence, words in zip(sentences, ids, strict=True) if not len(words)]:
            raise UserError(f"a sentence has at least one word, and {empty[0]!r} has none once it is cleaned")
        offsets = np.cumsum([0, *map(len, ids)], dtype=np.int64)
        labels = None if label is None else np.full(len(ids), label, np.int16)
        split = Split(np.concatenate(ids), offsets, labels)
        return batch_of(split, np.arange(len(split))).to(self._device)

    def unknown(self, sentences: Iterable[str]) -> list[str]:
        """Words of a user that the corpus does not know, in alphabetical order; the model reads each as <unk>."""
        return sorted({word for sentence in sentences for word in self.corpus.encode(sentence).unknown})

    def reconstructions(self, batch: Batch, draws: int) -> Section:
        """What is said of each sentence's mean code, and of draws from its posterior where it has one."""
        means = self._words(tasks.reconstruct(self.model, batch, self.decoding, self.seed))
        said: Iterable[list[str]] = ([] for _ in means)
        if draws and self.model.latent.variables:
            said = map(self._words, tasks.vary_sentence(self.model, batch, draws, self.decoding, self.seed))
        rows = zip(self._sources(batch), means, said, strict=True)
        return {"how": self._how, "sentences": [{**one, "mean": mean, "draws": drawn} for one, mean, drawn in rows]}

    def prior(self, count: int, label: int | None = None) -> Section:
        """Sentences from the prior; of one class, or of all in turn, where the decoder is told them.

        A language model has no code to draw, and one greedy sentence: where greedy search is asked for, its words are
        drawn instead.
        """
        decoding = self.decoding
        if decoding.kind == "greedy" and not self.model.latent.variables:
            decoding = replace(decoding, kind="sample", seed=self.seed)
        lengths, labels = self._lengths(count), self._labels(count, label)
        said = self._words(tasks.from_prior(self.model, count, decoding, self.seed, lengths, labels))
        borrowed = "" if lengths is None else f"; each from as many codes as a {self.split} sentence has tokens"
        rows = zip(said, self._classes(labels, count), strict=True)
        how = decoding.told(self.model) + borrowed
        return {"how": how, "sentences": [{"sentence": one, **told} for one, told in rows]}

    def interpolation(self, batch: Batch, steps: int) -> Section:
        """Sentences on the way between the mean codes of the two of a batch, both included."""
        said = self._words(tasks.interpolate(self.model, batch, steps, self.decoding, self.seed))
        start, end = self._sources(batch)
        return {"how": f"{self._way}; {self._how}", "from": start, "to": end, "sentences": said}

    def variation(self, batch: Batch, draws: int, position: int | None = None) -> Section:
        """Draws from the posterior of one sentence, or of its token `position` with the others at their mean."""
        if position is None:
            said, token = tasks.vary_sentence(self.model, batch, draws, self.decoding, self.seed)[0], {}
        else:
            said = tasks.vary_token(self.model, batch, position, draws, self.decoding, self.seed)
            token = {"token": position + 1, "word": self.corpus.vocabulary[int(batch.tokens[0, position])]}
        mean = self._words(tasks.reconstruct(self.model, batch, self.decoding, self.seed))[0]
        return {"how": self._how, **self._sources(batch)[0], **token, "mean": mean, "draws": self._words(said)}

    def hears_labels(self) -> bool:
        """Whether the model is told the class of a sentence."""
        with measuring(self.model, self.seed):
            return hears_labels(self.model, len(self.corpus.classes))

    @property
    def _device(self) -> torch.device:
        return self.model.output.logits.weight.device

    @property
    def _how(self) -> str:
        return self.decoding.told(self.model)

    @property
    def _way(self) -> str:
        with measuring(self.model, self.seed):
            way = "on the shortest arc between the mean directions"
            way = way if on_sphere(self.model) else "on a straight line between the posterior means"
        if self.model.pool.at == "tokens":
            return f"{way}, token by token, EOS with EOS, and beyond the shorter sentence the longer one's own tokens"
        return way

    def _words(self, said: Tensor) -> list[str]:
        """Sentences of word ids (N, T), with a mark where one was cut off."""
        ends = self.model.decoder.predicts == "words"
        marks = [f" {CUT}" if ends and not bool((row == EOS).any()) else "" for row in said]
        return [self.corpus.sentence(row.tolist()) + mark for row, mark in zip(said, marks, strict=True)]

    def _sources(self, batch: Batch) -> list[Section]:
        """Sentences as they are, with their classes where the model is told them."""
        labels = batch.labels if self.hears_labels() else None
        words = [self.corpus.sentence(row.tolist()) for row in batch.tokens]
        told = self._classes(labels, len(words))
        return [{"sentence": sentence, **one} for sentence, one in zip(words, told, strict=True)]

    def _classes(self, labels: Tensor | None, count: int) -> list[Section]:
        return [{}] * count if labels is None else [{"label": self.corpus.classes[int(label)]} for label in labels]

    def _labels(self, count: int, label: int | None) -> Tensor | None:
        if not self.hears_labels():
            return None
        in_turn = torch.arange(count, device=self._device) % len(self.corpus.classes)
        return in_turn if label is None else torch.full_like(in_turn, label)

    def _lengths(self, count: int) -> Tensor | None:
        """(N,) words and EOS of sentences at random, which no prior over tokens' codes tells."""
        if self.model.pool.at != "tokens":
            return None
        drawn = np.random.default_rng(self.seed).choice(self.corpus.split(self.split).lengths, count)
        return torch.from_numpy(drawn + 1).to(self._device)


def sheet(
    model: TextVAE, corpus: Corpus, seed: int, decoding: Decoding = GREEDY, split: str = "valid", count: int = 4
) -> dict[str, Any]:
    """A small sample of everything that a model can say, the same for the same seed, with what it cannot and why.

    Args:
        model, corpus, seed, decoding, split: as for `Speaker`.
        count: sentences reconstructed, and drawn from the prior.
    """
    speaker = Speaker(model, corpus, seed, decoding, split)
    batch = speaker.chosen(max(2, count))
    one, middle = first(batch, 1), (int(batch.lengths[0]) - 1) // 2
    sections: dict[str, Callable[[], Section]] = {
        "reconstructions": lambda: speaker.reconstructions(first(batch, count), draws=2),
        "variation": lambda: speaker.variation(one, draws=4, position=middle),
        "interpolation": lambda: speaker.interpolation(first(batch, 2), steps=5),
        "prior": lambda: speaker.prior(count),
    }
    found: dict[str, Any] = {"seed": seed, "split": split, "cannot": []}
    for name, section in sections.items():
        try:
            found[name] = section()
        except CannotGenerate as error:
            found["cannot"].append(str(error))
    return found


def first(batch: Batch, count: int) -> Batch:
    """The first sentences of a batch, without the padding that only the others need."""
    longest = int(batch.lengths[:count].max())
    labels = None if batch.labels is None else batch.labels[:count]
    return Batch(batch.tokens[:count, :longest], batch.lengths[:count], labels)


def text(found: Mapping[str, Any]) -> str:
    """Sections, of `sheet` or of the command `generate`, for people."""
    blocks = [write(found[name]) for name, write in WRITERS.items() if name in found]
    if found.get("unknown"):
        blocks.append([f"unknown words, read as <unk>: {', '.join(found['unknown'])}"])
    if found.get("cannot"):
        blocks.append(["not possible", *(f"  {why}" for why in found["cannot"])])
    return "\n\n".join("\n".join(lines) for lines in blocks)


def _reconstructions(section: Section) -> list[str]:
    lines = [f"reconstructions  ({section['how']})"]
    for row in section["sentences"]:
        lines += [f"  {_labelled(row)}", *_said(row)]
    return lines


def _variation(section: Section) -> list[str]:
    token = f" of token {section['token']}, {section['word']!r}, alone" if "token" in section else ""
    return [f"variation{token}  ({section['how']})", f"  {_labelled(section)}", *_said(section)]


def _interpolation(section: Section) -> list[str]:
    between = [f"    step  {sentence}" for sentence in section["sentences"]]
    ends = (f"  {_labelled(section[end])}" for end in ("from", "to"))
    return [f"interpolation  ({section['how']})", next(ends), *between, next(ends)]


def _prior(section: Section) -> list[str]:
    return [f"prior samples  ({section['how']})", *(f"  {_labelled(row)}" for row in section["sentences"])]


def _said(row: Section) -> list[str]:
    return [f"    mean  {row['mean']}", *(f"    draw  {sentence}" for sentence in row["draws"])]


def _labelled(row: Section) -> str:
    return f"[{row['label']}] {row['sentence']}" if "label" in row else str(row["sentence"])


WRITERS: Mapping[str, Callable[[Section], list[str]]] = {
    "reconstructions": _reconstructions,
    "variation": _variation,
    "interpolation": _interpolation,
    "prior": _prior,
}
