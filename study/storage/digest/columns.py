"""Columns of many values in little memory, and as arrays that hold no objects."""

from array import array
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Column = npt.NDArray[np.generic]
Columns = Mapping[str, Column]
END = "\n"  # of a text among others


def fill(column: "array[Any]", found: Column) -> None:
    """Put in what was made of such a column; ValueError where it was not."""
    if found.dtype != np.dtype(column.typecode) or found.ndim != 1:
        raise ValueError(f"a column of {column.typecode} is expected, found {found.dtype}")
    column.frombytes(found.tobytes())


def one_line(text: str) -> str:
    """A text that can stand among others; ValueError for anything else."""
    if not isinstance(text, str) or END in text:
        raise ValueError(f"a line of text is expected, found {text!r}")
    return text


def of_texts(texts: Iterable[str]) -> Column:
    """Texts of a line each, as bytes."""
    content = "".join(text + END for text in texts).encode(errors="surrogatepass")
    return np.frombuffer(content, dtype=np.uint8)


def texts_of(column: Column) -> list[str]:
    return column.tobytes().decode(errors="surrogatepass").split(END)[:-1]


class Ragged:
    """Some doubles a row."""

    def __init__(self) -> None:
        self.values, self.ends = array("d"), array("q")

    def append(self, values: Iterable[float]) -> None:
        self.values.extend(values)
        self.ends.append(len(self.values))

    def __len__(self) -> int:
        return len(self.ends)

    def __getitem__(self, row: int) -> "array[float]":
        return self.values[self.ends[row - 1] if row else 0 : self.ends[row]]

    def plain(self, name: str) -> dict[str, Column]:
        """As arrays, under names that begin with this one."""
        return {f"{name} values": np.array(self.values), f"{name} ends": np.array(self.ends)}

    def fill(self, name: str, plain: Columns) -> None:
        """Put in what `plain` gave; ValueError where it is not that."""
        fill(self.values, plain[f"{name} values"])
        fill(self.ends, plain[f"{name} ends"])
        ends = np.array([0, *self.ends])
        if (np.diff(ends) < 0).any() or ends[-1] != len(self.values):
            raise ValueError("rows of another length")
