"""Wall time to come: from running trials at first, from the other families', then from the means of what has ended."""

from collections.abc import Sequence
from typing import Any

import pytest

from uncollapse.analysis.schema import DROPPED, FAILED, FINISHED, REPLICATE, RUNNING, SEARCH, STOPPED
from uncollapse.study.stages.pace import HANDING_OUT, Expected
from uncollapse.study.stages.time_left import Left, TimeLeft, both
from uncollapse.study.trial_record import TrialRecord

EPOCHS = 10


def trial(
    key: str,
    family: str = "one",
    stage: str = SEARCH,
    state: str = RUNNING,
    epochs: int = 0,
    seconds: float = 2.0,
    after: float = 0.0,
) -> TrialRecord:
    """A trial that began at second 1000; its epochs took so long each, and it ended so long after the last."""
    rows = [
        {"epoch": float(n), "cost/seconds": seconds, "time": 1000.0 + n * seconds, "cost/updates": 1.0}
        for n in range(1, epochs + 1)
    ]
    plain: dict[str, Any] = {"configuration_id": "c", "seed": 1, "audit": False, "configuration": {}, "params": {}}
    ended = 0.0 if state == RUNNING else 1000.0 + epochs * seconds + after
    return TrialRecord(
        key, family, stage, 0, state=state, cause="", epochs=tuple(rows), final={}, started=1000.0, ended=ended, **plain
    )


def learned(*records: TrialRecord) -> TimeLeft:
    found = TimeLeft(EPOCHS)
    found.recall(records)
    return found


def left(records: Sequence[TrialRecord], stage: str = SEARCH, slots: int = 1, now: float = 0.0, **waiting: int) -> Left:
    return learned(*records).of(stage, waiting, slots, now)


def test_before_any_epoch_has_ended_nothing_is_known() -> None:
    assert left([], one=4) == Left(None)
    assert left([trial("a")], one=3) == Left(None)
    assert left([], one=0) == Left(0.0)


def test_what_was_calibrated_is_expected_until_an_epoch_has_ended() -> None:
    found = TimeLeft(EPOCHS, {"one": Expected(3.0, 7.0), "two": Expected(1.0, 2.0)})
    one, two = 30.0 + HANDING_OUT, 10.0 + HANDING_OUT
    assert found.of(SEARCH, {"one": 2, "two": 4}, 2, 0.0) == Left((2 * one + 4 * two) / 2, about=True)
    assert found.of(REPLICATE, {"one": 2}, 1, 0.0) == Left(2 * (one + 7.0), about=True)
    assert found.of(SEARCH, {"three": 1}, 1, 0.0) == Left((one + two) / 2, about=True), "one that came later"
    found.note(trial("a", "one", epochs=1, seconds=2.0))
    assert found.of(SEARCH, {"one": 1, "two": 1}, 1, 0.0).seconds == pytest.approx(9 * 2.0 + 20.0 + HANDING_OUT + two)
    assert found.of(REPLICATE, {"one": 1}, 1, 0.0).seconds == pytest.approx(20.0 + 7.0 + HANDING_OUT)


def test_at_first_a_running_trial_says_how_long_an_epoch_takes() -> None:
    found = left([trial("a", epochs=3, seconds=2.0)], one=2)
    rest, whole = 7 * 2.0, 10 * 2.0 + HANDING_OUT
    assert found == Left(rest + 2 * whole, about=True)


def test_a_running_trial_goes_by_its_own_epochs() -> None:
    fast, slow = trial("a", epochs=2, seconds=1.0), trial("b", epochs=2, seconds=5.0)
    assert left([fast, slow], one=0).seconds == 8 * 1.0 + 8 * 5.0


def test_a_family_of_which_nothing_is_known_is_like_the_mean_of_the_others() -> None:
    known = [trial("a", "one", epochs=1, seconds=2.0), trial("b", "two", epochs=1, seconds=4.0)]
    found = left(known, one=0, two=0, three=2)
    mean = (20.0 + 40.0) / 2 + HANDING_OUT
    assert found == Left(9 * 2.0 + 9 * 4.0 + 2 * mean, about=True)


def test_once_trials_have_ended_their_mean_counts_and_nothing_is_about_it() -> None:
    ended = [
        trial("a", state=STOPPED, epochs=2, seconds=3.0),
        trial("b", state=FINISHED, epochs=10, seconds=3.0),
        trial("c", state=DROPPED),
        trial("d", state=FAILED),
    ]
    assert left(ended, one=4) == Left(4 * (6 * 3.0 + HANDING_OUT))


def test_a_running_trial_takes_as_long_as_those_that_came_further_than_it() -> None:
    ended = [trial(f"s{n}", state=STOPPED, epochs=1) for n in range(5)]
    ended += [trial("m", state=STOPPED, epochs=6), trial("w", state=FINISHED, epochs=10)]
    assert left([*ended, trial("a", epochs=3)], one=0).seconds == pytest.approx((8 - 3) * 2.0)
    assert left([*ended, trial("a", epochs=7)], one=0).seconds == pytest.approx((10 - 7) * 2.0)


def test_the_places_share_the_work_and_no_trial_is_shared() -> None:
    ended = [trial("a", state=FINISHED, epochs=10, seconds=1.0)]
    one = 10 + HANDING_OUT
    assert left(ended, slots=4, one=8).seconds == pytest.approx(8 * one / 4)
    assert left(ended, slots=4, one=2).seconds == pytest.approx(one), "two trials on four places take as long as one"
    assert left(ended, slots=0, one=2).seconds == pytest.approx(2 * one), "where places are not known there is one"


def test_seconds_since_a_trial_was_heard_count_and_never_more_than_an_epoch() -> None:
    running = [trial("a", epochs=3, seconds=2.0)]  # heard at 1006
    assert left(running, now=1006.5, one=0).seconds == pytest.approx(14.0 - 0.5)
    assert left(running, now=9999.0, one=0).seconds == pytest.approx(14.0 - 2.0)
    assert left(running, now=1000.0, one=0).seconds == pytest.approx(14.0), "a clock that was set back"


def test_confirmation_runs_are_expected_to_take_the_search_to_its_full_length_until_one_has_ended() -> None:
    search = [
        trial("a", state=STOPPED, epochs=2),
        trial("b", state=FINISHED, epochs=8),
        trial("c", state=FINISHED, epochs=6),
    ]
    expected = 7 * 2.0 + 2.0 + HANDING_OUT  # the measures after it are taken for an epoch
    assert left(search, REPLICATE, one=3) == Left(pytest.approx(3 * expected), about=True)
    ended = trial("r", stage=REPLICATE, state=FINISHED, epochs=5, seconds=4.0, after=9.0)
    expected = 5 * 4.0 + 9.0 + HANDING_OUT
    assert left([*search, ended], REPLICATE, one=2) == Left(pytest.approx(2 * expected))


def test_measures_after_a_confirmation_run_are_known_from_other_families() -> None:
    others = [trial("r", "two", REPLICATE, FINISHED, epochs=10, seconds=1.0, after=7.0)]
    running = trial("a", "one", REPLICATE, epochs=10, seconds=3.0)  # heard at 1030, and measuring since
    assert left([*others, running], REPLICATE, one=0).seconds == pytest.approx(7.0)
    assert left([*others, running], REPLICATE, now=1032.0, one=0).seconds == pytest.approx(5.0)


def test_a_night_between_a_last_epoch_and_its_measures_is_no_measure() -> None:
    torn = trial("r", stage=REPLICATE, state=FINISHED, epochs=10, after=8 * 3600.0)
    assert left([torn], REPLICATE, one=1).seconds == pytest.approx(20.0 + 2.0 + HANDING_OUT)


def test_what_is_told_trial_by_trial_is_what_is_recalled() -> None:
    told = TimeLeft(EPOCHS)
    for epochs in range(7):
        told.note(trial("a", epochs=epochs))
    told.note(trial("a", state=STOPPED, epochs=7))
    told.note(trial("b", epochs=2, seconds=5.0))
    whole = learned(trial("a", state=STOPPED, epochs=7), trial("b", epochs=2, seconds=5.0))
    assert told.of(SEARCH, {"one": 3}, 2, 0.0) == whole.of(SEARCH, {"one": 3}, 2, 0.0)
    told.note(trial("b"))  # a failed seed that is entered again has no epochs
    alone = learned(trial("a", state=STOPPED, epochs=7), trial("b"))
    assert told.of(SEARCH, {"one": 3}, 2, 0.0) == alone.of(SEARCH, {"one": 3}, 2, 0.0)


def test_two_stages_follow_one_another() -> None:
    assert both(Left(3.0), Left(4.0, about=True)) == Left(7.0, about=True)
    assert both(Left(3.0), Left(None)) == Left(None)
