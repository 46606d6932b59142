"""The terminal or the log on which a study shows itself: what is said is text and no markup, and may go unread."""

from typing import Any

from rich.console import Console

from uncollapse.study.errors import printable
from uncollapse.study.output import give_up


class Screen(Console):
    """Standard output, or standard error where the former is for JSON.

    Args:
        given: as for rich's `Console`, which would end the process when nobody reads on.
    """

    def __init__(self, **given: Any) -> None:
        super().__init__(markup=False, highlight=False, emoji=False, **given)

    def say(self, sentence: str) -> None:
        """Print a sentence as it stands, above whatever is live; the terminal wraps it."""
        self.print(printable(sentence), soft_wrap=True)

    def _check_buffer(self) -> None:
        try:
            self._write_buffer()
        except OSError as error:  # nobody reads on, or the disk of a log is full: the study goes on
            give_up(self.file, error)
            self._buffer.clear()
