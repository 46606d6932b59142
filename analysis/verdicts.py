"""A verdict for every trial, from raw values and thresholds that can change without retraining."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.schema import WITHOUT_LATENT
from uncollapse.analysis.tables import complete, with_measures

JUDGED = ("ok", "partial", "collapsed")
VERDICTS = (*JUDGED, "no latent", "diverged", "failed", "dropped", "running", "missing", "unjudged")


@dataclass(frozen=True)
class Thresholds:
    """Bounds of the verdict, in nats per sentence.

    mi, latent_gain: a trial below either is `collapsed`.
    partial: a trial that is not collapsed but below this in either is `partial`; log 2 is one bit, too little to tell
        two halves of the corpus apart.
    version: raise it whenever a default or the rule changes.
    """

    mi: float = 0.1
    latent_gain: float = 0.1
    partial: float = math.log(2)
    version: int = 1

    def __post_init__(self) -> None:
        bounds = {"mi": self.mi, "latent_gain": self.latent_gain, "partial": self.partial}
        wrong = [f"{name} = {value}" for name, value in bounds.items() if not 0 < value < math.inf]
        if wrong:
            raise ValueError(f"A verdict's threshold is a positive number of nats; {', '.join(wrong)}.")

    @classmethod
    def of(cls, study: Mapping[str, Any]) -> "Thresholds":
        """The thresholds a study states, defaults where it states none."""
        stated = study.get("thresholds") or {}
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in stated.items() if key in known})

    def sentence(self) -> str:
        """The rule in words, for the page."""
        return (
            f"collapsed: mi < {self.mi:g} or latent_gain < {self.latent_gain:g} nats; "
            f"partial: not collapsed, but mi or latent_gain < {self.partial:.2g} nats (one bit is 0.69); "
            f"ok: everything else (thresholds version {self.version})"
        )


def judge(trials: pd.DataFrame, thresholds: Thresholds | None = None) -> pd.DataFrame:
    """The trials with plain measure columns, `verdict`, `collapsed` (NA where none can be given) and `strength`.

    A trial that did not end keeps its state as its verdict. A model without a latent is `no latent`, never collapsed.
    `unjudged`: it ended, but one of the two measures is absent. It stays unjudged even where the other is low: judging
    such trials only when they collapsed would bias every share upwards.
    `strength` = min(mi / its threshold, latent_gain / its threshold): collapsed means below 1.
    """
    bounds = thresholds or Thresholds()
    table = with_measures(complete(trials))
    mi, gain = table["mi"], table["latent_gain"]
    strength = pd.concat([mi / bounds.mi, gain / bounds.latent_gain], axis=1).min(axis=1, skipna=False)
    low = (mi < bounds.mi) | (gain < bounds.latent_gain)
    state = table["state"]
    rules = [(state == name, name) for name in ("failed", "diverged", "dropped", "running", "missing")]
    rules += [
        (table[list(WITHOUT_LATENT)].notna().any(axis=1) & mi.isna() & gain.isna(), "no latent"),
        (mi.isna() | gain.isna(), "unjudged"),
        (low, "collapsed"),
        ((mi < bounds.partial) | (gain < bounds.partial), "partial"),
    ]
    verdict = np.select([rule for rule, _ in rules], [label for _, label in rules], default="ok")
    table["verdict"] = pd.Categorical(verdict, categories=list(VERDICTS))
    judged = table["verdict"].isin(JUDGED)
    table["collapsed"] = (table["verdict"] == "collapsed").astype("boolean").where(judged)
    table["strength"] = strength.where(judged)
    return table


def baselines(judged: pd.DataFrame) -> list[str]:
    """Families without a latent: a likelihood without one recorded, and never a latent's measure."""
    found = judged.groupby("family")[[*WITHOUT_LATENT, "mi"]].count()
    without = found[list(WITHOUT_LATENT)].sum(axis=1) > 0
    return [str(name) for name in found.index[without & (found["mi"] == 0)]]
