"""A trained model in one folder with all that text needs on its way in: weights, configuration, vocabulary."""

import json
import shutil
from pathlib import Path

from uncollapse.models.configuration import resolve
from uncollapse.models.evaluation.encoding import measuring
from uncollapse.models.probes.vectors import VECTORS, usual
from uncollapse.study.corpora.cache import INDEX, corpus_of
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.results.saved_model import CONFIGURATION, WEIGHTS, Trained, build
from uncollapse.study.storage import exported_config
from uncollapse.study.transfer.dataset import split_of
from uncollapse.study.transfer.sentence_vectors import vectors_of


def pack(folder: Path, corpus: Corpus, place: Path) -> Path:
    """Put what a final training left in `folder` into a new `place`, with the corpus's words but not its texts."""
    place.mkdir(parents=True)
    for name in (WEIGHTS, CONFIGURATION):
        shutil.copyfile(folder / name, place / name)
    shutil.copyfile(corpus.folder / INDEX, place / INDEX)
    return place


def unpack(place: Path) -> Trained:
    """The model that `pack` put into a folder; nothing in it is run as code.

    Raises:
        UserError: weights or configuration cannot be read, or do not fit each other.
    """
    content = exported_config.read(place / CONFIGURATION, edited=True)
    body = json.loads((place / INDEX).read_text(encoding="utf-8"))
    corpus = corpus_of(place, body)
    configuration = resolve.resolve(content["model"])
    configuration["inputs"] = {**configuration["inputs"], "vectors": "none"}  # the weights hold them
    return Trained(build(configuration, corpus, place), corpus, content)


def encode(trained: Trained, texts: list[str], kind: str | None = None) -> list[list[float]]:
    """A vector of each text: the sentence's posterior mean, or the mean over tokens where every token has a code.

    Args:
        trained: from `unpack`.
        texts: sentences, cleaned and split here as the corpus was.
        kind: another of `models.probes.vectors.VECTORS` that the model has.

    ValueError for a kind that it does not have.
    """
    there = usual(trained.model)
    kind = kind or ("mean" if "mean" in there else there[0])
    if kind not in VECTORS:
        raise ValueError(f"vectors: one of {', '.join(VECTORS)} is expected, found {kind!r}")
    split = split_of([one.ids for one in trained.corpus.encode_all(texts)])
    with measuring(trained.model, 0):
        return vectors_of(trained.model, split, VECTORS[kind]).tolist()
