"""When a study's time is over, asked of clocks that are handed in."""

import math
import time
from collections.abc import Callable

Seconds = Callable[[], float]


class Deadline:
    """The end of a study's time: so many seconds from now, or a moment, whichever comes first.

    Args:
        seconds: from now on; infinite where no hours were asked for.
        until: seconds since 1970 at which the time is over, whatever happens before; infinite where none was named.
        reserve: seconds before that end which belong to the report.
        clock: seconds that pass, from any beginning.
        calendar: seconds since 1970.
    """

    def __init__(
        self,
        seconds: float = math.inf,
        until: float = math.inf,
        reserve: float = 0.0,
        clock: Seconds = time.monotonic,
        calendar: Seconds = time.time,
    ) -> None:
        self.clock, self.calendar = clock, calendar
        self.ends, self.until, self.reserve = clock() + seconds, until, reserve

    @property
    def left(self) -> float:
        """Seconds left for training; negative once they are over."""
        return min(self.ends - self.clock(), self.until - self.calendar()) - self.reserve

    def postpone(self, seconds: float) -> None:
        """Seconds that were no time of the study, such as a pause; a named moment stays where it is."""
        self.ends += seconds
