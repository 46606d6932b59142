"""Whatever a user hands over is refused with sentences or read, and nothing is left half-written.

Made up from a fixed seed: study pages, pages of families, corpora, exported files, command lines, and ledgers some of
whose bits have turned. `tests.end_to_end.many_inputs` says how many of each; `pytest -s` prints how many of each were
refused and how many accepted.
"""

import json
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import event
from hypothesis import strategies as st

from tests.end_to_end.arbitrary_corpora import corpora
from tests.end_to_end.arbitrary_words import LASTING, command_lines
from tests.end_to_end.many_inputs import BUDGET, FORMS, LEAST, RAN, SUITES, each, lacking, tried
from tests.support import damaged_ledgers, models, trial_records
from tests.support.arbitrary_pages import Answer, ask, documents, listing
from uncollapse.cli.main import parser
from uncollapse.study.corpora.cache import intact
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.errors import CONTROL, LONGEST, UserError
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.tables import recorded

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


@pytest.mark.parametrize("suite", SUITES)
def test_any_study_page(suite: str) -> None:
    def one(document: bytes) -> None:
        with a_place() as place:
            (place / "own.yaml").write_text(models.PAGE, encoding="utf-8")
            (place / "page.yaml").write_bytes(document)
            before = listing(place)
            judged("study page", ask("plan", str(place / "page.yaml"), "--no-calibrate", "--runs", str(place / "runs")))
            assert listing(place) == before

    tried(suite, "study page", one, document=documents(STUDY))


@pytest.mark.parametrize("suite", SUITES)
def test_any_page_of_a_family(suite: str) -> None:
    def one(document: bytes) -> None:
        with a_place() as place:
            (place / "own.yaml").write_bytes(document)
            (place / "page.yaml").write_text(yaml.safe_dump({**STUDY, "families": ["own.yaml"]}), encoding="utf-8")
            before = listing(place)
            shown = judged("page of a family, show", ask("show", str(place / "own.yaml")))
            words = ("plan", str(place / "page.yaml"), "--no-calibrate", "--runs", str(place / "runs"))
            assert shown or not judged("page of a family, plan", ask(*words))
            assert listing(place) == before

    tried(suite, "page of a family", one, document=documents(FAMILY))


@pytest.mark.parametrize("suite", SUITES)
def test_any_exported_file(suite: str) -> None:
    def one(document: bytes, command: str) -> None:
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

    commands = st.sampled_from(("train", "train", "generate"))
    tried(suite, "exported file", one, document=documents(EXPORTED), command=commands)


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("form", FORMS)
def test_any_corpus(form: str, suite: str) -> None:
    kind = f"corpus of {form}"

    def one(data: st.DataObject) -> None:
        section, files = data.draw(corpora(form))
        with a_place() as place:
            for name, content in files.items():
                (place / name).write_bytes(content)
            family = "g_nvdm" if form == "counts" else "lstm_lm"
            page = {"study": "mine", "corpus": section, "families": [family], "train": {"epochs": 30}}
            (place / "page.yaml").write_text(yaml.safe_dump(page), encoding="utf-8")
            before, runs = listing(place), place / "runs"
            planned = judged(kind, ask("plan", str(place / "page.yaml"), "--no-calibrate", "--runs", str(runs)))
            assert listing(place) == before
            _prepared(kind, section, place, planned)

    tried(suite, kind, one, data=st.data())


def _prepared(kind: str, section: dict[str, Any], place: Path, planned: bool) -> None:
    """Prepare a corpus that was planned or refused: it is whole, or nothing is left of it."""
    try:
        corpus: Corpus | None = prepare(section, place / "runs" / "corpora", place)
    except UserError:
        corpus = None
    left = list((place / "runs" / "corpora").glob("*/"))
    if corpus is None:
        COUNTS[f"{kind}: {'refused when all of it was read' if planned else 'refused again'}"] += 1
        assert not left
        return
    assert planned
    assert left == [corpus.folder]
    assert intact(corpus.folder)
    assert all(len(corpus.split(split)) > 1 for split in ("train", "valid", "test"))


@pytest.mark.parametrize("suite", SUITES)
def test_any_command_line(suite: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def one(words: list[str]) -> None:
        with a_place() as place:
            here = place / "deep" / "here"  # some words lead upwards
            here.mkdir(parents=True)
            monkeypatch.chdir(here)
            judged("command line", answered(words))
            assert listing(place) == {str(here.parent): -1, str(here): -1}
            monkeypatch.undo()

    tried(suite, "command line", one, words=command_lines())


def answered(words: list[str]) -> Answer:
    """What a command says, `--help` too; a refusal under --json is JSON."""
    try:
        if words[0] in LASTING:
            parser(words).parse_args(words)
            return Answer(0, "", "")
        answer = ask(*words)
    except SystemExit as end:  # of `--help`
        return Answer(1 if end.code else 0, "", "")
    except UserError as error:
        return Answer(2, "", "".join(f"uncollapse: {one}\n" for one in error.errors))
    if answer.code == 2 and "--json" in words:
        assert len(json.loads(answer.out)["errors"]) == len(answer.errors)
    return answer


@pytest.mark.parametrize("suite", SUITES)
def test_any_ledger(suite: str, tmp_path: Path) -> None:
    trials = {"search": {"trials": 3, "stop_early": "none"}, "replicate": {"configurations": 1, "seeds": 2}}
    study = trial_records.study(tmp_path, **trials)
    trial_records.run(trial_records.search(study, tmp_path))
    trial_records.run(trial_records.replicate(study, tmp_path))
    content = (tmp_path / "runs" / "ledger.journal").read_bytes()
    truth = damaged_ledgers.ended(recorded(Ledger(tmp_path / "runs", "mine")))
    for damaged in each(suite, "ledger", partial(damaged_ledgers.drawn_flips, content)):
        assert damaged_ledgers.outcome(damaged, "mine", tmp_path / "one", truth) == damaged_ledgers.NAMED


@pytest.mark.parametrize("suite", SUITES)
def test_as_many_of_every_kind_were_tried_as_the_table_says(suite: str) -> None:
    if not any(kind in BUDGET for ran, kind in RAN if ran == suite):
        pytest.skip("counts what the tests above did, and they were not run")
    assert lacking(suite) == {}
    assert sum(count for (ran, _), count in RAN.items() if ran == suite) >= sum(
        getattr(one, suite) for one in BUDGET.values()
    )
    assert sum(budget.fast + budget.slow for budget in BUDGET.values()) >= LEAST


def test_enough_of_every_kind() -> None:
    """Both answers were given to every kind: a strategy of which nothing is ever accepted tests little."""
    if not COUNTS:
        pytest.skip("counts what the tests above did, and they were not run")
    for kind, accepted in {
        "study page": 5,
        "page of a family, show": 5,
        "command line": 10,
        **dict.fromkeys(map("corpus of {}".format, FORMS), 1),
    }.items():
        assert COUNTS[f"{kind}: accepted"] >= accepted, kind
        assert COUNTS[f"{kind}: refused"] >= 10, kind
    assert COUNTS["exported file, train: read whole"] >= 10
