"""Posterior collapse, or not: a verdict for every trial, from raw values and thresholds that can change without
retraining."""

import numpy as np
import pandas as pd

from uncollapse.analysis.schema import WITHOUT_LATENT
from uncollapse.analysis.tables import complete, with_measures
from uncollapse.analysis.verdict_rule import COLLAPSED, DEFAULT, JUDGED, VERDICTS, Thresholds, verdicts

NO_OUTCOME = ("failed", "diverged", "dropped", "running", "missing")  # a trial in one of these states has no outcome


def judge(trials: pd.DataFrame, thresholds: Thresholds = DEFAULT) -> pd.DataFrame:
    """The trials with plain measure columns, `verdict`, `collapsed` (NA where none can be given) and `strength`.

    A trial that did not end keeps its state as its verdict.
    `strength` = min(mi / its threshold, latent_gain / its threshold): collapsed means below 1.
    """
    table = with_measures(complete(trials))
    mi, gain = table["mi"], table["latent_gain"]
    without_latent = table[list(WITHOUT_LATENT)].notna().any(axis=1)
    verdict = np.where(table["state"].isin(NO_OUTCOME), table["state"], verdicts(mi, gain, without_latent, thresholds))
    table["verdict"] = pd.Categorical(verdict, categories=list(VERDICTS))
    judged = table["verdict"].isin(JUDGED)
    table["collapsed"] = (table["verdict"] == COLLAPSED).astype("boolean").where(judged)
    strength = pd.concat([mi / thresholds.mi, gain / thresholds.latent_gain], axis=1).min(axis=1, skipna=False)
    table["strength"] = strength.where(judged)
    return table


def baselines(judged: pd.DataFrame) -> list[str]:
    """Families without a latent: a likelihood without one recorded, and never a latent's measure."""
    found = judged.groupby("family")[[*WITHOUT_LATENT, "mi"]].count()
    without = found[list(WITHOUT_LATENT)].sum(axis=1) > 0
    return [str(name) for name in found.index[without & (found["mi"] == 0)]]
