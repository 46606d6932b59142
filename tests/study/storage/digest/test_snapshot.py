"""A snapshot that is damaged, strange or another's counts as none, runs nothing, and is replaced."""

import json
import os
import pickle
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support import trial_records
from tests.support.damaged_ledgers import drawn_flips
from uncollapse.study.storage.digest import digest, snapshot
from uncollapse.study.storage.digest.digest import Digest
from uncollapse.study.storage.digest.snapshot import NAME, Identity


class Payload:
    """Would leave a file if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a study with a snapshot."""
    monkeypatch.setattr(digest, "LEAST", 1)
    study = trial_records.study(tmp_path, search={"trials": 2, "stop_early": "none"})
    stage = trial_records.search(study, tmp_path)
    trial_records.run(stage, trials=3)
    record = stage.next_trial()
    assert record is not None
    trial_records.train(stage, record, until=2)
    path = tmp_path / "runs" / "ledger.journal"
    Digest(path, "mine").keep()
    return path


def said(ledger: Path) -> list[tuple[Any, ...]]:
    found = Digest(ledger, "mine").outlines()
    return [(one.key, one.state, one.trained, one.seconds, one.spans, sorted(one.measures)) for one in found]


def head_of(ledger: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    with np.load(ledger.with_name(NAME)) as columns:
        kept = dict(columns)
    return json.loads(kept.pop("head").tobytes()), kept


def put(ledger: Path, head: Any, columns: dict[str, Any]) -> None:
    text = np.frombuffer(json.dumps(head).encode(), dtype=np.uint8)
    with ledger.with_name(NAME).open("wb") as file:
        np.savez(file, head=text, **columns)


def test_it_holds_what_is_known(ledger: Path) -> None:
    found = snapshot.read(ledger, "mine")
    assert found is not None
    mark, known = found
    assert mark.bytes == ledger.stat().st_size
    assert (len(known.ended), len(known.open)) == (3, 1)


def test_garbage_counts_as_none(ledger: Path, tmp_path: Path) -> None:
    path = ledger.with_name(NAME)
    whole, truth = path.read_bytes(), said(ledger)
    garbage = [b"", b"\0" * 5000, whole + whole, whole[::-1], *(whole[: len(whole) * part // 16] for part in range(16))]
    for content in (*garbage, *drawn_flips(whole, 150)):
        path.write_bytes(content)
        before = snapshot.read(ledger, "mine")
        assert before is None or len(before[1].ended) == 3
        assert said(ledger) == truth
    path.write_bytes(pickle.dumps(Payload(tmp_path / "run")))
    assert snapshot.read(ledger, "mine") is None
    path.unlink()
    path.mkdir()
    assert said(ledger) == truth
    Digest(ledger, "mine").keep()
    assert path.is_dir(), "it cannot be replaced, and nothing comes of that"
    assert not list(path.parent.glob(f".{NAME}.*"))


def test_nothing_in_it_is_unpickled(ledger: Path, tmp_path: Path) -> None:
    head, columns = head_of(ledger)
    columns["seconds"] = np.array([Payload(tmp_path / "run")] * 3, dtype=object)
    put(ledger, head, columns)
    assert snapshot.read(ledger, "mine") is None
    assert not (tmp_path / "run").exists()


def test_what_does_not_fit_counts_as_none(ledger: Path) -> None:
    head, columns = head_of(ledger)
    fit = dict(columns)
    put(ledger, head, fit)
    assert snapshot.read(ledger, "mine") is not None
    assert snapshot.read(ledger, "other") is None
    strange: list[tuple[Any, dict[str, Any]]] = [
        (head | {"rules": [0]}, fit),
        (head | {"mark": [1, 2, 3]}, fit),
        ([], fit),
        (head, fit | {"seconds": fit["seconds"][:-1]}),
        (head, fit | {"seconds": fit["seconds"].astype(np.float32)}),
        (head, fit | {"seed": fit["seed"].reshape(-1, 1)}),
        (head, fit | {"family": fit["family"] + 1000}),
        (head, fit | {"state": fit["state"] - 1000}),
        (head, fit | {"spans ends": fit["spans ends"][::-1].copy()}),
        (head, fit | {"figures values": fit["figures values"][:-1]}),
        (head, fit | {"key": fit["key"][:-1]}),
        (head, {name: column for name, column in fit.items() if name != "texts"}),
    ]
    for other, these in strange:
        put(ledger, other, these)
        assert snapshot.read(ledger, "mine") is None, other


def test_what_is_unlike_every_snapshot_is_noticed_where_it_is_used(ledger: Path) -> None:
    truth, (head, columns) = said(ledger), head_of(ledger)
    for known in ({"open": [[3, {"study": 9}]]}, {"open": [[3, {**head["known"]["open"][0][1], "study": 99}]]}):
        put(ledger, head | {"known": head["known"] | known}, columns)
        assert said(ledger) == truth
    put(ledger, head, columns | {"study": columns["study"] + 50})
    assert said(ledger) == truth


def test_a_ledger_goes_on_only_as_the_same_file(ledger: Path) -> None:
    place = ledger.stat().st_size
    before = Identity.of(ledger, place)
    assert Identity.of(ledger, place).continues(before)
    with ledger.open("ab") as file:
        file.write(b"more")
    assert Identity.of(ledger, place).continues(before)
    assert not before.continues(Identity.of(ledger, place)), "shorter"
    os.utime(ledger, ns=(1, 1))
    assert not Identity.of(ledger, place).continues(Identity.of(ledger, place)._replace(written=2))
    assert not Identity.of(ledger, place).continues(before._replace(file=before.file + 1))
    with ledger.open("r+b") as file:
        file.seek(place - 30)
        file.write(b"x")
    assert not Identity.of(ledger, place).continues(before)


def test_what_killed_processes_left_is_swept_and_what_is_being_written_stays(ledger: Path) -> None:
    old, young = (ledger.with_name(f".{NAME}.{name}") for name in ("old", "young"))
    for path in (old, young):
        path.write_bytes(b"half")
    os.utime(old, (time.time() - 2 * snapshot.OLD,) * 2)
    ledger.with_name(NAME).unlink()
    Digest(ledger, "mine").keep()
    assert not old.exists()
    assert young.exists()
    assert ledger.with_name(NAME).exists()
