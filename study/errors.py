"""What a user's mistake looks like: every fault at once, each with the law, the offence and the remedy."""

from collections.abc import Sequence


class UserError(ValueError):
    """The user's input is at fault; the command prints the faults and ends with exit code 2.

    Args:
        faults: one sentence a fault, each naming the place, the law, what was found and what to do.
    """

    def __init__(self, faults: str | Sequence[str]) -> None:
        self.faults: tuple[str, ...] = (faults,) if isinstance(faults, str) else tuple(faults)
        super().__init__("\n".join(self.faults))
