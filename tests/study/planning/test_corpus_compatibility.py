"""Families and probes that ask of a corpus what it does not have are refused before anything starts."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.models import PAGE, write
from uncollapse.study.config import study_page
from uncollapse.study.planning import corpus_compatibility

LINES = {"path": "train.txt", "format": "lines"}
COUNTS = {"path": "train.feat", "format": "counts"}
LABELLED = {"path": "train.txt", "format": "labelled", "labels": "labels.txt"}
CAFES = {"name": "cafes"}
CLASSIFIER = PAGE.replace("{kind: gaussian, size: 4}", "{kind: features}").replace(
    "decoder: {kind: recurrent, hidden: 8}", "decoder: {kind: classifier}"
)
CLASSIFIER = CLASSIFIER.replace("  objective: {kl.z: {kind: constant, value: 1.0}}\n", "")
BAGS = PAGE.replace("{kind: recurrent, hidden: 8}", "{kind: bag, hidden: 8}")
STARTED = PAGE.replace("base:\n", "base:\n  inputs: {size: 8, vectors: start}\n")


def errors(folder: Path, corpus: dict[str, Any], page: str = PAGE, probes: tuple[str, ...] = ()) -> list[str]:
    write(folder / "mine.yaml", page)
    settings = {"study": "x", "corpus": corpus, "families": ["mine.yaml"], "evaluate": {"probes": list(probes)}}
    return corpus_compatibility.errors(study_page.parse(settings, folder, "x.yaml"))


@pytest.mark.parametrize("corpus", [LINES, LABELLED, CAFES])
def test_sentences_suit_a_model_of_sentences(tmp_path: Path, corpus: dict[str, Any]) -> None:
    assert errors(tmp_path, corpus, probes=("samples", "order")) == []


def test_counts_suit_a_model_of_bags_alone(tmp_path: Path) -> None:
    assert errors(tmp_path, COUNTS, BAGS) == []
    (found,) = errors(tmp_path, COUNTS)
    assert found.startswith("corpus.format: counts keep no order of words and these families read sentences: mine;")
    (found,) = errors(tmp_path, COUNTS, BAGS, ("order",))
    assert found.startswith("evaluate.probes: order ask about the order of words")


def test_classes_are_needed_where_they_are_predicted_or_probed(tmp_path: Path) -> None:
    for corpus in (LABELLED, CAFES, {**LINES, "label": "stars"}):
        assert errors(tmp_path, corpus, CLASSIFIER, ("accuracy",)) == []
    first, second = errors(tmp_path, LINES, CLASSIFIER, ("accuracy", "patterns"))
    assert first.startswith("corpus: these families need the class of every sentence: mine;")
    assert second.startswith("evaluate.probes: accuracy, patterns need the class of every sentence;")


def test_word_vectors_are_needed_where_they_are_read(tmp_path: Path) -> None:
    assert errors(tmp_path, {**LINES, "vectors": "words.txt"}, STARTED) == []
    (found,) = errors(tmp_path, LINES, STARTED)
    assert found.startswith("corpus.vectors: these families start from word vectors: mine;")


@pytest.mark.parametrize(("epochs", "sentences"), [(5, 1), (6, 0)])
def test_a_training_too_short_for_the_encoders_turn_is_refused(tmp_path: Path, epochs: int, sentences: int) -> None:
    write(tmp_path / "mine.yaml", PAGE + "  inputs: {shared: false}\n  updates: {kind: alternating, epochs: 5}\n")
    settings = {"study": "x", "corpus": CAFES, "families": ["mine.yaml"], "train": {"epochs": epochs}}
    found = corpus_compatibility.errors(study_page.parse(settings, tmp_path, "x.yaml"))
    assert len(found) == sentences
    assert all(one.startswith("train.epochs: mine moves decoder and encoder by turns of 5 epochs") for one in found)
