"""The moment that `--until` names."""

import datetime
import re

from uncollapse.study.errors import UserError

CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


def moment(said: str, now: datetime.datetime) -> datetime.datetime:
    """The next moment at which the local clock shows HH:MM, or an ISO date-time, which is local where it has no zone.

    Raises:
        UserError: it is neither.
    """
    if clock := CLOCK.fullmatch(said):
        return _next(now, int(clock[1]), int(clock[2]))
    try:
        return datetime.datetime.fromisoformat(said).astimezone()
    except ValueError:
        raise UserError(
            f"--until: a time of day such as 07:00, or a date and time such as 2027-03-01T07:00, found {said!r}"
        ) from None


def _next(now: datetime.datetime, hour: int, minute: int) -> datetime.datetime:
    """Told by the wall clock, which may be set forward or back in between."""
    plain = now.astimezone().replace(tzinfo=None)
    then = plain.replace(hour=hour, minute=minute, second=0, microsecond=0)
    return (then if then > plain else then + datetime.timedelta(days=1)).astimezone()


def shown(at: datetime.datetime) -> str:
    """A moment as a person reads it."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M")
