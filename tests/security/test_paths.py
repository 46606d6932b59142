"""What the product writes lies under --runs, or where --out says; no name of a user's leads anywhere else."""

import getpass
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import models
from tests.support.arbitrary_pages import ask, listing
from tests.support.exported_files import CORPUS, exported
from uncollapse.study.config import families
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.errors import UserError

OUTSIDE = ("../../x", "..", ".", "/tmp/x", "a/b", "a/../../x", "~/x", "", "x\n", ".hidden", "x" * 65, "ü", "a b")
TAKEN = ("corpora", "artifacts", "mlflow.db", "Default", "CORPORA")
PAGE: dict[str, Any] = {"study": "mine", "corpus": CORPUS, "families": ["vmf"]}


@contextmanager
def written() -> Iterator[set[Path]]:
    """Every path that Python or SQLite opens for writing, makes, moves to or removes."""
    found: set[Path] = set()
    watching = True

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if not watching:
            return
        if event == "open" and isinstance(arguments[0], str) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            found.add(Path(arguments[0]).absolute())
        elif event in ("os.mkdir", "os.remove", "os.rmdir", "os.truncate", "sqlite3.connect"):
            found.add(Path(str(arguments[0])).absolute())
        elif event in ("os.rename", "os.link", "os.symlink"):
            found.add(Path(str(arguments[1])).absolute())

    sys.addaudithook(watch)  # for good, so it is put to sleep afterwards
    try:
        yield found
    finally:
        watching = False


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder that looks like a study and lies beside the folder of studies, `deep/runs`."""
    (tmp_path / "deep" / "runs").mkdir(parents=True)
    facts = '{"study": "x", "settings": {}, "corpus": {}, "code": ""}'
    models.write(tmp_path / "x" / "study.json", facts)
    models.write(tmp_path / "x" / "ledger.journal", "")
    return tmp_path


@pytest.mark.parametrize("command", ["status", "report", "export", "verify", "stop", "pause", "resume"])
def test_a_study_is_named_and_not_pointed_at(command: str, outside: Path) -> None:
    before = listing(outside)
    for name in (*OUTSIDE, str(outside / "x")):
        answer = ask(command, name, "--runs", str(outside / "deep" / "runs"))
        assert answer.code == 2, name
        assert answer.errors[0].startswith("uncollapse: study: a name of letters, digits"), name
    assert listing(outside) == before


def test_two_studies_are_named_and_not_pointed_at(outside: Path) -> None:
    before = listing(outside)
    assert ask("report", "../../x", "../../x", "--runs", str(outside / "deep" / "runs")).code == 2
    assert listing(outside) == before


@pytest.mark.parametrize("name", [*OUTSIDE, *TAKEN])
def test_a_page_cannot_call_its_study_so(name: str, tmp_path: Path) -> None:
    page = models.write(tmp_path / "page.yaml", yaml.safe_dump({**PAGE, "study": name}))
    for command in (("plan", "--no-calibrate"), ("run",)):
        answer = ask(command[0], str(page), *command[1:], "--runs", str(tmp_path / "runs"))
        assert answer.code == 2
        assert answer.errors[0].startswith("uncollapse: page.yaml: study: a"), answer.err
    assert list(tmp_path.iterdir()) == [page]


@pytest.mark.parametrize("file", ["...yaml", "..yaml", "a b.yaml", "a\nseed: 1.yaml", "-x.yaml", "ü.yaml"])
def test_the_file_of_a_page_gives_a_family_a_name_that_stays_where_it_is_put(file: str, tmp_path: Path) -> None:
    models.write(tmp_path / file, models.PAGE)
    with pytest.raises(UserError, match="a page's file gives the family its name, which is a name of letters") as error:
        families.load(file, tmp_path)
    assert len(error.value.errors) == 1


@pytest.mark.parametrize(
    "changes",
    [
        *({"family": name} for name in OUTSIDE),
        *({"from": {"study": name}} for name in (*OUTSIDE, *TAKEN)),
        *({"corpus_digest": name} for name in (*OUTSIDE, "../0123456789abcdef", "0123456789ABCDEF")),
        *({"from": "made"}, {"from": None}, {"corpus_folder": 3}, {"corpus_folder": None}, {"tracking": None}),
    ],
    ids=str,
)
def test_an_exported_file_names_nothing_outside(changes: dict[str, Any], tmp_path: Path) -> None:
    content = {**exported("seqvae", prepared(tmp_path / "cache")), **changes}
    file = models.write(tmp_path / "best" / "seqvae.yaml", yaml.safe_dump(content))
    before = listing(tmp_path)
    for command in (("train", "--edited"), ("generate",)):
        answer = ask(command[0], str(file), *command[1:], "--runs", str(tmp_path / "runs"))
        assert answer.code == 2
        assert next(iter(changes)) in answer.errors[0], answer.err
    assert listing(tmp_path) == before


def prepared(cache: Path) -> Any:
    return prepare(CORPUS, cache, Path())


@pytest.mark.parametrize("tracking", ["sqlite:///{}/elsewhere/stolen.db", "sqlite:////dev/null/x.db"])
def test_a_final_training_writes_where_it_is_told_and_makes_no_database(tracking: str, tmp_path: Path) -> None:
    corpus = prepared(tmp_path / "runs" / "corpora")
    content = exported("seqvae", corpus, corpus_folder=str(tmp_path), tracking=tracking.format(tmp_path))
    content["from"] = {"study": "made", "configuration": "01234567", "code": "0123456789ab"}
    (tmp_path / "elsewhere").mkdir()
    file = models.write(tmp_path / "best" / "seqvae.yaml", yaml.safe_dump(content))
    runs, out = tmp_path / "runs", tmp_path / "out"
    with written() as found:
        answer = ask("train", str(file), "--edited", "--out", str(out), "--runs", str(runs))
    assert answer.code == 0, answer.err
    assert "is not there any more" in answer.out
    allowed = (runs, out, Path("/dev"), Path("/proc"))
    strays = {path for path in found if not any(path.is_relative_to(place) for place in allowed)}
    theirs = ("__pycache__", f"torchinductor_{getpass.getuser()}")  # caches of Python and of torch
    assert {path for path in strays if not set(theirs) & set(path.parts)} == set()
    assert {path.name for path in out.iterdir()} == {"model.safetensors", "configuration.yaml", "figures.json"}
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_an_out_that_cannot_be_a_folder_is_refused_before_anything_is_trained(tmp_path: Path) -> None:
    corpus = prepared(tmp_path / "runs" / "corpora")
    file = models.write(tmp_path / "seqvae", yaml.safe_dump(exported("seqvae", corpus, corpus_folder=str(tmp_path))))
    before = listing(tmp_path)
    for out in ((), ("--out", str(file)), ("--out", str(file / "in")), ("--out", str(tmp_path / ("x" * 300)))):
        answer = ask("train", str(file), "--edited", "--runs", str(tmp_path / "runs"), *out)
        assert answer.code == 2
        assert "name another with --out" in answer.err
    assert {path: size for path, size in listing(tmp_path).items() if not path.endswith(".lock")} == {
        path: size for path, size in before.items() if not path.endswith(".lock")
    }


def test_runs_that_cannot_be_a_folder(tmp_path: Path) -> None:
    page = models.write(tmp_path / "page.yaml", yaml.safe_dump(PAGE))
    for words in (("plan", str(page), "--no-calibrate"), ("status", "mine"), ("ui",)):
        answer = ask(*words, "--runs", str(tmp_path / ("x" * 300)))
        assert answer.code == 2
        assert "--runs: a folder is expected" in answer.err


NAMES = {
    "family": ({"settings": {"families": {"../../stolen": {}}}}, "a family is called by a name of letters"),
    "digest": ({"corpus": {"digest": "../../stolen"}}, "a corpus's digest is a name"),
    "study": ({"study": "../stolen"}, "study: a name of letters"),
}


@pytest.mark.parametrize("case", NAMES)
def test_facts_of_others_name_nothing_outside(case: str, tmp_path: Path) -> None:
    changes, sentence = NAMES[case]
    facts = {"study": "mine", "settings": {"families": {}}, "corpus": {"digest": "0"}, "code": "", **changes}
    models.write(tmp_path / "runs" / "mine" / "study.json", json.dumps(facts))
    models.write(tmp_path / "stolen.yaml", "precious")
    before = listing(tmp_path)
    for command in ("status", "report", "export", "verify"):
        answer = ask(command, "mine", "--runs", str(tmp_path / "runs"))
        assert answer.code == 2
        assert f"study.json: {sentence}" in answer.errors[0]
    assert listing(tmp_path) == before


def test_a_pipe_is_no_page_and_nothing_waits_for_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yaml"
    os.mkfifo(pipe)
    page = models.write(tmp_path / "page.yaml", yaml.safe_dump({**PAGE, "families": ["pipe.yaml"]}))
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    os.mkfifo(tmp_path / "runs" / "mine" / "study.json")
    commands = (("plan", pipe), ("plan", page), ("run", pipe), ("train", pipe), ("generate", pipe), ("show", pipe))
    for command, place in commands:
        answer = ask(command, str(place))
        assert answer.code == 2
        assert "a file is expected, and this is a pipe" in answer.err
    assert ask("status", "mine", "--runs", str(tmp_path / "runs")).code == 2


@pytest.mark.parametrize("damage", ["", "{", "[]", "3", "[" * 100_000, "{}", '{"study": "x"}', "\x80\x04"])
def test_facts_that_are_damaged(damage: str, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "study.json").write_text(damage, encoding="latin-1")
    for command in ("status", "report", "export", "verify"):
        answer = ask(command, "mine", "--runs", str(tmp_path))
        assert answer.code == 2
        assert "study.json" in answer.errors[0]
