"""One function a command: takes the parsed arguments, returns what it found as plain data and as text."""

from typing import Any

Answer = tuple[Any, str | None]
