"""A family's search trials as questions that an importance evaluator can answer: hyperparameters as codes, an outcome
per trial.

nll: the trial's rank by NLL. Ranks, because a few very bad trials would decide a variance of nats. A trial that was
stopped early or diverged counts as worse than every finished one: leaving it out would hide the hyperparameters whose
    bad values
are never finished.
collapse: the verdict, 0 or 1, of finished trials. The verdict and not `strength`, whose variance lies among trials that
are far from collapse; finished ones, because the figures of a stopped trial are early ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from uncollapse.analysis.counted import counted
from uncollapse.analysis.hyperparameters.response import typed
from uncollapse.analysis.tables import hyperparameter_label, hyperparameters

Array = npt.NDArray[np.float64]
TARGETS = ("nll", "collapse")
TOO_FEW, FEW, MOST, RARE = 10, 20, 300, 3


@dataclass(frozen=True)
class Case:
    """One family and one outcome: a row of codes per trial and a column per hyperparameter that varies, NaN where it
    is not set.

    Codes are the ranks of a numeric hyperparameter's distinct values, or the levels of a categorical one.
    branches: for a hyperparameter of one branch, where it is set: `objective.kl.z.kind = linear`; "" for the others.
    note: why no figure can be given (then not `known`), or what weakens it.
    """

    family: str
    target: str
    codes: pd.DataFrame
    categorical: frozenset[str]
    branches: dict[str, str]
    outcome: Array
    note: str = ""
    known: bool = True

    @property
    def filled(self) -> pd.DataFrame:
        """Codes with trials that lack a hyperparameter at its middle value, or at its most common level.

        So the choice of a branch answers for differences between branches, its hyperparameters for those within it.
        """
        middle = {
            name: values.mode().iloc[0] if name in self.categorical else values.max() // 2
            for name, values in self.codes.items()
        }
        return self.codes.fillna(middle)


def cases(judged: pd.DataFrame) -> Iterator[Case]:
    """A case per family and outcome in which at least one hyperparameter varies."""
    search = judged[judged["stage"] == "search"]
    for family, group in search.groupby("family", sort=False):
        for target in TARGETS:
            outcome = _outcome(group, target)
            if coded := _coded(trials := group.loc[outcome.index]):
                yield _fewer(_case(str(family), target, trials, coded, outcome.to_numpy(dtype=float)))


def _outcome(group: pd.DataFrame, target: str) -> pd.Series:
    finished = group["state"] == "finished"
    if target == "collapse":
        return group.loc[finished & group["collapsed"].notna(), "collapsed"].astype(float)
    ended = group[(finished & group["nll"].notna()) | group["state"].isin(["stopped", "diverged"])]
    figures = ended["nll"].where(ended["state"] == "finished", np.inf).to_numpy(dtype=float)
    return pd.Series(stats.rankdata(figures), index=ended.index, dtype=float)


Coded = dict[str, tuple[pd.Series, str]]


def _coded(trials: pd.DataFrame) -> Coded:
    """Codes and kind, by column, of every hyperparameter that takes at least two values."""
    found = {column: typed(trials[column].dropna()) for column in hyperparameters(trials)}
    varying = {column: pair for column, pair in found.items() if pair[0].nunique() > 1}
    return {column: (values.rank(method="dense") - 1, kind) for column, (values, kind) in varying.items()}


def _case(family: str, target: str, trials: pd.DataFrame, coded: Coded, outcome: Array) -> Case:
    codes = pd.DataFrame({hyperparameter_label(c): values for c, (values, _) in coded.items()}, index=trials.index)
    categorical = frozenset(hyperparameter_label(c) for c, (_, kind) in coded.items() if kind == "categorical")
    branches = {hyperparameter_label(c): _branch(trials, c) for c in coded}
    note, known = _standing(target, outcome)
    return Case(family, target, codes.reset_index(drop=True), categorical, branches, outcome, note, known)


def _branch(trials: pd.DataFrame, column: str) -> str:
    """The complete `.kind` hyperparameter whose level decides whether a hyperparameter is set, with that level."""
    present = trials[column].notna()
    kinds = (
        [] if present.all() else [c for c in hyperparameters(trials) if c.endswith(".kind") and trials[c].notna().all()]
    )
    for kind in kinds:
        chosen = trials.loc[present, kind].unique()
        if (trials[kind].isin(chosen) == present).all():
            return f"{hyperparameter_label(kind)} = {' or '.join(map(str, chosen))}"
    return ""


def _standing(target: str, outcome: Array) -> tuple[str, bool]:
    """What weakens a case or forbids a figure, and whether there is one."""
    n = len(outcome)
    if n < TOO_FEW:
        return f"{counted(n, 'trial')}: too few to tell what decides", False
    if target == "collapse" and min(outcome.sum(), n - outcome.sum()) < RARE:
        return f"{outcome.sum():.0f} of {counted(n, 'trial')} collapsed: too one-sided to tell what decides", False
    if np.ptp(outcome) == 0:
        return f"the NLL of {counted(n, 'trial')} is the same or unknown", False
    return f"only {counted(n, 'trial')}" if n < FEW else "", True


def _fewer(case: Case) -> Case:
    """At most `MOST` trials, drawn at random: more would make the evaluators slow and their figures hardly better."""
    n = len(case.outcome)
    if n <= MOST or not case.known:
        return case
    keep = np.sort(np.random.default_rng(0).permutation(n)[:MOST])
    why, known = _standing(case.target, case.outcome[keep])
    note = f"a random {MOST} of {counted(n, 'trial')}" + (f"; of them {why}" if why else "")
    codes = case.codes.iloc[keep].reset_index(drop=True)
    codes = codes.loc[:, codes.nunique() > 1]  # a hyperparameter that is rarely set may not vary among those drawn
    return replace(case, codes=codes, outcome=case.outcome[keep], note=note, known=known and not codes.empty)
