"""Active units. Shapes: N sentences (or tokens); C components."""

from collections.abc import Sequence

from torch import Tensor

from uncollapse.models.measures.checks import check_rows

THRESHOLDS = (0.001, 0.01, 0.02, 0.1)  # 0.01 is Burda et al.'s, 0.02 that of the code of Dieng et al. (2019)


def unit_variances(means: Tensor) -> Tensor:
    """Return Var_x(E_q z_c) over posterior means (N, C), unbiased: (C,) in float64.

    ValueError for fewer than two rows or values that are not finite.
    """
    return check_rows(means, "posterior means").var(0)


def active_units_by_threshold(
    means: Tensor, thresholds: Sequence[float] = THRESHOLDS, unit: float = 1.0
) -> dict[float, int]:
    """Return threshold -> how many components of the posterior means (N, C) vary by more than threshold * `unit`.

    The unit is 1 for a prior of unit variance (Burda et al., 2016). On the unit sphere in d dimensions the variances
    sum to 1 at most, 1/d for each: at d = 50, 0.01 asks for half of that. The unit `variance_on_sphere(d)` puts a
    sphere on an equal footing.
    """
    variances = unit_variances(means)
    return {threshold: int((variances > threshold * unit).sum()) for threshold in thresholds}


def variance_on_sphere(components: int) -> float:
    """Return 1 / d: the largest variance that all d components of a vector of length one can have at once."""
    return 1 / components
