"""Hyperparameters that are meant to set how sparse codes become, and what their prior promises."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.dotted import at_path
from uncollapse.analysis.tables import PARAM, numbers, value_text

SPIKE = 0.05  # width of the spike where neither a hyperparameter nor the page states one: the latents' own default
COLUMNS = ["key", "group", "hyperparameter", "value", "log", "label", "prior"]


@dataclass(frozen=True)
class Hyperparameter:
    """A hyperparameter meant to set how sparse codes become: the higher its value, the sparser.

    paths: the dotted names it is made of, `value` the number from them, `label` what a line is called.
    kind: of the latent it belongs to; "" for a term of the objective, which says so by its path.
    log: a weight, which acts by its order of magnitude.
    gamma: whether the value is the prior's probability that a component is off.
    """

    name: str
    paths: tuple[str, ...]
    value: Callable[..., float]
    label: str
    kind: str = ""
    log: bool = False
    gamma: bool = False


def _same(value: float) -> float:
    return value


HYPERPARAMETERS = (
    Hyperparameter(
        "E[gamma] = alpha / (alpha + beta)",
        ("latent.alpha", "latent.beta"),
        lambda alpha, beta: alpha / (alpha + beta),
        "Beta({}, {})",
        "spike_slab",
        gamma=True,
    ),
    Hyperparameter("gamma of the prior", ("latent.gamma",), _same, "γ {}", "sparse_prior", gamma=True),
    Hyperparameter(
        "off-rate 1 - target_rate", ("latent.target_rate",), lambda rate: 1 - rate, "rate {}", "variational_sparse"
    ),
    Hyperparameter("MMD weight", ("objective.mmd.value",), _same, "MMD {}", log=True),
    Hyperparameter("L1 weight", ("objective.l1.value",), _same, "L1 {}", log=True),
    Hyperparameter("L2 weight", ("objective.l2.value",), _same, "L2 {}", log=True),
)


def of_trials(judged: pd.DataFrame, study: Mapping[str, Any], path: str) -> pd.Series:
    """One hyperparameter of every trial: as searched where a trial has it, else what its family's page
    fixes."""
    pages = (study.get("settings") or {}).get("families") or {}
    fixed = judged["family"].map({family: _fixed(pages, str(family), path) for family in judged["family"].unique()})
    searched = judged[PARAM + path] if PARAM + path in judged else pd.Series(np.nan, index=judged.index)
    return searched.astype(object).where(searched.notna(), fixed)


def _fixed(pages: Any, family: str, path: str) -> Any:
    page = pages.get(family) if isinstance(pages, Mapping) else None
    found = at_path(page, f"base.{path}")
    return np.nan if found is None or isinstance(found, (Mapping, list)) else found


def values(judged: pd.DataFrame, study: Mapping[str, Any]) -> pd.DataFrame:
    """Each trial's hyperparameters: key, group, hyperparameter, value, log, label, prior. A trial without any has no
    row.

    `group` is the family, or the names of all families whose pages agree in everything but a fixed hyperparameter:
    together they are one family whose hyperparameter varies. `prior` is the Average Hoyer of draws from the prior
    itself, for replicate trials with such a prior. Defaults that a page leaves out are not recorded: without them
    there is no hyperparameter.
    """
    tables = [pd.DataFrame(columns=COLUMNS)]
    kind = of_trials(judged, study, "latent.kind")
    size, spike = (_number(of_trials(judged, study, f"latent.{name}")) for name in ("size", "spike"))
    for hyperparameter in HYPERPARAMETERS:
        parts = pd.DataFrame({path: _number(of_trials(judged, study, path)) for path in hyperparameter.paths})
        ours = parts.notna().all(axis=1) & ((kind == hyperparameter.kind) | kind.isna() | (hyperparameter.kind == ""))
        if ours.any():
            own = parts[ours]
            value = pd.Series([hyperparameter.value(*row) for row in own.to_numpy()], index=own.index)
            label = [hyperparameter.label.format(*(value_text(float(v)) for v in row)) for row in own.to_numpy()]
            group = judged.loc[ours, "family"].map(_groups(judged.loc[ours], study, hyperparameter))
            confirmed = ours & hyperparameter.gamma & (judged["stage"] == "replicate")
            prior = _priors(value, size.where(confirmed)[ours], spike[ours].fillna(SPIKE))
            table = judged.loc[ours, ["key"]].assign(
                group=group, hyperparameter=hyperparameter.name, value=value, log=hyperparameter.log
            )
            tables.append(table.assign(label=label, prior=prior))
    return pd.concat(tables[1:] or tables, ignore_index=True)


def labels(judged: pd.DataFrame, study: Mapping[str, Any]) -> dict[tuple[str, str], tuple[str, str]]:
    """(family, configuration) -> its group and its hyperparameters in words, as the HSVAE paper names the lines of
    its Figure 3.

    Beta(alpha, beta), or weights beside the weight of the KL. A family without such a hyperparameter is its own
    group, without words; one with several belongs to its largest group.
    """
    found = values(judged, study).merge(judged[["key", "family", "configuration"]].drop_duplicates("key"), on="key")
    weight = of_trials(judged, study, "objective.kl.z.value").set_axis(judged["key"])
    named: dict[tuple[str, str], tuple[str, str]] = {}
    for unit, rows in found.drop_duplicates(["family", "configuration", "hyperparameter"]).groupby(
        ["family", "configuration"]
    ):
        words = list(rows["label"])
        kl = weight.get(rows["key"].iloc[0])
        if rows["log"].any() and pd.notna(kl):
            words.append(f"KL {value_text(kl)}")
        named[str(unit[0]), str(unit[1])] = max(rows["group"], key=len), ", ".join(words)
    return named


def _number(values: pd.Series) -> pd.Series:
    return numbers(values.to_frame("value"), "value")


def _groups(trials: pd.DataFrame, study: Mapping[str, Any], hyperparameter: Hyperparameter) -> dict[str, str]:
    """Family -> group. Families that search the hyperparameter, or whose pages are not known, stand alone."""
    pages = (study.get("settings") or {}).get("families") or {}
    alike: dict[str, list[str]] = {}
    for family in trials["family"].unique():
        own = trials[trials["family"] == family]
        searched = any(PARAM + path in own and own[PARAM + path].notna().any() for path in hyperparameter.paths)
        page = pages.get(family) if isinstance(pages, Mapping) else None
        rest = family if searched or not isinstance(page, Mapping) else repr(_without(page.get("base"), hyperparameter))
        alike.setdefault(str(rest), []).append(str(family))
    return {family: ", ".join(names) for names in alike.values() for family in names}


def _without(base: Any, hyperparameter: Hyperparameter) -> Any:
    """A page without the hyperparameter, with its keys in order."""
    rest = deepcopy(base)
    for path in hyperparameter.paths:
        *folders, last = path.split(".")
        place = rest
        for folder in folders:
            place = place.get(folder, {}) if isinstance(place, Mapping) else {}
        if isinstance(place, dict):
            place.pop(last, None)
    return _sorted(rest)


def _sorted(value: Any) -> Any:
    return [(key, _sorted(value[key])) for key in sorted(value)] if isinstance(value, Mapping) else value


def _priors(gamma: pd.Series, size: pd.Series, spike: pd.Series) -> list[float]:
    rows = zip(gamma, size, spike, strict=True)
    return [np.nan if pd.isna(d) else prior_hoyer(round(float(g), 3), int(d), float(s)) for g, d, s in rows]


@cache
def prior_hoyer(gamma: float, size: int, spike: float = SPIKE, seed: int = 0) -> float:
    """Average Hoyer, not centred, of draws from the prior gamma N(0, spike^2) + (1 - gamma) N(0, 1) in each dimension.

    By Monte Carlo over 60,000 components or more: within 0.01. Under Beta(alpha, beta) only E[gamma] matters, since
    each component draws its own gamma. It rises to a peak near gamma = 0.85 (size 32) and falls where a code is spike
    in nearly every dimension. NaN below two dimensions.
    """
    if size < 2:
        return np.nan
    rng = np.random.default_rng(seed)
    shape = (max(300, 60_000 // size), size)
    draws = np.abs(rng.normal(size=shape) * np.where(rng.random(shape) < gamma, spike, 1.0))
    root = np.sqrt(size)
    return float(((root - draws.sum(axis=1) / np.sqrt((draws**2).sum(axis=1))) / (root - 1)).mean())
