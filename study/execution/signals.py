"""What a process does with Ctrl-C and SIGTERM for a while; Python lets its main thread alone decide that."""

import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def handled(handler: Callable[[int, Any], None], numbers: Sequence[int] = ENDING) -> Iterator[None]:
    """Obey signals in here as `handler` says; in another thread than the main one they stay with whoever has them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, handler) for number in numbers}
    try:
        yield
    finally:
        for number, earlier in before.items():
            signal.signal(number, earlier)
