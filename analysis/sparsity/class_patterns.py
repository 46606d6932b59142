"""Which components each class of sentences uses, seed by seed, and how far apart the classes are."""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from uncollapse.analysis.statistics.intervals import LEVEL, Array, mean_interval
from uncollapse.analysis.tables import numbers, stacked

FILE = "patterns.json"
MOST = 0.25  # variance of shares of 0 and 1 in equal parts
COLUMNS = ["family", "configuration", "seed", "class", "component", "on"]
SEPARATION_COLUMNS = ["family", "configuration", "seeds", "separation", "chance", "index", "low", "high"]
SEPARATION_COLUMNS += ["class_kl", "note"]


def read(text: str) -> tuple[list[str], Array]:
    """Class names and the shares (classes, components) of a class's sentences with a component on.

    ValueError where the file is not what the `patterns` probe writes.
    """
    try:
        kept = json.loads(text)
        names, on = [str(name) for name in kept["classes"]], np.array(kept["on"], dtype=float)
        if on.ndim != 2 or len(on) != len(names) or not ((on >= 0) & (on <= 1)).all():
            raise ValueError(f"{len(names)} classes and shares of shape {on.shape}")
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(
            f"{FILE} holds `classes` and a row of shares each in `on`; this one does not ({error!r}); train it again."
        ) from None
    return names, on


def table(texts: Mapping[str, Mapping[str, str]], judged: pd.DataFrame) -> pd.DataFrame:
    """A row per replicate trial, class and component: the share of the class's sentences with the component on.

    Components are numbered as in the trial; the same number means nothing in another seed. Trials without a readable
    file have no row. Columns: `COLUMNS`.
    """
    ended = _replicates(judged)
    tables = []
    for trial in ended[["key", *COLUMNS[:3]]].to_dict("records"):
        try:
            names, on = read(texts.get(trial.pop("key"), {}).get(FILE, ""))
        except ValueError:
            continue
        rows = pd.DataFrame({"class": np.repeat(names, on.shape[1]), "component": np.tile(range(on.shape[1]), len(on))})
        tables.append(rows.assign(on=on.ravel(), **trial)[COLUMNS])
    return stacked(tables, COLUMNS)


def separation(
    judged: pd.DataFrame,
    study: Mapping[str, Any],
    texts: Mapping[str, Mapping[str, str]] | None = None,
    level: float = LEVEL,
) -> pd.DataFrame:
    """How separate the classes' patterns are, per replicated configuration; columns `SEPARATION_COLUMNS`.

    separation: mean over finished seeds of the variance between classes of the share of sentences with a component on,
    averaged over components (at most 1/4); chance: the same for shuffled classes. index = (separation - chance) /
    (1/4 - chance), per seed: the mean over seeds, with Student's t interval. class_kl: mean KL between the words of two
    classes in nats (`word_kl`), the same for every row: what the text itself offers to tell classes by.
    """
    ended = _replicates(judged)
    known = ended.assign(
        separation=numbers(ended, "class_separation"), chance=numbers(ended, "class_separation_chance")
    )
    known = known[known["separation"].notna() & known["chance"].notna()]
    words = word_kl(study, texts)
    rows = [
        dict(zip(("family", "configuration"), names, strict=True)) | _separation(group, level) | {"class_kl": words}
        for names, group in known.groupby(["family", "configuration"], sort=False)
    ]
    return pd.DataFrame(rows, columns=SEPARATION_COLUMNS)


def _separation(group: pd.DataFrame, level: float) -> dict[str, Any]:
    found, chance = group["separation"].to_numpy(dtype=float), group["chance"].to_numpy(dtype=float)
    index, n = (found - chance) / (MOST - chance), len(group)
    row: dict[str, Any] = {"seeds": n, "separation": found.mean(), "chance": chance.mean(), "index": index.mean()}
    if n < 2:
        return row | {"note": "one seed: no interval"}
    low, high = mean_interval(index, level)
    note = "no component is on in one class more than in another" if not found.any() else ""
    return row | {"low": float(low), "high": float(high), "note": note}


def word_kl(study: Mapping[str, Any], texts: Mapping[str, Mapping[str, str]] | None = None) -> float:
    """Mean KL between the words of two classes, nats: the corpus's fact, else what a trial recorded, else NaN."""
    facts = (study.get("corpus") or {}).get("facts") or {}
    found = facts.get("class_kl") if isinstance(facts, Mapping) else None
    for files in (texts or {}).values():
        if found is None and FILE in files:
            found = _recorded(files[FILE])
    return float(found) if isinstance(found, (int, float)) and np.isfinite(found) else np.nan


def _recorded(text: str) -> Any:
    try:
        return json.loads(text).get("class_kl")
    except (ValueError, AttributeError):
        return None


def by_distinction(on: npt.ArrayLike) -> npt.NDArray[np.intp]:
    """Components of shares (classes, components), those that differ most between classes (variance) first."""
    return np.argsort(-np.asarray(on, dtype=float).var(axis=0), kind="stable")


def _replicates(judged: pd.DataFrame) -> pd.DataFrame:
    return judged[(judged["stage"] == "replicate") & (judged["state"] == "finished")]
