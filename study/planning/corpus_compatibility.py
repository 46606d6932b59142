"""Whether families and probes fit the corpus: its order of words, its labels, its vectors. Free of torch."""

from collections.abc import Iterable, Mapping
from typing import Any

from uncollapse.analysis.counted import counted
from uncollapse.models.configuration import constraints, resolve
from uncollapse.study.config.study_page import Study

LABELLED_PROBES = ("accuracy", "patterns")
ORDERED_PROBES = ("order",)


def errors(study: Study) -> list[str]:
    """Every family and probe that asks of the corpus what it does not have, one sentence a constraint."""
    bases = {family.name: resolve.resolve(family.base) for family in study.families}
    return [
        *_order_errors(study, bases),
        *_label_errors(study, bases),
        *_vector_errors(study, bases),
        *_turn_errors(study, bases),
    ]


def _order_errors(study: Study, bases: Mapping[str, Any]) -> list[str]:
    if study.corpus.get("format") != "counts":
        return []
    found = []
    if readers := [name for name, base in bases.items() if base["encoder"]["kind"] != "bag"]:
        found.append(
            f"corpus.format: counts keep no order of words and these families read sentences: {', '.join(readers)}; "
            "give a text corpus"
        )
    if asked := _asked(study, ORDERED_PROBES):
        found.append(f"evaluate.probes: {asked} ask about the order of words, and counts keep none; leave them out")
    return found


def _label_errors(study: Study, bases: Mapping[str, Any]) -> list[str]:
    if has_labels(study.corpus):
        return []
    found = []
    needing = [
        n for n, base in bases.items() if constraints.predicts(base) == "label" or base["inputs"].get("label_size")
    ]
    if needing:
        found.append(
            f"corpus: these families need the class of every sentence: {', '.join(needing)}; name `labels:` or `label:`"
        )
    if asked := _asked(study, LABELLED_PROBES):
        found.append(f"evaluate.probes: {asked} need the class of every sentence; name `labels:` or `label:`")
    return found


def has_labels(corpus: Mapping[str, Any]) -> bool:
    """Whether a `corpus:` section gives every sentence a class."""
    labelled = corpus.get("format") in ("labelled", "counts") or "labels" in corpus or "label" in corpus
    return labelled or "path" not in corpus


def _vector_errors(study: Study, bases: Mapping[str, Any]) -> list[str]:
    reading = [name for name, base in bases.items() if base["inputs"].get("vectors", "none") != "none"]
    if not reading or "vectors" in study.corpus:
        return []
    return [f"corpus.vectors: these families start from word vectors: {', '.join(reading)}; name their file"]


def _turn_errors(study: Study, bases: Mapping[str, Any]) -> list[str]:
    """A training that ends before the encoder's first turn leaves it as it was drawn."""
    turns = {n: base["updates"]["epochs"] for n, base in bases.items() if base["updates"]["kind"] == "alternating"}
    return [
        f"train.epochs: {name} moves decoder and encoder by turns of {counted(epochs, 'epoch')}, and a training of "
        f"{study.train.epochs} never reaches the encoder; train longer, or override updates.epochs"
        for name, epochs in turns.items()
        if study.train.epochs <= epochs
    ]


def _asked(study: Study, probes: Iterable[str]) -> str:
    return ", ".join(probe for probe in probes if probe in study.evaluate.probes)
