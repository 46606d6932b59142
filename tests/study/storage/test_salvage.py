"""A damaged ledger: nothing that hangs on its damaged lines counts, all else does, and the rest is trained again."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import trial_records
from tests.support.damaged_ledgers import NAMED, REFUSED, drawn_flips, ended, flipped, outcome
from uncollapse.analysis.schema import ENDED, FINISHED
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.places import CREATE_STUDY, CREATE_TRIAL
from uncollapse.study.storage.salvage import Unsalvageable, salvage
from uncollapse.study.storage.tables import recorded

SMALL = {"search": {"trials": 3, "stop_early": "none"}, "replicate": {"configurations": 1, "seeds": 2}}
FLIPS = 60
Lines = list[bytes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study that has ended."""
    place = tmp_path_factory.mktemp("study")
    train(place)
    return place


def train(place: Path) -> None:
    """Train what is left of the study."""
    study = trial_records.study(place, **SMALL)
    trial_records.run(trial_records.search(study, place))
    trial_records.run(trial_records.replicate(study, place))


def lines_of(place: Path) -> Lines:
    return (place / "runs" / "ledger.journal").read_bytes().splitlines(keepends=True)


def damaged(place: Path, content: bytes) -> Path:
    (place / "runs").mkdir(parents=True)
    (place / "runs" / "ledger.journal").write_bytes(content)
    return place


def test_flips_are_named_and_no_trial_that_counts_has_changed(folder: Path, tmp_path: Path) -> None:
    content = b"".join(lines_of(folder))
    truth = ended(recorded(Ledger(folder / "runs", "mine")))
    found = Counter(outcome(one, "mine", tmp_path / "one", truth) for one in drawn_flips(content, FLIPS))
    assert found == {NAMED: FLIPS}
    last = 8 * len(content) - 1
    ends = [0, last, last - 7, *(8 * at for at, byte in enumerate(content) if byte == ord("\n"))][:40]
    assert {outcome(flipped(content, bit), "mine", tmp_path / "one", truth) for bit in ends} == {NAMED}


def without(lines: Lines, at: int) -> Lines:
    return lines[:at] + lines[at + 1 :]


def zeroed(lines: Lines, at: int) -> Lines:
    return [*lines[:at], b"\0" * len(lines[at]), *lines[at + 1 :]]  # its end too, so that two lines are one


def doubled(lines: Lines, at: int) -> Lines:
    return [*lines[: at + 1], *lines[at:]]


def exchanged(lines: Lines, at: int) -> Lines:
    return [*lines[:at], *reversed(lines[at : at + 2]), *lines[at + 2 :]]


def block(lines: Lines, at: int) -> Lines:
    return [*lines[:at], b"\0" * 4096, *lines[at + 12 :]]


@pytest.mark.parametrize("damage", [without, zeroed, doubled, exchanged, block])
def test_whatever_becomes_of_lines_no_trial_that_counts_has_changed(
    damage: Callable[[Lines, int], Lines], folder: Path, tmp_path: Path
) -> None:
    lines = lines_of(folder)
    truth = ended(recorded(Ledger(folder / "runs", "mine")))
    for at in range(0, len(lines) - 20, 11):  # zeros at the end of a file are a line that was never finished
        assert outcome(b"".join(damage(lines, at)), "mine", tmp_path / "one", truth) == NAMED, at


def made(lines: Lines, operation: int) -> list[int]:
    return [at for at, line in enumerate(lines) if line.startswith(b'{"op_code":%d,' % operation)]


def test_what_a_line_held_is_trained_again(folder: Path, tmp_path: Path) -> None:
    lines, truth = lines_of(folder), ended(recorded(Ledger(folder / "runs", "mine")))
    making = {*made(lines, CREATE_STUDY), *made(lines, CREATE_TRIAL)}
    others = set(range(0, len(lines), 29)) - making
    for at in sorted(making | others):
        place = damaged(tmp_path / str(at), b"".join(zeroed(lines, at)))
        train(place)
        found = recorded(Ledger(place / "runs", "mine"))
        assert all(record.state in ENDED for record in found), at
        counts = Counter((one.stage, one.family) for one in found if one.state == FINISHED)
        assert counts >= Counter(
            (stage, name)
            for stage, count in (("search", 3), ("replicate", 2))
            for name in ("one", "two")
            for _ in range(count)
        ), at
        if at in others and at - 1 not in making and at + 1 not in making:
            assert ended(found).keys() == truth.keys(), "the very same trials"
        same = ended(found)
        assert all(same[key][:2] == one[:2] for key, one in truth.items() if key in same), at


def test_an_unfinished_study_goes_on_from_what_is_intact(tmp_path: Path) -> None:
    study = trial_records.study(tmp_path, **SMALL)
    stage = trial_records.search(study, tmp_path)
    trial_records.run(stage, trials=2)
    going_on = stage.next_trial()
    trial_records.train(stage, going_on, until=4)
    lines = lines_of(tmp_path)
    for at in range(len(lines) - 14, len(lines)):
        place = damaged(
            tmp_path / str(at),
            b"".join([*lines[:at], lines[at].replace(b'"worker_id"', b'"worker-id"'), *lines[at + 1 :]]),
        )
        ledger = Ledger(place / "runs", "mine")
        assert f"line {at + 1}:" in str(ledger.damage)
        assert ended(recorded(ledger)) == ended(recorded(Ledger(tmp_path / "runs", "mine")))
        train(place)
        found = recorded(Ledger(place / "runs", "mine"))
        assert all(record.state == FINISHED and len(record.epochs) == trial_records.EPOCHS for record in found), at


def test_a_second_damage_is_set_aside_beside_the_first(folder: Path, tmp_path: Path) -> None:
    place = damaged(tmp_path / "one", b"".join(zeroed(lines_of(folder), 30)))
    for kept in ("ledger.journal.damaged", "ledger.journal.damaged-2"):
        before = b"".join(lines_of(place))
        ledger = Ledger(place / "runs", "mine", write=True)
        assert f"is kept as {kept}," in str(ledger.damage)
        assert (place / "runs" / kept).read_bytes() == before
        (place / "runs" / "ledger.journal").write_bytes(b"".join(zeroed(lines_of(place), 50)))


@pytest.mark.parametrize("content", [b"\0" * 500, b"{}\n" * 20, b"x\n"])
def test_what_has_no_intact_line_cannot_be_salvaged(content: bytes) -> None:
    with pytest.raises(Unsalvageable):
        salvage(content)


def test_a_refusal_is_a_sentence(folder: Path, tmp_path: Path) -> None:
    truth = ended(recorded(Ledger(folder / "runs", "mine")))
    assert outcome(b"\0" * 400 + b"\n", "mine", tmp_path / "one", truth) == REFUSED
