"""What became of every planned trial, and which of them gave no verdict."""

import pandas as pd

LOST = ("failed", "diverged", "missing", "unjudged")
LOST_COLUMNS = ["family", "stage", "configuration", "seed", "number", "verdict", "cause", "epochs", "key"]


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
