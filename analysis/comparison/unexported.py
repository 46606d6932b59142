"""Families of which nothing is exported: what came nearest, what it lacks, and what to try next."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from uncollapse.analysis.comparison.export_rule import ExportRule
from uncollapse.analysis.comparison.shortfall import lacks, nearest
from uncollapse.analysis.hyperparameters.moves import moves
from uncollapse.analysis.schema import SEARCH
from uncollapse.analysis.tables import family_order

COLUMNS = ["family", "configuration", "role", "settings", "lacks", "moves", "next"]
UNFINISHED = "no configuration has a finished confirmation seed"
MANY_SEEDS = 40  # a remedy that asks for more is none


def unexported(
    study: Mapping[str, Any],
    judged: pd.DataFrame,
    table: pd.DataFrame,
    response: pd.DataFrame,
    rule: ExportRule | None,
) -> pd.DataFrame:
    """One row per family that has confirmation runs or should have, and no configuration that keeps the export rule.

    `configuration`, `role` and `settings` are of the one nearest to the rule, empty where none has a finished seed;
    `lacks` is what it breaks, `moves` what the search says to move, as sentences, `next` the next edit and command.

    Args:
        study: the study's facts.
        judged: every trial with its verdict.
        table: `comparison.configurations`.
        response: tidy table of `hyperparameters.response`.
        rule: of export; None where the study has none, and then no family is unexported.
    """
    rows = [] if rule is None else list(_rows(study, judged, table, response, rule))
    return pd.DataFrame(rows, columns=COLUMNS)


def _rows(
    study: Mapping[str, Any], judged: pd.DataFrame, table: pd.DataFrame, response: pd.DataFrame, rule: ExportRule
) -> Iterator[dict[str, Any]]:
    for family in family_order(study, judged):
        own, trials = table[table["family"] == family], judged[judged["family"] == family]
        if not rule.keeping(own).empty:
            continue
        near = nearest(own)
        if near is None:
            found = {"lacks": _unconfirmed(study, family), "moves": moves(response, family, {})}
        else:
            start = trials[trials["configuration"] == near["configuration"]].iloc[0]
            found = {name: near[name] for name in ("configuration", "role", "settings")}
            found |= {"lacks": lacks(near, rule), "moves": moves(response, family, start)}
        empty = dict.fromkeys(("configuration", "role", "settings"), "")
        searched = int((trials["stage"] == SEARCH).sum())
        yield {"family": family, **empty, **found, "next": _next(study, near, searched, rule)}


def _unconfirmed(study: Mapping[str, Any], family: str) -> str:
    return f"{study.get('unconfirmed', {}).get(family) or UNFINISHED}: nothing is confirmed"


def _next(study: Mapping[str, Any], near: pd.Series | None, trials: int, rule: ExportRule) -> str:
    """The edit that may bring what is lacking, and the command that goes on from there."""
    run = next(iter(study.get("commands", ())), "uncollapse run")
    if near is not None and near["few_seeds"]:
        return f"see in the report what its lost seeds died of, mend that, then `{run}`"
    if near is not None and (seeds := _seeds(near, rule)):
        return f"`replicate.seeds: {seeds}` would do if its other seeds collapse as often, then `{run}`"
    if trials and "budget" in study:
        return f"more `search.hours`, points of your own under `search.start`, then `{run}`"
    if trials:
        return f"`search.trials: {2 * trials}`, points of your own under `search.start`, then `{run}`"
    return f"another base, or a space to search, then `{run}`"


def _seeds(near: pd.Series, rule: ExportRule) -> int | None:
    """How many seeds would do where too few are the only fault; None where more would not."""
    if not near["judged"] or near["dropped"] or rule.kept_by(near["collapsed"], near["judged"]):
        return None
    seeds = rule.seeds_needed(near["collapsed"] / near["judged"])
    return seeds if seeds is not None and near["planned"] < seeds <= MANY_SEEDS else None
