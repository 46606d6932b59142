"""Whether this machine's clock was set back under a running study."""

import time


class Clock:
    """Compares the clock that can be set with the one that cannot.

    Ray 2.60 orders what it places by the first, so after it was set back nothing new is placed until it has caught up.
    """

    def __init__(self) -> None:
        self.furthest = _lead()

    def look(self) -> None:
        """Note how far the clock has come; to be called often, since it may be set forward first."""
        self.furthest = max(self.furthest, _lead())

    @property
    def behind(self) -> float:
        """Seconds by which it stands behind where it has been."""
        return max(0.0, self.furthest - _lead())

    def forget(self) -> None:
        """Begin anew, as a Ray does that is started now."""
        self.furthest = _lead()


def _lead() -> float:
    return time.time() - time.monotonic()
