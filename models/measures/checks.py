"""What every measure asks of its input."""

from torch import Tensor


class NotFinite(ValueError):
    """A measure was given a NaN or an infinity: the model it measures has diverged."""


def check_rows(rows: Tensor, what: str) -> Tensor:
    """Return `rows` (N, C) in float64; ValueError unless there are two rows, one column and finite values."""
    if rows.dim() != 2 or rows.shape[0] < 2 or rows.shape[1] < 1:
        raise ValueError(f"A measure needs a matrix of two rows or more of {what}; it was given {tuple(rows.shape)}.")
    return check_finite(rows, what)


def check_finite(values: Tensor, what: str) -> Tensor:
    """Return `values` in float64; `NotFinite` where one is NaN or infinite."""
    values = values.double()
    if not values.sum().isfinite() and not values.isfinite().all():  # the sum, which is cheaper, tells of either
        raise NotFinite(f"A measure needs finite {what}; some are NaN or infinite.")
    return values


def check_labels(labels: Tensor, count: int, classes: int) -> Tensor:
    """Return `labels` (N,) as int64; ValueError unless there are N = `count` of them, each in 0 .. classes - 1."""
    if labels.shape != (count,):
        raise ValueError(f"A measure of classes needs one label for each of {count} rows; found {tuple(labels.shape)}.")
    labels = labels.long()
    if count and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise ValueError(f"Labels number classes from 0 to {classes - 1}; some of those given do not.")
    return labels
