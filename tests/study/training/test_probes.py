"""What is asked of a trained model beside its measures."""

import base64
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support import models
from uncollapse.models.evaluation.encoding import encode
from uncollapse.models.text_vae import TextVAE
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.training import probes
from uncollapse.study.training.corpus_info import corpus_info_of
from uncollapse.study.training.probes import Subject, ask

CODES = {"class_accuracy", "class_majority", "class_separation", "class_separation_chance"}


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    settings = {"name": "cafes", "sentences": 300, "signal": "strong"}
    return prepare(settings, tmp_path_factory.mktemp("corpora"), Path())


def subject(corpus: Corpus, name: str) -> Subject:
    torch.manual_seed(0)
    model = TextVAE(models.configuration(name), corpus_info_of(corpus))
    return Subject(model, corpus, corpus.split("train"), corpus.split("valid"), samples=4, seed=1)


@pytest.mark.parametrize("name", ["seqvae", "hsvae", "vat"])
def test_every_probe_answers_under_the_name_it_is_recorded_by(corpus: Corpus, name: str) -> None:
    from uncollapse.analysis.schema import MEASURES

    answers = ask(list(probes.PROBES), subject(corpus, name))
    assert set(answers.measures) <= set(MEASURES)
    assert set(answers.measures) >= CODES | {"shuffle_cost", "swap_cosine_30"}
    assert {"samples.txt", "samples.json", "patterns.json"} <= set(answers.texts)
    assert not [text for text in answers.texts if text.startswith("failed_")]
    table = json.loads(answers.texts["patterns.json"])
    assert np.array(table["on"]).shape == (len(corpus.classes), 6)
    assert table["class_kl"] > 0


def test_codes_are_those_of_the_same_sentences_in_every_trial(corpus: Corpus) -> None:
    kept = {}
    for name in ("seqvae", "hsvae", "vat"):
        kept[name] = json.loads(ask(["codes"], subject(corpus, name)).texts["codes.json"])
        assert kept[name]["size"] == 6
        means = unpacked(kept[name]["means"]).reshape(kept[name]["sentences"], 6)
        one = subject(corpus, name)
        expected = encode(one.model, one.batches(one.asked, probes.FEW), 1, 0).means
        np.testing.assert_allclose(means, expected.numpy(), atol=1e-3, rtol=1e-3)
    assert len({one["sentences_digest"] for one in kept.values()}) == 1
    assert kept["seqvae"]["off"] is None
    assert (unpacked(kept["hsvae"]["off"]) <= 1).all()


def unpacked(text: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), "<f2").astype(np.float64)


def test_a_model_without_a_code_has_nothing_to_probe(corpus: Corpus) -> None:
    answers = ask(["accuracy", "patterns", "order"], subject(corpus, "lstm_lm"))
    assert answers == probes.Answers({}, {})


def test_answers_depend_on_the_seed_alone(corpus: Corpus) -> None:
    one = subject(corpus, "seqvae")
    first = ask(["accuracy", "order"], one).measures
    torch.randn(10)
    assert ask(["accuracy", "order"], one).measures == first


def test_a_probe_that_fails_says_so_and_costs_nothing_else(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(asked: Subject) -> probes.Answers:
        raise RuntimeError("no way")

    monkeypatch.setitem(probes.PROBES, "patterns", broken)  # type: ignore[arg-type]
    answers = ask(["patterns", "accuracy"], subject(corpus, "seqvae"))
    assert "no way" in answers.texts["failed_patterns.txt"]
    assert {"class_accuracy", "class_majority"} <= set(answers.measures)


def test_a_class_that_the_code_holds_is_told_and_one_that_it_does_not_is_not(corpus: Corpus) -> None:
    from uncollapse.models.probes.classifier import Labelled, always, classify

    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 3, (600,), generator=generator)
    noise = torch.randn(5, 600, 4, generator=generator)
    holds = noise * 0.1
    holds[:, torch.arange(600), labels] += 1.0
    told, guessed = (
        classify(
            Labelled(always(codes[:, :400]), labels[:400]), Labelled(always(codes[:, 400:]), labels[400:]), 3, seed=0
        )
        for codes in (holds, noise)
    )
    assert told.value > 0.98
    assert abs(guessed.value - 1 / 3) < 4 * (1 / 3 * 2 / 3 / 200) ** 0.5 + 0.05
