"""Whatever a user hands over is refused with sentences or read, and nothing is left half-written.

Made up by Hypothesis from a fixed seed: study pages, pages of families, corpora and exported files. `pytest -s` prints
how many of each were refused and how many accepted.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from tests.end_to_end.arbitrary_corpora import FORMS, corpora
from tests.support import models
from tests.support.arbitrary_pages import Answer, ask, documents, listing
from uncollapse.study.corpora.cache import intact
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.errors import CONTROL, LONGEST, UserError

STUDY: dict[str, Any] = {
    "study": "mine",
    "corpus": {"name": "cafes", "sentences": 60, "splits": {"valid": 0.2}},
    "families": ["seqvae", "own.yaml"],
    "search": {"trials": 3, "sampler": "random", "select": "valid/nll_iw", "audit": 0.1},
    "replicate": {"configurations": 1, "seeds": 3},
    "train": {"epochs": 2, "batch_size": 16},
    "evaluate": {"full_samples": 4, "probes": ["samples"]},
    "override": {"encoder": {"hidden": 8}, "latent": {"size": 4}},
    "resources": {"cpus": 1, "gpus": 0},
    "export": {"collapse_limit": 0.5},
    "seed": 1,
}
FAMILY: dict[str, Any] = {
    "title": "A page",
    "paper": "none",
    "base": {**yaml.safe_load(models.PAGE)["base"], "optimizer": {"kind": "adam"}},
    "search": {
        "latent": {"size": {"int": [2, 8], "log": True}},
        "encoder": {"hidden": {"choice": [8, 16]}},
        "objective": {"kl.z": {"space": "annealing", "value": {"float": [0.1, 1.0]}}},
        "optimizer": {"lr": {"float": [1e-4, 1e-2], "log": True}},
    },
}
EXPORTED: dict[str, Any] = {
    "format": 1,
    "family": "seqvae",
    "model": models.configuration("seqvae"),
    "corpus": {"name": "cafes", "sentences": 60},
    "corpus_folder": ".",
    "corpus_digest": "0123456789abcdef",  # of no corpus, so that a file in which all is well is refused for that alone
    "train": {"epochs": 1, "batch_size": 32},
    "evaluate": {"subset_sentences": 20, "subset_samples": 2, "full_samples": 2},
    "seed": 0,
    "threads": 1,
    "tracking": "sqlite:////nowhere/mlflow.db",
    "from": {"study": "made", "configuration": "01234567", "code": "0123456789ab"},
    "checksum": "0123456789ab",
}
CONFIRMED_ON = "the configuration was confirmed on corpus"
COUNTS: Counter[str] = Counter()


def many(examples: int) -> Any:
    """So many examples, the same ones every time."""
    checks = (HealthCheck.too_slow, HealthCheck.function_scoped_fixture)
    return settings(max_examples=examples, derandomize=True, deadline=None, database=None, suppress_health_check=checks)


@pytest.fixture(scope="module", autouse=True)
def _counts() -> Iterator[None]:
    yield
    print("\n" + "\n".join(f"{count:5} {kind}" for kind, count in sorted(COUNTS.items())))


@contextmanager
def a_place() -> Iterator[Path]:
    """A folder of its own for every example."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def judged(kind: str, answer: Answer) -> bool:
    """Whether the command accepted what it was given; a refusal is one printable sentence an error."""
    accepted = answer.code == 0
    assert accepted or answer.code == 2, answer
    if not accepted:
        assert answer.errors
        assert all(error.startswith("uncollapse: ") and len(error) < LONGEST + 50 for error in answer.errors)
        assert not any(CONTROL.search(error) for error in answer.errors), answer.err
    assert "Traceback" not in answer.out + answer.err
    told = f"{kind}: {'accepted' if accepted else 'refused'}"
    event(told)
    COUNTS[told] += 1
    return accepted


@many(120)
@given(document=documents(STUDY))
def test_any_study_page(document: bytes) -> None:
    with a_place() as place:
        (place / "own.yaml").write_text(models.PAGE, encoding="utf-8")
        (place / "page.yaml").write_bytes(document)
        before = listing(place)
        judged("study page", ask("plan", str(place / "page.yaml"), "--no-calibrate", "--runs", str(place / "runs")))
        assert listing(place) == before


@many(80)
@given(document=documents(FAMILY))
def test_any_page_of_a_family(document: bytes) -> None:
    with a_place() as place:
        (place / "own.yaml").write_bytes(document)
        (place / "page.yaml").write_text(yaml.safe_dump({**STUDY, "families": ["own.yaml"]}), encoding="utf-8")
        before = listing(place)
        shown = judged("page of a family, show", ask("show", str(place / "own.yaml")))
        words = ("plan", str(place / "page.yaml"), "--no-calibrate", "--runs", str(place / "runs"))
        assert shown or not judged("page of a family, plan", ask(*words))
        assert listing(place) == before


@many(120)
@given(document=documents(EXPORTED), command=st.sampled_from(("train", "train", "generate")))
def test_any_exported_file(document: bytes, command: str) -> None:
    with a_place() as place:
        file = place / "best" / "seqvae.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(document)
        before = listing(place)
        edited = ("--edited",) if command == "train" else ()
        answer = ask(command, str(file), *edited, "--runs", str(place / "runs"))
        assert not judged(f"exported file, {command}", answer), answer
        COUNTS["exported file, train: read whole"] += CONFIRMED_ON in answer.err
        assert listing(place) == before


@pytest.mark.parametrize("form", FORMS)
@many(30)
@given(data=st.data())
def test_any_corpus(form: str, data: st.DataObject) -> None:
    with a_place() as place:
        section, files = data.draw(corpora(form))
        for name, content in files.items():
            (place / name).write_bytes(content)
        family = "g_nvdm" if form == "counts" else "lstm_lm"
        page = {"study": "mine", "corpus": section, "families": [family], "train": {"epochs": 30}}
        (place / "page.yaml").write_text(yaml.safe_dump(page), encoding="utf-8")
        before = listing(place)
        kind = f"corpus of {form}"
        planned = judged(kind, ask("plan", str(place / "page.yaml"), "--no-calibrate", "--runs", str(place / "runs")))
        assert listing(place) == before
        try:
            corpus: Corpus | None = prepare(section, place / "runs" / "corpora", place)
        except UserError:
            corpus = None
        left = list((place / "runs" / "corpora").glob("*/"))
        if corpus is None:
            COUNTS[f"{kind}: {'refused when all of it was read' if planned else 'refused again'}"] += 1
            assert not left
        else:
            assert planned
            assert left == [corpus.folder]
            assert intact(corpus.folder)
            assert all(len(corpus.split(split)) > 1 for split in ("train", "valid", "test"))


def test_enough_of_every_kind() -> None:
    """Both answers were given to every kind: a strategy of which nothing is ever accepted tests little."""
    if not COUNTS:
        pytest.skip("counts what the tests above did, and they were not run")
    for kind, accepted in {
        "study page": 5,
        "page of a family, show": 5,
        **dict.fromkeys(map("corpus of {}".format, FORMS), 1),
    }.items():
        assert COUNTS[f"{kind}: accepted"] >= accepted, kind
        assert COUNTS[f"{kind}: refused"] >= 10, kind
    assert COUNTS["exported file, train: read whole"] >= 10
    assert sum(count for kind, count in COUNTS.items() if kind.endswith((": refused", ": accepted"))) >= 480
