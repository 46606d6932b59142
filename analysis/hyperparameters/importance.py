"""How much each searched hyperparameter decides, by Optuna's importance evaluators over a family's search trials.

A search is adaptive: a share speaks of the configurations that it visited, not of how often anything happens. What is
    decided
(the rank by NLL, the verdict) and how hyperparameters of one branch are treated is said in
`analysis.hyperparameters.importance_targets`.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from uncollapse.analysis.hyperparameters.importance_targets import Array, Case, cases
from uncollapse.analysis.statistics.intervals import LEVEL

EVALUATORS = ("fanova", "impurity", "ped-anova")
_FACTS = ["family", "target", "hyperparameter", "branch", "evaluator", "trials", "active"]
COLUMNS = [*_FACTS, "share", "low", "high", "chance", "note"]
AGREEMENT_COLUMNS = ["family", "target", "evaluator", "other", "hyperparameters", "spearman", "same_first", "note"]
TREES, DRAWS, DRAWN_TREES, DEPTH, SHADOWS = 32, 16, 6, 5, 5

Shares = Callable[[Array, int, int], pd.Series]


def importances(
    judged: pd.DataFrame, evaluator: str = "fanova", level: float = LEVEL, seed: int = 0, draws: int = DRAWS
) -> pd.DataFrame:
    """Share of each hyperparameter in deciding nll and collapse, per family and target; the shares of one case sum to
    1.

    The default is fANOVA (Hutter, Hoos and Leyton-Brown 2014): the variance of a random forest's prediction over one
    hyperparameter, the others averaged out. In simulated searches of 24, 60 and 200 trials with one hyperparameter
    that has an effect it put that hyperparameter first every time; PED-ANOVA, as Optuna sets it by default, never did
    with 24 trials.

    Columns: family, target, hyperparameter; branch, where a hyperparameter of one branch is set; evaluator; trials;
        active, the trials in
    which the hyperparameter is set; share; low and high: share +- z times the root mean square distance between it
    and the shares of half-samples of the trials (drawn without replacement, so that they spread as the whole does),
    cut to [0, 1];
    chance: the largest share among 5 made-up hyperparameters of random numbers (as in Boruta, Kursa and Rudnicki
        2010; NaN for
    PED-ANOVA), which a hyperparameter without effect may reach; note: why there is no figure (under 10 trials, under
    3 of the rarer verdict), or what weakens it (under 20). Beyond 300 trials of a family a random 300 are used, as
    noted. The interval covers the mean share over searches of the same size (by hyperparameter, in 89 to 100 % of 100
    simulated searches of 24 trials, in 96 to 100 % of 60 trials), and not the share that infinitely many trials would
    give: with few trials a forest spreads a part over hyperparameters without effect, and a strong hyperparameter has
        more than it
    shows. ValueError for an unknown evaluator.
    """
    if evaluator not in EVALUATORS:
        raise ValueError(f"An evaluator is one of {', '.join(EVALUATORS)}; found {evaluator!r}.")
    tables = [_table(case, evaluator, level, seed, draws) for case in cases(judged)]
    return pd.concat(tables or [pd.DataFrame(columns=COLUMNS)], ignore_index=True)


def _table(case: Case, evaluator: str, level: float, seed: int, draws: int) -> pd.DataFrame:
    names = list(case.codes.columns)
    facts = {"family": case.family, "target": case.target, "evaluator": evaluator, "trials": len(case.outcome)}
    table = pd.DataFrame({"hyperparameter": names, "branch": [case.branches[name] for name in names]})
    table = table.assign(**facts, active=case.codes.notna().sum().to_numpy(), note=case.note)
    known = _figures(case, evaluator, level, seed, draws) if case.known else {}
    figures = {name: known.get(name, np.nan) for name in ("share", "low", "high", "chance")}
    return table.assign(**figures).sort_values("share", ascending=False, kind="stable")[COLUMNS]


def _figures(case: Case, evaluator: str, level: float, seed: int, draws: int) -> dict[str, Any]:
    rng, n, names = np.random.default_rng(seed), len(case.outcome), list(case.codes.columns)
    shares = _shares(case, evaluator, rng)
    whole = shares(case.outcome, TREES, seed)
    share, made_up = whole[names].to_numpy(), whole.drop(names)
    halves = [np.where(rng.permutation(n) < n // 2, case.outcome, np.nan) for _ in range(draws)]
    drawn = pd.DataFrame([shares(half, DRAWN_TREES, seed + i)[names] for i, half in enumerate(halves, 1)]).dropna()
    figures = {"share": share, "chance": min(float(made_up.max()), 1.0) if len(made_up) else np.nan}
    if len(drawn) < 2:
        return figures
    reach = stats.norm.ppf(0.5 + level / 2) * np.sqrt(((drawn.to_numpy() - share) ** 2).mean(axis=0))
    return figures | {"low": np.maximum(share - reach, 0), "high": np.minimum(share + reach, 1)}


def _shares(case: Case, evaluator: str, rng: np.random.Generator) -> Shares:
    """A function from an outcome (NaN: left out), a number of trees and a seed to shares; real hyperparameters sum to
    1.

    Forests see made-up hyperparameters beside the real ones. PED-ANOVA takes hyperparameters that are not always set
    as they are.
    """
    names, n = list(case.codes.columns), len(case.outcome)
    forest = evaluator != "ped-anova"
    made_up = {f"made up {i}": rng.permutation(n) for i in range(SHADOWS if forest else 0)}
    study = _study((case.filled if forest else case.codes).assign(**made_up), case.categorical)

    def shares(outcome: Array, trees: int, seed: int) -> pd.Series:
        found = _evaluate(study, evaluator, outcome, trees, seed).reindex([*names, *made_up])
        total = found[names].sum()
        return found / total if total > 0 else found * np.nan

    return shares


def _study(codes: pd.DataFrame, categorical: frozenset[str]) -> Any:
    """An Optuna study in memory with one finished trial per row, in order; the outcome comes with each evaluation."""
    import optuna

    def distribution(name: str, top: int) -> Any:
        if name in categorical:
            return optuna.distributions.CategoricalDistribution(range(top + 1))
        return optuna.distributions.IntDistribution(0, top)

    distributions = {name: distribution(name, int(top)) for name, top in codes.max().items()}
    spoken = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study()
    optuna.logging.set_verbosity(spoken)
    for row in codes.to_dict("records"):
        params = {name: int(code) for name, code in row.items() if not np.isnan(code)}
        own = {name: distributions[name] for name in params}
        study.add_trial(optuna.create_trial(params=params, distributions=own, value=0.0))
    return study


def _evaluate(study: Any, evaluator: str, outcome: Array, trees: int, seed: int) -> pd.Series:
    """Optuna's importances of the trials with an outcome; empty where the outcome does not vary enough to fit it."""
    from optuna import importance

    known = outcome[~np.isnan(outcome)]
    if len(known) < 2 or np.ptp(known) == 0:
        return pd.Series(dtype=float)
    judge: Any
    if evaluator == "ped-anova":
        judge = importance.PedAnovaImportanceEvaluator(target_quantile=_better(known))
    elif evaluator == "impurity":
        judge = importance.MeanDecreaseImpurityImportanceEvaluator(n_trees=trees, max_depth=DEPTH, seed=seed)
    else:
        judge = importance.FanovaImportanceEvaluator(n_trees=trees, max_depth=DEPTH, seed=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            found = importance.get_param_importances(study, evaluator=judge, target=lambda t: float(outcome[t.number]))
        except RuntimeError:
            return pd.Series(dtype=float)
    return pd.Series(found, dtype=float)


def _better(outcome: Array) -> float:
    """PED-ANOVA's share of good trials: those that did not collapse, or the better half by rank."""
    cut = np.median(outcome) if np.unique(outcome).size > 2 else outcome.min()
    good = (outcome <= cut).sum() if (outcome <= cut).any() and cut < outcome.max() else (outcome < outcome.max()).sum()
    return float((good - 0.5) / len(outcome))


def agreement(judged: pd.DataFrame, found: pd.DataFrame, seed: int = 0) -> pd.DataFrame:
    """Whether Optuna's other evaluators order the hyperparameters as `found` (of `importances`) does.

    Columns: family, target, evaluator, other, hyperparameters; spearman, the rank correlation of the shares over the
        hyperparameters, NaN
    below 3 hyperparameters or where one evaluator tells none apart; same_first, whether both put the same
    hyperparameter first; note, the same in a sentence.
    """
    rows = [row for case in cases(judged) if case.known for row in _agreement_rows(case, found, seed)]
    return pd.DataFrame(rows, columns=AGREEMENT_COLUMNS)


def _agreement_rows(case: Case, found: pd.DataFrame, seed: int) -> list[dict[str, Any]]:
    own = found[(found["family"] == case.family) & (found["target"] == case.target)].dropna(subset=["share"])
    if own.empty:
        return []
    first, shares = str(own["evaluator"].iloc[0]), own.set_index("hyperparameter")["share"]
    names = list(case.codes.columns)
    others = [name for name in EVALUATORS if name != first]
    rng = np.random.default_rng(seed)
    return [
        {
            "family": case.family,
            "target": case.target,
            "evaluator": first,
            "other": other,
            "hyperparameters": len(names),
        }
        | _compared(shares[names], _shares(case, other, rng)(case.outcome, TREES, seed)[names], first, other)
        for other in others
    ]


def _compared(shares: pd.Series, others: pd.Series, name: str, other: str) -> dict[str, Any]:
    if len(shares) < 3 or others.isna().any() or np.ptp(others) == 0 or np.ptp(shares) == 0:
        return {"spearman": np.nan, "same_first": pd.NA, "note": f"{other} cannot be compared with {name} here"}
    correlation, same = float(stats.spearmanr(shares, others)[0]), shares.idxmax() == others.idxmax()
    firsts = [f"both put {shares.idxmax()} first", f"{name} puts {shares.idxmax()} first, {other} {others.idxmax()}"]
    note = f"{firsts[0] if same else firsts[1]}; rank correlation {correlation:+.2f}"
    return {"spearman": correlation, "same_first": bool(same), "note": note}
