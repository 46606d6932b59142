"""One function a command: takes the parsed arguments, returns what it found as plain data and as text.

The function `options` of the same module adds what the command takes. Data with `failed` ends the process with
code 1, or with its `code`.
"""

from typing import Any

Answer = tuple[Any, str | None]
