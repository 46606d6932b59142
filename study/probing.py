"""What is asked of a trained model beside its measures: `evaluate: {probes: [...]}`, and by hand after `train`."""

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch

from models.batch import Batch
from models.encoding import Codes, encode
from models.measures.patterns import by_off_probability, by_size
from models.probes.classifier import accuracy_of_draws
from models.sensitivity import shuffled_nll, swap_sensitivity
from models.text_vae import TextVAE
from study.batches import evaluation_batches
from study.corpora.corpus import Corpus, Split

DRAWS = 5  # of a code, as Prokhorov et al. 2021 classify
SENTENCES = 10_000  # that a probe is trained on, at most
BATCH = 64


@dataclass(frozen=True)
class Subject:
    """A trained model and what it is asked about.

    Args:
        model: the model.
        corpus: whose words and classes the splits use.
        train: split from which probes learn.
        asked: split on which they are judged.
        samples: K of `nll_iw`.
        seed: of draws and of probes.
    """

    model: TextVAE
    corpus: Corpus
    train: Split
    asked: Split
    samples: int
    seed: int

    def batches(self, split: Split, sentences: int | None = None) -> list[Batch]:
        device = next(self.model.parameters()).device
        return [batch.to(device) for batch in evaluation_batches(split, BATCH, sentences)]

    def codes(self, split: Split) -> Codes:
        return encode(self.model, self.batches(split, SENTENCES), DRAWS, self.seed).cpu()


@dataclass(frozen=True)
class Answers:
    """Measures by name, and small texts by file name."""

    measures: Mapping[str, float] = field(default_factory=dict)
    texts: Mapping[str, str] = field(default_factory=dict)


def ask(names: tuple[str, ...] | list[str], subject: Subject) -> Answers:
    """Run the probes called `names` and put their answers together.

    A model without a code answers those about codes with nothing: there is nothing to probe. A probe that fails says so
    in a text of its own and costs neither the others nor the training before it.
    """
    measures: dict[str, float] = {}
    texts: dict[str, str] = {}
    for name in names:
        try:
            answers = PROBES[name](subject)
        except Exception as error:  # whatever it is, a night's training is worth more
            answers = Answers(texts={f"failed_{name}.txt": traceback.format_exc(limit=-3) or repr(error)})
        measures |= answers.measures
        texts |= answers.texts
    return Answers(measures, texts)


def samples(subject: Subject) -> Answers:
    """Sentences: reconstructed, drawn from the prior, between two others."""
    from study import generation

    sheet = generation.sheet(subject.model, subject.corpus, subject.seed)
    return Answers(texts={"samples.txt": generation.text(sheet), "samples.json": json.dumps(sheet, indent=1)})


def accuracy(subject: Subject) -> Answers:
    """Class accuracy of a small head on frozen codes, five draws a sentence."""
    if not subject.model.latent.variables:
        return Answers()
    known, asked = subject.codes(subject.train), subject.codes(subject.asked)
    assert known.labels is not None, "study.fit refuses a corpus without labels"
    assert asked.labels is not None, "study.fit refuses a corpus without labels"
    classes = len(subject.corpus.classes)
    found = accuracy_of_draws(known.draws, known.labels, asked.draws, asked.labels, classes, subject.seed)
    return Answers({"class_accuracy": found.value, "class_majority": found.majority})


def patterns(subject: Subject) -> Answers:
    """Which components each class uses, and how far apart the classes are."""
    if not subject.model.latent.variables:
        return Answers()
    codes, classes = subject.codes(subject.asked), len(subject.corpus.classes)
    assert codes.labels is not None, "study.fit refuses a corpus without labels"
    if codes.off is not None:
        found = by_off_probability(codes.off, codes.labels, classes, subject.seed)
    else:
        found = by_size(codes.means, codes.labels, classes, subject.seed)
    table = {"classes": list(subject.corpus.classes), "on": torch.round(found.shares, decimals=4).tolist()}
    measures = {"class_separation": found.separation, "class_separation_chance": found.chance}
    return Answers(measures, {"patterns.json": json.dumps(table)})


def order(subject: Subject) -> Answers:
    """What is lost when the encoder reads the words out of order."""
    if not subject.model.latent.variables:
        return Answers()
    batches = subject.batches(subject.asked)
    shuffled = shuffled_nll(subject.model, batches, subject.samples, subject.seed)
    return Answers(shuffled | swap_sensitivity(subject.model, batches, subject.seed))


PROBES: Mapping[str, Callable[[Subject], Answers]] = {
    "samples": samples,
    "accuracy": accuracy,
    "patterns": patterns,
    "order": order,
}
