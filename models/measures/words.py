"""How differently classes of a corpus use words. Shapes: M words; N sentences; Y classes; V word types that occur."""

from typing import Any

import numpy as np
import numpy.typing as npt

Integers = npt.NDArray[np.integer[Any]]
Reals = npt.NDArray[np.float64]


def class_kl(tokens: Integers, offsets: Integers, labels: Integers, classes: int) -> float:
    """Return the mean of KL(P_a || P_b) over ordered pairs of classes a != b, in nats; arguments as for `class_kls`."""
    table = class_kls(tokens, offsets, labels, classes)
    return float(table[~np.eye(classes, dtype=bool)].mean())


def class_kls(tokens: Integers, offsets: Integers, labels: Integers, classes: int) -> Reals:
    """Return KL(P_a || P_b) in nats for classes a, b: (Y, Y), with P_c(w) = (n_cw + 1) / (N_c + V).

    Args:
        tokens: (M,) word ids of all sentences, one after another.
        offsets: (N + 1,) where sentences begin and end.
        labels: (N,) classes 0 .. Y - 1.
        classes: Y, two or more.

    Add-one smoothing keeps every KL finite; it draws classes of few words together, so corpora of different size are
    not comparable. ValueError for shapes that do not fit, or a class without a word.
    """
    counts = _counts(tokens, offsets, labels, classes) + 1.0
    shares = counts / counts.sum(1, keepdims=True)
    cross = shares @ np.log(shares).T
    return np.diag(cross)[:, None] - cross


def _counts(tokens: Integers, offsets: Integers, labels: Integers, classes: int) -> Reals:
    """How often each class has each word: (Y, V)."""
    _check(tokens, offsets, labels, classes)
    types, word = np.unique(tokens, return_inverse=True)
    owner = np.repeat(np.asarray(labels, dtype=np.int64), np.diff(offsets))
    counts = np.bincount(owner * len(types) + word, minlength=classes * len(types)).reshape(classes, len(types))
    empty = np.flatnonzero(counts.sum(1) == 0)
    if len(empty):
        raise ValueError(f"The KL between classes needs words of every class; classes {empty.tolist()} have none.")
    return counts.astype(np.float64)


def _check(tokens: Integers, offsets: Integers, labels: Integers, classes: int) -> None:
    if classes < 2:
        raise ValueError(f"The KL between classes needs two classes or more; there are {classes}.")
    if len(offsets) != len(labels) + 1 or offsets[0] != 0 or offsets[-1] != len(tokens):
        raise ValueError(
            f"Offsets mark where {len(labels)} labelled sentences begin and end in {len(tokens)} words; "
            "those given do not."
        )
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise ValueError(f"Labels number classes from 0 to {classes - 1}; some of those given do not.")
