"""Comparisons of samples with their law."""

import numpy as np
from torch import Tensor


def assert_mean(sample: Tensor, expected: float | Tensor, errors: float = 4.0, rounding: float = 1e-6) -> None:
    """Assert that the mean over the first axis lies within `errors` standard errors, plus rounding, of `expected`."""
    sample = sample.double()
    standard_error = sample.std(0) / np.sqrt(sample.shape[0])
    gap = (sample.mean(0) - expected).abs()
    assert (gap <= errors * standard_error + rounding).all(), (gap / standard_error).max()
