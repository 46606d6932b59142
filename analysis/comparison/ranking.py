"""Which configuration is truly best by nll. Only replicate trials take part."""

from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.comparison.configurations import Contest, by_seed, configurations, contests
from uncollapse.analysis.statistics.intervals import Array
from uncollapse.analysis.statistics.medians import row_medians
from uncollapse.analysis.tables import UNIT

FEWEST = 5  # with three seeds it claims up to ten points too much
SCALE = 2.0
BOOTSTRAPS = 2000
_RATIOS = np.concatenate([[0.0], np.geomspace(0.05, 100, 50)])
_PROBABILITIES = ["scope", "contest", *UNIT, "rank", "nll", "seeds", "probability", "bootstrap", "note"]


def probability_of_best(
    judged: pd.DataFrame, table: pd.DataFrame | None = None, seed: int = 0, draws: int = BOOTSTRAPS
) -> pd.DataFrame:
    """The probability that a configuration has the lowest nll of its contest (see `comparison.contests`).

    `bootstrap` is the share of bootstraps over seeds, drawn jointly because they are paired, in which its median is
    lowest; ties share. It believes every difference that it sees, so what it claims of the chosen configuration is too
    much. `probability` shrinks them first: the true levels are normal about a common mean with sd tau, the bootstraps'
    covariance is the noise of the medians, and tau is integrated out under a half-Cauchy prior whose scale is two
    standard errors of a median (Gelman 2006, Bayesian Analysis 1, 515-534); see `shrunk`.

    Claimed minus true chance of the chosen one, in points, for a tau of so many sd of one seed's noise (simulated; mean
    over 2, 3 and 6 configurations, 5 and 10 seeds, normal, heavy-tailed and two-mode noise):

        tau             0.02   0.1   0.3   0.6     1     3
        bootstrap        +27   +21   +11    +3    +1    -1
        probability      +18   +12    +1    -6    -6    -3

    So `probability` is 3 points over on average of these, the bootstrap 10; both stay too sure where configurations
    hardly differ, which one study cannot tell. With three seeds both claim up to ten points more at the small tau, so
    below five there is none.

    Columns: nll and rank of the configuration, its `seeds`, both probabilities and a `note` where there is none.
    """
    known = configurations(judged) if table is None else table
    values = by_seed(judged, "nll")
    rows = [row for contest in contests(known) for row in _chances(contest, values, known, seed, draws)]
    return pd.DataFrame(rows + _outside(known), columns=_PROBABILITIES)


def _chances(
    contest: Contest, values: pd.DataFrame, table: pd.DataFrame, seed: int, draws: int
) -> list[dict[str, Any]]:
    figures = values.loc[contest.units].dropna(axis=1, how="all").to_numpy(dtype=float)
    rows = contest_rows(contest, table)
    if len(rows) == 1:
        return [row | {"note": "no other to compare with"} for row in rows]
    if figures.shape[1] < FEWEST:
        return [row | {"note": f"fewer than {FEWEST} seeds say too little"} for row in rows]
    medians = row_medians(figures)
    drawn = bootstrap_medians(figures, seed, draws)
    drawn = np.where(np.isnan(drawn), medians, drawn)
    both = zip(rows, shrunk(medians, drawn, seed), share_lowest(drawn), strict=True)
    return [row | {"probability": p, "bootstrap": b} for row, p, b in both]


def contest_rows(contest: Contest, table: pd.DataFrame) -> list[dict[str, Any]]:
    """A row for each configuration of a contest: what it is, its rank, nll and number of seeds."""
    own = table.set_index(UNIT).loc[contest.units].rename(columns={"finished": "seeds"}).reset_index()
    place = {"scope": contest.scope, "contest": contest.name, "note": ""}
    return [place | row for row in own[[*UNIT, "rank", "nll", "seeds"]].to_dict("records")]


def _outside(table: pd.DataFrame) -> list[dict[str, Any]]:
    thin = table[table["few_seeds"].astype(bool) | table["nll"].isna()]
    rows = thin[[*UNIT, "rank", "nll"]].assign(seeds=thin["finished"]).to_dict("records")
    note = "fewer than half of its seeds finished with a likelihood"
    return [{"scope": "configurations", "contest": row["family"], "note": note} | row for row in rows]


def bootstrap_medians(figures: Array, seed: int = 0, draws: int = BOOTSTRAPS) -> Array:
    """Medians (draws, configurations) over seeds drawn with replacement, the same seeds for every configuration."""
    count = figures.shape[1]
    picks = np.random.default_rng(seed).integers(count, size=(draws, count))
    return np.stack([row_medians(row[picks]) for row in figures], axis=1)


def share_lowest(drawn: Array) -> Array:
    """The share of rows in which each column is lowest; ties share."""
    lowest = drawn == drawn.min(axis=1, keepdims=True)
    return np.asarray((lowest / lowest.sum(axis=1, keepdims=True)).mean(axis=0))


def shrunk(medians: Array, drawn: Array, seed: int = 0, draws: int = 2 * BOOTSTRAPS) -> Array:
    """The share of shrunk bootstraps in which each configuration is lowest, tau integrated out.

    For contrasts u of the medians and their bootstraps' covariance W: u ~ N(0, tau^2 I + W), which weighs tau. Given
    tau, along the axes of W with noise w, k = tau^2 / (tau^2 + w): the true contrast is k u plus sqrt(k) times a
    bootstrap's deviation from u. It has the posterior's mean and variance, and is the bootstrap itself for large tau.
    """
    contrasts = _contrasts(len(medians))
    noise, axes = np.linalg.eigh(np.atleast_2d(contrasts @ np.cov(drawn.T) @ contrasts.T))
    size = float(noise.mean())
    if size <= 1e-12 * max(1.0, float(np.abs(medians).max()) ** 2):
        return share_lowest(medians[None])
    noise, seen = np.maximum(noise, 1e-6 * size), axes.T @ contrasts @ medians
    rng = np.random.default_rng(seed)
    tau2 = size * rng.choice(_RATIOS, size=draws, p=_weights(seen**2, noise, size))[:, None] ** 2
    kept = tau2 / (tau2 + noise)
    apart = (drawn - medians)[rng.integers(len(drawn), size=draws)] @ contrasts.T @ axes
    true = kept * seen + np.sqrt(kept) * apart
    return share_lowest((true @ axes.T @ contrasts).round(12))


def _weights(squares: Array, noise: Array, size: float) -> Array:
    """Posterior weights of tau at `_RATIOS` times sqrt(size): the marginal likelihood times the half-Cauchy prior."""
    spread = (_RATIOS**2 * size)[:, None]
    fit = -0.5 * (np.log(spread + noise) + squares / (spread + noise)).sum(axis=1)
    weights = np.gradient(_RATIOS) / (1 + (_RATIOS / SCALE) ** 2) * np.exp(fit - fit.max())
    return np.asarray(weights / weights.sum())


def _contrasts(count: int) -> Array:
    """Orthonormal rows that sum to zero (Helmert)."""
    rows = np.tril(np.ones((count - 1, count)))
    at = np.arange(1, count)
    rows[at - 1, at] = -at
    return np.asarray(rows / np.sqrt(at * (at + 1))[:, None])
