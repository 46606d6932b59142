"""Every table of a study's analysis, computed once from its records."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis import collapse, comparison, response, stability
from analysis.records import Records
from analysis.tables import complete_curves, family_order
from analysis.verdicts import Thresholds, judge, yardsticks

LOST = ("failed", "diverged", "missing", "unjudged")
LOST_COLUMNS = ["family", "stage", "configuration", "seed", "number", "verdict", "cause", "epochs", "key"]


@dataclass(frozen=True)
class Findings:
    """The tables that pictures, sentences, pages and files are made from; each is documented where it is computed."""

    study: Mapping[str, Any]
    thresholds: Thresholds
    order: list[str]
    yardsticks: list[str]
    judged: pd.DataFrame
    curves: pd.DataFrame
    configurations: pd.DataFrame
    families: pd.DataFrame
    curve: pd.DataFrame
    populations: pd.DataFrame
    hoyer: pd.DataFrame
    hoyer_spread: pd.DataFrame
    response: pd.DataFrame
    correlations: pd.DataFrame
    levels: pd.DataFrame
    promises: pd.DataFrame
    lost: pd.DataFrame
    states: pd.DataFrame
    texts: Mapping[str, Mapping[str, str]]


def find(records: Records) -> Findings:
    """Judge every trial and compute every table; families keep the study's order."""
    thresholds = Thresholds.of(records.study)
    judged = judge(records.trials, thresholds)
    order = family_order(records.study, judged)
    judged = judged.sort_values("family", key=lambda c: c.map({f: i for i, f in enumerate(order)}), kind="stable")
    tidy = response.tidy(judged)
    curves = complete_curves(records.curves)
    return Findings(
        study=records.study,
        thresholds=thresholds,
        order=order,
        yardsticks=yardsticks(judged),
        judged=judged,
        curves=curves,
        configurations=comparison.configurations(judged),
        families=collapse.by_family(judged),
        curve=collapse.threshold_curve(judged),
        populations=collapse.by_population(judged),
        hoyer=stability.across_seeds(judged),
        hoyer_spread=stability.spread(judged),
        response=tidy,
        correlations=response.correlations(tidy),
        levels=response.levels(tidy),
        promises=comparison.promises(judged, records.study),
        lost=lost(judged),
        states=states(judged),
        texts=records.texts,
    )


def lost(judged: pd.DataFrame) -> pd.DataFrame:
    """Every planned trial that failed, diverged, is missing, or ended without the figures a verdict needs."""
    table = judged[judged["verdict"].isin(LOST)].assign(verdict=lambda t: t["verdict"].astype(str))
    return table.sort_values(["verdict", "cause"], kind="stable")[LOST_COLUMNS].reset_index(drop=True)


def causes(lost_trials: pd.DataFrame) -> pd.DataFrame:
    """Lost trials counted by family and `label`: the verdict with its cause."""
    cause = lost_trials["cause"].where(lost_trials["cause"] != "", "no cause recorded")
    label = (lost_trials["verdict"] + ": " + cause).where(lost_trials["verdict"] != "missing", "missing: never ran")
    label = label.where((lost_trials["verdict"] != "missing") | (lost_trials["cause"] == ""), "missing: " + cause)
    counts = lost_trials.assign(label=label).groupby(["family", "label"], sort=False).size()
    return counts.rename("trials").reset_index()


def states(judged: pd.DataFrame) -> pd.DataFrame:
    """Trials by family and stage, a column per state: nothing planned is left out."""
    counts = judged.groupby(["family", "stage", "state"], sort=False).size().rename("trials")
    return counts.reset_index()
