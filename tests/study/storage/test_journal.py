"""The file behind the ledger: whole lines or none, on real full disks, and read while it grows."""

import json
import os
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.full_disk import BLOCK as PAGE
from tests.support.full_disk import fill, small_disk
from uncollapse.study.errors import UserError
from uncollapse.study.storage.journal import BLOCK, Journal

LONG = {"op_code": 1, "text": "x" * 3 * PAGE}


def written(path: Path, *entries: object) -> Journal:
    journal = Journal(path)
    for entry in entries:
        journal.append_logs([{"entry": entry}])
    return journal


def entries(journal: Journal, start: int = 0) -> list[object]:
    return [log["entry"] for log in journal.read_logs(start)]


def test_entries_come_back_in_order_and_from_any_number(tmp_path: Path) -> None:
    journal = written(tmp_path / "j", 1, "two", {"3": [3.5, None]})
    assert entries(journal) == [1, "two", {"3": [3.5, None]}]
    assert entries(journal, 3) == []
    journal.append_logs([{"entry": 4}, {"entry": 5}])
    assert entries(journal, 3) == [4, 5]
    assert entries(journal, 1) == ["two", {"3": [3.5, None]}, 4, 5]
    assert entries(Journal(tmp_path / "j"), 4) == [5]


def test_no_file_is_no_entries_and_a_reader_makes_none(tmp_path: Path) -> None:
    assert entries(Journal(tmp_path / "j")) == []
    Journal(tmp_path / "j").cut_torn_line()
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_together_is_written_once_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed: list[int] = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    journal = written(tmp_path / "j", 0)
    with journal.together():
        journal.append_logs([{"entry": 1}])
        with journal.together():
            journal.append_logs([{"entry": 2}])
        assert entries(journal) == [0]
    assert entries(journal) == [0, 1, 2]
    assert len(flushed) == 2

    def break_off() -> None:
        with journal.together():
            journal.append_logs([{"entry": 3}])
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    journal.append_logs([{"entry": 4}])
    assert entries(journal) == [0, 1, 2, 4]


@pytest.mark.parametrize("torn", [b"{", b'{"entry": 7}', b"x" * (3 * BLOCK + 5), "é".encode()[:1]])
def test_a_torn_last_line_is_not_read_and_is_cut_before_writing(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "j"
    whole = written(path, 1, 2).path.read_bytes()
    path.write_bytes(whole + torn)
    journal = Journal(path)
    assert entries(journal) == [1, 2]
    assert path.read_bytes() == whole + torn
    journal.cut_torn_line()
    assert path.read_bytes() == whole
    journal.append_logs([{"entry": 3}])
    assert entries(journal) == [1, 2, 3]


def test_a_file_that_is_one_torn_line_is_emptied(tmp_path: Path) -> None:
    path = tmp_path / "j"
    path.write_bytes(b"\0" * 100)
    Journal(path).cut_torn_line()
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    "damage", [b"\0" * 30, b'{"entry": ', b"", b"\xff\xfe", b'{"entry": 1}{"entry": 2}', b"[" * 100_000]
)
def test_a_damaged_line_is_named(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "j"
    lines = written(path, 1, 2, 3).path.read_bytes().splitlines()
    path.write_bytes(b"\n".join([lines[0], damage, lines[2], b""]))
    with pytest.raises(UserError, match=r"j, line 2: an entry .* is expected and this line is damaged; .*head -n 1"):
        entries(Journal(path))


def test_a_full_disk_leaves_whole_lines_and_writing_goes_on_when_there_is_room(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=1) as disk:
        journal = written(disk / "j", 1, 2)
        before = journal.path.read_bytes()
        ballast = fill(disk)
        assert len(before) % PAGE > 0, "the first page has room: a write begins and breaks off"
        for _ in range(2):
            with pytest.raises(OSError, match="No space left") as raised:
                journal.append_logs([LONG])
            assert raised.value.filename == str(journal.path)
            assert journal.path.read_bytes() == before
        ballast.unlink()
        journal.append_logs([{"entry": 3}])
        assert entries(journal) == entries(Journal(disk / "j")) == [1, 2, 3]


LIMITED = """
    import resource, sys
    from pathlib import Path
    from uncollapse.study.storage.journal import Journal
    journal = Journal(Path(sys.argv[1]))
    journal.append_logs([{"entry": 1}])
    before = journal.path.read_bytes()
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 100, resource.RLIM_INFINITY))
    try:
        journal.append_logs([{"entry": "x" * 1000}])
    except OSError as error:
        print("refused", error.errno, journal.path.read_bytes() == before)
    journal.append_logs([{"entry": 2}])
    print(*[log["entry"] for log in journal.read_logs(0)])
"""


def test_a_file_at_its_limit_leaves_whole_lines(tmp_path: Path) -> None:
    command = [sys.executable, "-c", textwrap.dedent(LIMITED), str(tmp_path / "j")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["refused 27 True", "1 2"]


@pytest.mark.parametrize("error", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_a_flush_that_fails_takes_the_line_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    journal = written(tmp_path / "j", 1)

    def broken(handle: int) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", broken)
        with pytest.raises(type(error)):
            journal.append_logs([{"entry": 2}])
    journal.append_logs([{"entry": 3}])
    assert entries(journal) == [1, 3]


def piecewise(path: Path, content: bytes, pause: Callable[[], object]) -> None:
    """Write as a slow disk would: in pieces that end anywhere."""
    with path.open("ab", buffering=0) as file:
        for start in range(0, len(content), 7):
            file.write(content[start : start + 7])
            pause()


def test_a_reader_sees_whole_entries_only_wherever_the_writer_is(tmp_path: Path) -> None:
    content = b"".join(json.dumps({"entry": number}).encode() + b"\n" for number in range(40))
    path, seen = tmp_path / "j", [0]
    reader = Journal(path)
    path.touch()

    def look() -> None:
        new = entries(reader, seen[0])
        assert new == list(range(seen[0], seen[0] + len(new)))
        seen[0] += len(new)
        assert seen[0] == path.read_bytes().count(b"\n")

    piecewise(path, content, look)
    assert seen == [40]


def test_a_reader_beside_a_busy_writer_never_stumbles(tmp_path: Path) -> None:
    path = tmp_path / "j"
    journal, stop, appended = written(path, 0), threading.Event(), [1]

    def write() -> None:
        while not stop.is_set():
            with journal.together():
                for _ in range(3):
                    journal.append_logs([{"entry": appended[0], "text": "y" * (appended[0] % 9000)}])
                    appended[0] += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(60):
            found = entries(Journal(path))
            assert found == list(range(len(found)))
    finally:
        stop.set()
        writer.join()
    assert entries(Journal(path)) == list(range(appended[0]))
