"""The moment that `--until` names."""

import datetime
import time
from collections.abc import Iterator

import pytest

from uncollapse.study.errors import UserError
from uncollapse.study.planning.until import moment, shown


@pytest.fixture(autouse=True)
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(said: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(said).astimezone()


@pytest.mark.parametrize(
    ("said", "now", "then"),
    [
        ("07:00", "2026-11-28T22:15", "2026-11-29T07:00+01:00"),
        ("7:00", "2026-11-28T06:59:59", "2026-11-28T07:00+01:00"),
        ("07:00", "2026-11-28T07:00", "2026-11-29T07:00+01:00"),  # now is none to come
        ("07:00", "2026-03-28T22:00", "2026-03-29T07:00+02:00"),  # the clock is set forward that night: 8 hours
        ("2027-03-01T07:00", "2026-11-28T22:15", "2027-03-01T07:00+01:00"),
        ("2027-03-01T07:00Z", "2026-11-28T22:15", "2027-03-01T08:00+01:00"),
    ],
)
def test_a_time_of_day_is_the_next_one_and_a_date_is_local(said: str, now: str, then: str) -> None:
    assert moment(said, at(now)) == at(then)


@pytest.mark.parametrize("said", ["7", "24:00", "07:60", "tomorrow", "", "2027-13-01T07:00"])
def test_anything_else_is_refused(said: str) -> None:
    with pytest.raises(UserError, match="--until: a time of day such as 07:00, or a date and time"):
        moment(said, at("2026-11-28T22:15"))


def test_it_is_shown_as_the_local_clock_does() -> None:
    assert shown(at("2027-03-01T07:00Z")) == "2027-03-01 08:00"
