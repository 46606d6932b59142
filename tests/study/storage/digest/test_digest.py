"""What a ledger says of its study is the same with a snapshot and without: at every prefix, damaged, mended, replaced."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.support import trial_records
from tests.support.damaged_ledgers import drawn_flips
from tests.support.full_disk import BLOCK, fill, read_only, small_disk
from uncollapse.analysis.schema import STAGES, STATES
from uncollapse.study.config.study_page import Study
from uncollapse.study.errors import UserError
from uncollapse.study.outline import Outline
from uncollapse.study.storage.digest import digest, snapshot
from uncollapse.study.storage.digest.known import Known
from uncollapse.study.storage.digest.outlines import COMPARED
from uncollapse.study.storage.journal import Journal
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.tables import recorded

NAME, LEDGER = "mine", "ledger.journal"
Facts = list[Mapping[str, Any]]
FIELDS = ("key", "family", "stage", "number", "configuration_id", "seed", "state", "started", "ended", "reused_from")
MADE = ("trained", "seconds", "heard", "spans")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Snapshots are written for every byte that is new."""
    monkeypatch.setattr(digest, "LEAST", 1)
    monkeypatch.setattr(digest, "SHARE", 0.0)


def facts(found: Sequence[Outline]) -> Facts:
    """Everything that an outline says."""
    return [
        {name: getattr(one, name) for name in (*FIELDS, *MADE)}
        | {"measures": {name: value for name, value in one.measures.items() if name in COMPARED}}
        for one in found
    ]


def truth(folder: Path) -> tuple[Facts, str]:
    """What Optuna makes of the ledger, and what is said of damaged lines, or of a ledger that cannot be used."""
    try:
        ledger = Ledger(folder, NAME)
        return facts(recorded(ledger)), str(ledger.damage or "")
    except UserError as error:
        return [], str(error)


def said(known: Known) -> tuple[Facts, str]:
    try:
        return facts(known.outlines()), str(known.damage or "")
    except UserError as error:
        return [], str(error)


def looked(folder: Path) -> tuple[Facts, str]:
    """What a new process says."""
    return said(Known(folder, NAME))


def epoch(number: int, **measures: float) -> dict[str, float]:
    return {**trial_records.epoch_record(number, 90.0 + number), **{f"subset/{n}": v for n, v in measures.items()}}


def train(folder: Path) -> None:
    """Trials that end in every way there is, that run and that wait."""
    study = trial_records.study(
        folder, search={"trials": 4, "stop_early": "none", "subject_to": "none"}, replicate={"seeds": 2}
    )
    search = trial_records.search(study, folder)
    ways: list[Callable[[str], None]] = [
        lambda key: search.recorder.finish(key, {}, kept_epoch=1),
        lambda key: search.recorder.stop(key, "for want of time"),
        lambda key: search.recorder.diverge(key, "NaN"),
        lambda key: search.recorder.finish(key, {}),
    ]
    for end in (*ways, *ways):
        record = search.next_trial()
        assert record is not None
        for number in (1, 2):
            search.recorder.epoch(record.key, epoch(number, mi=number - 1.0, latent_gain=2.0))
        end(record.key)
    confirm(study, folder, "finished", "failed")
    confirm(study, folder, "dropped", "failed", "running")  # another process, which enters the failed one again


def confirm(study: Study, folder: Path, *states: str) -> None:
    """A process that confirms one trial after another, each until it stands so."""
    stage = trial_records.replicate(study, folder)
    for state in states:
        record = stage.next_trial()
        assert record is not None
        stage.recorder.epoch(record.key, epoch(1, mi=1.0, latent_gain=0.05))
        if state == "finished":
            final = {"valid/nll_iw": 91.0, "valid/mi": 0.02, "valid/latent_gain": 3.0}
            stage.recorder.finish(record.key, final, {"a.txt": "b"})
        elif state == "failed":
            stage.recorder.fail(record.key, "its worker died")
        elif state == "dropped":
            stage.recorder.drop(stage.recorder.trial_ids[record.key], "given up")


@pytest.fixture(scope="module")
def content(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("study")
    train(folder)
    return (folder / "runs" / LEDGER).read_bytes()


def written(folder: Path, content: bytes) -> Path:
    """A study's folder with this ledger."""
    folder.mkdir()
    (folder / LEDGER).write_bytes(content)
    return folder


def grown(folder: Path, content: bytes) -> None:
    """The same file, longer or torn elsewhere, as its writer leaves it."""
    with (folder / LEDGER).open("r+b") as file:
        file.write(content)
        file.truncate()


def ends(content: bytes) -> list[int]:
    """Bytes of as many lines as there are, and of each fewer."""
    places, place = [0], 0
    for line in content.splitlines(keepends=True):
        place += len(line)
        places.append(place)
    return places


def test_the_ledger_has_trials_of_every_kind(content: bytes, tmp_path: Path) -> None:
    found, damage = truth(written(tmp_path / "whole", content))
    assert damage == ""
    assert {one["state"] for one in found} == set(STATES)
    assert {one["stage"] for one in found} == set(STAGES)
    assert {len(one["spans"]) for one in found} >= {0, 1}


def test_at_every_prefix_with_and_without_a_snapshot_and_to_one_that_watches(content: bytes, tmp_path: Path) -> None:
    folder, bare, places = written(tmp_path / "grows", b""), tmp_path / "bare", ends(content)
    watching, later = Known(folder, NAME), 0
    for place, end in zip(places, [*places[1:], len(content)], strict=True):
        known = truth(written(bare, content[:place]))
        assert looked(bare) == known, "from nothing"
        shutil.rmtree(bare)
        for cut in {place, (place + end) // 2, max(place, end - 1)}:
            grown(folder, content[:cut])
            assert said(watching) == known
            assert looked(folder) == known, "from the snapshot of the prefix before"
            later += (folder / snapshot.NAME).exists()
    assert later > 2 * len(places), "snapshots were there"


def test_from_the_snapshot_of_any_prefix_to_the_end(content: bytes, tmp_path: Path) -> None:
    whole = truth(written(tmp_path / "whole", content))
    for place in ends(content)[1:]:
        folder = written(tmp_path / f"{place}", content[:place])
        looked(folder)
        grown(folder, content)
        assert looked(folder) == whole


def test_what_is_known_is_not_read_again(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = written(tmp_path / "whole", content[: ends(content)[-4]])
    looked(folder)
    grown(folder, content)
    lines = Journal.read_lines
    read: list[bytes] = []

    def counted(journal: Journal) -> Any:
        for line in lines(journal):
            read.append(line)
            yield line

    monkeypatch.setattr(Journal, "read_lines", counted)
    assert looked(folder)[0]
    assert b"".join(read) == content[ends(content)[-4] :]


@pytest.mark.parametrize("covered", [0.0, 0.5, 1.0])
def test_damaged_lines_are_said_whatever_a_snapshot_knew(content: bytes, tmp_path: Path, covered: float) -> None:
    before = ends(content)[int(covered * content.count(b"\n"))]
    flips = [one for one in drawn_flips(content, 24, seed=3) if one[:before] == content[:before] or covered == 1.0]
    assert len(flips) > 5
    for number, turned in enumerate(flips):
        folder = written(tmp_path / f"{number}", content[:before])
        looked(folder)
        watching = Known(folder, NAME)
        said(watching)
        grown(folder, turned)
        os.utime(folder / LEDGER, ns=(number, number))  # a clock may be coarse
        known = truth(folder)
        assert known[1]
        assert looked(folder) == known
        assert covered == 1.0 or said(watching) == known


def test_a_mended_ledger_is_read_anew(content: bytes, tmp_path: Path) -> None:
    for number, turned in enumerate(drawn_flips(content, 8, seed=4)):
        folder = written(tmp_path / f"{number}", content)
        looked(folder)
        watching = Known(folder, NAME)
        (folder / LEDGER).unlink()
        (folder / LEDGER).write_bytes(turned)
        assert said(watching) == truth(folder)
        mended = Ledger(folder, NAME, write=True)
        assert mended.damage is not None
        known = facts(recorded(mended))
        assert looked(folder) == said(watching) == (known, "")


def test_a_ledger_that_is_shorter_is_read_anew(content: bytes, tmp_path: Path) -> None:
    folder, places = written(tmp_path / "study", content), ends(content)
    for shorter in (content[: places[-3]], content[: places[3]], b""):
        looked(folder)
        watching = Known(folder, NAME)
        said(watching)
        grown(folder, shorter)
        assert said(watching) == truth(folder)
        assert looked(folder) == truth(folder)
        grown(folder, content)


def test_another_ledger_in_the_same_file_is_read_anew(content: bytes, tmp_path: Path) -> None:
    train(tmp_path / "other")
    other = (tmp_path / "other" / "runs" / LEDGER).read_bytes()
    for later in (other, other[: len(content)], content.replace(b"finished", b"diverged")):
        folder = written(tmp_path / f"{len(list(tmp_path.iterdir()))}", content)
        looked(folder)
        grown(folder, later)
        assert looked(folder) == truth(folder)


def test_a_ledger_without_seals_is_read_as_ever_and_has_no_snapshot(content: bytes, tmp_path: Path) -> None:
    import json

    rows = [
        {name: value for name, value in json.loads(line).items() if name != "seal"} for line in content.splitlines()
    ]
    folder = written(tmp_path / "old", b"".join(json.dumps(row).encode() + b"\n" for row in rows))
    assert looked(folder) == truth(folder)
    assert not (folder / snapshot.NAME).exists()
    known = Known(folder, NAME)
    said(known)
    Ledger(folder, NAME, write=True)
    assert said(known) == looked(folder) == truth(folder)
    assert (folder / snapshot.NAME).exists()


def test_a_trial_that_is_entered_again_counts_once(content: bytes, tmp_path: Path) -> None:
    folder = written(tmp_path / "study", content)
    ledger = Ledger(folder, NAME, write=True)
    family, failed = next(
        (family, one)
        for stage, family in ledger.families()
        for one in ledger.trials(stage, family)
        if one.user_attrs.get("state") == "failed"
    )
    study = ledger.study("replicate", family)
    given = {name: failed.user_attrs[name] for name in ("key", "family", "stage", "seed", "configuration_id")}
    study.enqueue_trial({}, user_attrs=given | {"number": 77})
    looked(folder)
    found, _ = looked(folder)
    assert found == truth(folder)[0]
    assert [one["number"] for one in found if one["key"] == failed.user_attrs["key"]] == [77]


def test_a_folder_that_can_only_be_read_is_read(content: bytes, tmp_path: Path) -> None:
    here = written(tmp_path / "study", content)
    with read_only(here, tmp_path / "mount") as mount:
        assert looked(mount) == truth(here)
    assert [path.name for path in here.iterdir()] == [LEDGER]


def test_a_full_disk_is_left_to_the_ledger(content: bytes, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=4) as disk:
        folder = written(disk / "study", content)
        ballast = fill(disk)
        assert looked(folder) == truth(folder)
        assert [path.name for path in folder.iterdir()] == [LEDGER]
        ballast.unlink()
        ballast.write_bytes(b"\0" * (shutil.disk_usage(disk).free - 16 * BLOCK))
        assert looked(folder) == truth(folder)
        assert [path.name for path in folder.iterdir()] == [LEDGER], "there is room for it, and none to spare"
