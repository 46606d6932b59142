"""What is asked of a trained model beside its measures: `evaluate: {probes: [...]}`, and by hand after `train`."""

import base64
import copy
import hashlib
import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.evaluation.encoding import Codes, encode, encode_tokens
from uncollapse.models.evaluation.word_order import shuffled_nll, swap_sensitivity
from uncollapse.models.measures.geometry import isotropy
from uncollapse.models.measures.patterns import by_off_probability, by_size
from uncollapse.models.measures.words import class_kl
from uncollapse.models.probes import vectors
from uncollapse.models.probes.bag import code_and_bag
from uncollapse.models.probes.classifier import Labelled, always, classify
from uncollapse.models.probes.heads import three_layers
from uncollapse.models.text_vae import TextVAE
from uncollapse.study.corpora.corpus import Corpus, Split
from uncollapse.study.disk_faults import disk_error
from uncollapse.study.training.batches import evaluation_batches

DRAWS = 5  # of a code, as Prokhorov et al. 2021 classify
SENTENCES = 10_000  # that a probe is trained on, at most
FEW = 256  # sentences whose codes are kept
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

    def bags(self, split: Split) -> Tensor:
        """Mean embedding of the words of each sentence, EOS left out: (N, E)."""
        with torch.no_grad():
            return torch.cat([vectors.words(self.model, batch) for batch in self.batches(split, SENTENCES)]).cpu()

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
            if disk_error(error) is not None:
                raise  # nothing that the probe did: the run is tried again
            answers = Answers(texts={f"failed_{name}.txt": traceback.format_exc(limit=-3) or repr(error)})
        measures |= answers.measures
        texts |= answers.texts
    return Answers(measures, texts)


def samples(subject: Subject) -> Answers:
    """Sentences: reconstructed, drawn from the prior, between two others."""
    from uncollapse.study.training.samples import sheet, text

    written = sheet(subject.model, subject.corpus, subject.seed)
    return Answers(texts={"samples.txt": text(written), "samples.json": json.dumps(written, indent=1)})


def accuracy(subject: Subject) -> Answers:
    """Class accuracy of small heads on frozen codes: on five draws a sentence, and on [mu, sigma^2]."""
    if not subject.model.latent.variables:
        return Answers()
    known, asked, classes = subject.codes(subject.train), subject.codes(subject.asked), len(subject.corpus.classes)
    drawn = classify(_drawn(subject, known), _drawn(subject, asked), classes, subject.seed)
    low, high = drawn.interval
    found = {"class_accuracy": drawn.value, "class_accuracy_low": low, "class_accuracy_high": high}
    found["class_majority"] = drawn.majority
    if known.variances is not None and asked.variances is not None:
        whole = classify(_posterior(known), _posterior(asked), classes, subject.seed, three_layers)
        found["class_accuracy_posterior"] = whole.value
    return Answers(found)


def _drawn(subject: Subject, codes: Codes) -> Labelled:
    """Fresh draws whenever a sentence is asked for; where every token has a code, the same means of five draws."""
    assert codes.labels is not None, "uncollapse.study.planning.corpus_compatibility refuses a corpus without labels"
    if subject.model.pool.at == "tokens":
        return Labelled(always(codes.draws), codes.labels)
    latent = copy.deepcopy(subject.model.latent).cpu().eval()

    def draw(rows: Tensor, generator: torch.Generator) -> Tensor:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
            h = codes.features[rows].expand(DRAWS, -1, -1)
            return latent.code({name: variable.value for name, variable in latent(h).items()}, h)

    return Labelled(draw, codes.labels)


def _posterior(codes: Codes) -> Labelled:
    assert codes.variances is not None
    assert codes.labels is not None, "uncollapse.study.planning.corpus_compatibility refuses a corpus without labels"
    return Labelled(always(torch.cat([codes.means, codes.variances], -1).unsqueeze(0)), codes.labels)


def patterns(subject: Subject) -> Answers:
    """Which components each class uses, and how far apart the classes are."""
    if not subject.model.latent.variables:
        return Answers()
    codes, classes = subject.codes(subject.asked), len(subject.corpus.classes)
    assert codes.labels is not None, "uncollapse.study.planning.corpus_compatibility refuses a corpus without labels"
    if codes.off is not None:
        found = by_off_probability(codes.off, codes.labels, classes, subject.seed)
    else:
        found = by_size(codes.means, codes.labels, classes, subject.seed)
    table = {
        "classes": list(subject.corpus.classes),
        "on": torch.round(found.shares, decimals=4).tolist(),
        "class_kl": _words_apart(subject),
    }
    measures = {"class_separation": found.separation, "class_separation_chance": found.chance}
    return Answers(measures, {"patterns.json": json.dumps(table)})


def _words_apart(subject: Subject) -> float | None:
    """Mean KL between the classes' words in the training split, in nats; None where a class has none there."""
    split = subject.train
    assert split.labels is not None, "uncollapse.study.planning.corpus_compatibility refuses a corpus without labels"
    try:
        return class_kl(split.tokens, split.offsets, split.labels, len(subject.corpus.classes))
    except ValueError:
        return None


def codes(subject: Subject) -> Answers:
    """Posterior means of the same few sentences in every trial, so that the dimensions of two seeds can be matched."""
    if not subject.model.latent.variables:
        return Answers()
    batches = subject.batches(subject.asked, FEW)
    found = encode(subject.model, batches, 1, subject.seed).cpu()
    words = hashlib.sha256(b"".join(batch.tokens.cpu().numpy().tobytes() for batch in batches))
    kept = {
        "sentences": len(found.means),
        "size": found.means.shape[1],
        "sentences_digest": words.hexdigest()[:12],
        "means": _packed(found.means),
        "off": None if found.off is None else _packed(found.off),
    }
    return Answers(texts={"codes.json": json.dumps(kept)})


def _packed(values: Tensor) -> str:
    """A matrix as base64 of little-endian halves, row by row: three digits are enough to correlate."""
    most = np.finfo(np.float16).max
    halves = values.numpy().clip(-most, most).astype("<f2")
    return base64.b64encode(halves.tobytes()).decode("ascii")


def order(subject: Subject) -> Answers:
    """What is lost when the encoder reads the words out of order."""
    if not subject.model.latent.variables:
        return Answers()
    batches = subject.batches(subject.asked)
    shuffled = shuffled_nll(subject.model, batches, subject.samples, subject.seed)
    return Answers(shuffled | swap_sensitivity(subject.model, batches, subject.seed))


def words(subject: Subject) -> Answers:
    """How well the code and the mean embedding of the words are told from each other, beside shuffled controls."""
    if not subject.model.latent.variables:
        return Answers()
    known, asked = (subject.codes(split).means for split in (subject.train, subject.asked))
    bags = [subject.bags(split) for split in (subject.train, subject.asked)]
    both = code_and_bag(known, bags[0], asked, bags[1], subject.seed)
    found = {"code_to_words": both.code_to_bag, "words_to_code": both.bag_to_code}
    cosines = {name: one.cosine for name, one in found.items()}
    return Answers(cosines | {f"{name}_control": one.control for name, one in found.items()})


def geometry(subject: Subject) -> Answers:
    """How alike the vectors of words are, across sentences and within (of the encoder, where tokens have no code)."""
    if not subject.model.latent.variables:
        return Answers()
    tokens = encode_tokens(subject.model, subject.batches(subject.asked, SENTENCES))
    found = isotropy(tokens.vectors.cpu(), tokens.sentences.cpu(), tokens.types.cpu())
    return Answers(
        {
            "random_pair_cosine": found.random_pairs,
            "self_similarity": found.self_similarity,
            "intra_sentence_similarity": found.intra_sentence,
        }
    )


PROBES: Mapping[str, Callable[[Subject], Answers]] = {
    "samples": samples,
    "codes": codes,
    "accuracy": accuracy,
    "patterns": patterns,
    "order": order,
    "words": words,
    "isotropy": geometry,
}
