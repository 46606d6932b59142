"""The cache is read when it is whole, made again when it is not, and made once by two processes."""

import errno
import fcntl
import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from tests.support.corpora import write
from uncollapse.study.corpora.cache import INDEX, entry, load
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.errors import RunError, UserError

SETTINGS = {"path": "a.txt"}


@pytest.fixture
def base(tmp_path):
    write(tmp_path / "a.txt", "".join(f"word{i % 7} and word{i % 5}\n" for i in range(40)))
    return tmp_path


def _refuse(*args, **kwargs):
    raise AssertionError("the corpus was made again")


def test_a_second_call_makes_nothing(base, monkeypatch):
    first = prepare(SETTINGS, base / "cache", base)
    monkeypatch.setattr("uncollapse.study.corpora.prepare.words_of", _refuse)
    monkeypatch.setattr("uncollapse.study.corpora.prepare.read_files", _refuse)
    assert prepare(SETTINGS, base / "cache", base) == first


def test_the_digest_follows_content_and_preparation_and_nothing_else(base):
    def digest(**more):
        return prepare({**SETTINGS, **more}, base / "cache", base).digest

    first = digest()
    assert len(first) == 16
    assert int(first, 16) >= 0
    assert digest(name="another name") == first == digest(path=str(base / "a.txt"))
    others = [digest(lowercase=True), digest(vocabulary=3), digest(splits={"seed": 1}), digest(limit={"train": 9})]
    write(base / "a.txt", "other words\n" * 40)
    assert len({first, digest(), *others}) == 6


def test_the_name_is_the_one_asked_for(base):
    assert prepare(SETTINGS, base / "cache", base).name == "a"
    assert prepare({**SETTINGS, "name": "mine"}, base / "cache", base).name == "mine"


@pytest.mark.parametrize("name", [INDEX, "train.tokens.npy", "valid.offsets.npy"])
@pytest.mark.parametrize("damage", ["flip", "cut", "remove", "empty"])
def test_a_damaged_entry_is_noticed_and_made_again(base, name, damage):
    first = prepare(SETTINGS, base / "cache", base)
    tokens = np.array(first.split("train").tokens)
    path = first.folder / name
    data = bytearray(path.read_bytes())
    data[-5] ^= 1
    {
        "flip": lambda: path.write_bytes(data),
        "cut": lambda: path.write_bytes(data[:-9]),
        "remove": path.unlink,
        "empty": lambda: path.write_bytes(b""),
    }[damage]()
    said = []
    again = prepare(SETTINGS, base / "cache", base, said.append)
    assert "damaged" in said[0]
    assert again == first
    np.testing.assert_array_equal(again.split("train").tokens, tokens)


def test_what_a_killed_process_left_is_swept_away(base):
    first = prepare(SETTINGS, base / "cache", base)
    left = first.folder.parent / f".{first.digest}.half"
    left.mkdir()
    write(left / "train.tokens.npy", "half")
    (first.folder / INDEX).unlink()
    prepare(SETTINGS, base / "cache", base)
    assert sorted(path.name for path in first.folder.parent.iterdir()) == [first.digest, f"{first.digest}.lock"]


def test_a_failed_making_leaves_no_entry(base):
    write(base / "a.txt", "a <eos>\n" * 40)
    with pytest.raises(UserError):
        prepare(SETTINGS, base / "cache", base)
    assert [path.suffix for path in (base / "cache").iterdir()] == [".lock"]


def test_a_cache_that_cannot_be_written_is_told(base):
    with pytest.raises(UserError, match="cache"):
        prepare(SETTINGS, base / "a.txt", base)


def test_load_opens_a_whole_entry_and_refuses_another(base):
    first = prepare(SETTINGS, base / "cache", base)
    assert load(first.folder) == first
    with pytest.raises(UserError, match="prepare"):
        load(base / "cache" / "0123456789abcdef")


def _slow_entry(folder: Path) -> tuple[str, int]:
    def make():
        with (folder.parent / "makers").open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(0.5)
        return {"name": "x"}, {"a.npy": np.arange(3)}

    return entry(folder, make, lambda _: None)["name"], os.getpid()


def _prepare_elsewhere(base: Path) -> str:
    return prepare(SETTINGS, base / "cache", base).digest


@pytest.mark.slow
def test_two_processes_make_an_entry_once(base):
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        results = [pool.submit(_slow_entry, base / "entry") for _ in range(2)]
        assert {result.result()[0] for result in results} == {"x"}
        digests = [pool.submit(_prepare_elsewhere, base) for _ in range(2)]
        assert len({digest.result() for digest in digests}) == 1
    assert len((base / "makers").read_text().split()) == 1
    assert len(load(base / "cache" / digests[0].result()).split("train")) == 32


def test_a_cache_that_can_only_be_read_is_read(base, monkeypatch):
    first = prepare(SETTINGS, base / "cache", base)

    def refuse(file, how):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert prepare(SETTINGS, base / "cache", base) == first
    with pytest.raises(UserError, match="this file system has no locks"):
        prepare({**SETTINGS, "lowercase": True}, base / "cache", base)


def test_who_waits_for_another_process_says_so_and_gives_up(base, monkeypatch):
    first, said = prepare(SETTINGS, base / "cache", base), []
    (base / "cache" / first.digest / INDEX).unlink()
    monkeypatch.setattr("uncollapse.study.corpora.cache.PATIENCE", 0.5)
    with (base / "cache" / f"{first.digest}.lock").open("w") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(RunError, match="another process makes this corpus"):
            prepare(SETTINGS, base / "cache", base, said.append)
    assert said.count("waits for another process that makes the same corpus") == 1
    assert prepare(SETTINGS, base / "cache", base, said.append) == first
