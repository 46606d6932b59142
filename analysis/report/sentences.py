"""The answer in plain sentences, with counts and intervals."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.comparison.configurations import best, estimator
from uncollapse.analysis.counted import counted
from uncollapse.analysis.findings import Findings
from uncollapse.analysis.losses import LOST
from uncollapse.analysis.report.budget import budget_sentence
from uncollapse.analysis.report.reuse import reuse_sentence
from uncollapse.analysis.report.wording import listed, percent, percent_range, share_text

MOST = 0.999  # bootstraps cannot tell more
EMPTY = "The study has no trials: nothing was planned or recorded, so there is nothing to report."


def headline(found: Findings) -> list[str]:
    """The study's answer in a few sentences; an empty or unconfirmed study gets a sentence that says so."""
    damaged = list(found.study.get("damaged", ()))
    if found.judged.empty:
        return [*damaged, EMPTY]
    said = (*damaged, _coverage(found), _collapse(found), _likelihood(found), _sparsity(found), _losses(found))
    return [sentence for sentence in (*said, reuse_sentence(found), budget_sentence(found)) if sentence]


def family_sentences(found: Findings) -> dict[str, str]:
    """One sentence per family of the study: how often it collapses, and which seeds are not counted."""
    rows = {row["family"]: row for row in found.families.to_dict("records")}
    return {name: _family(name, rows.get(name), found) for name in found.order}


def _coverage(found: Findings) -> str:
    stages = found.judged["stage"].value_counts()
    replicates = found.judged[found.judged["stage"] == "replicate"]
    text = (
        f"{counted(found.judged['family'].nunique(), 'family')}, "
        f"{counted(int(stages.get('search', 0)), 'search trial')}"
    )
    if replicates.empty:
        return text + ". No confirmation run is planned yet: a search alone cannot say how often training collapses."
    units = replicates.groupby(["family", "configuration"]).ngroups
    seeds = replicates["seed"].nunique()
    size = f"{counted(units, 'configuration')} × {counted(seeds, 'seed')}"
    saved = replicates[replicates["state"] == "dropped"]
    if len(saved):
        dropped = counted(saved.groupby(["family", "configuration"]).ngroups, "configuration")
        size += f", less {counted(len(saved), 'run')} of {dropped} that lost the race"
    return f"{text} and {counted(len(replicates) - len(saved), 'confirmation run')} ({size})."


def _collapse(found: Findings) -> str:
    known = found.families[found.families["judged"] > 0]
    if known.empty:
        planned = (found.families["no latent"] == 0).any()
        return "No confirmation run of a model with a code could be judged." if planned else ""
    some = known[known["collapsed"] > 0].sort_values("share", ascending=False, kind="stable")
    never = known[known["collapsed"] == 0]
    parts = []
    if len(some):
        shares = listed(f"{row['family']} ({percent(row['share'])})" for row in some.to_dict("records"))
        parts.append(f"Collapsed on some confirmation seed: {shares}.")
    if len(never):
        limit = percent(float(never["high"].max()))
        whose = listed(str(name) for name in never["family"])
        parts.append(f"Never seen to collapse: {whose}; with this many seeds that still allows up to {limit}.")
    return " ".join(parts)


def _likelihood(found: Findings) -> str:
    winners = best(found.configurations)
    exact = winners["family"].isin(found.baselines)
    models = [f"The language model {row['family']} has {_nll(row, found.study)}." for row in _rows(winners[exact])]
    with_code = winners[~exact]
    return " ".join([_best_likelihood(with_code, found), *models] if len(with_code) else models)


def _best_likelihood(winners: pd.DataFrame, found: Findings) -> str:
    first = winners.loc[winners["nll"].idxmin()]
    text = f"Best likelihood: {first['family']} {first['configuration']} with median {_nll(first, found.study)}."
    if first["collapsed"]:
        text += f" It collapsed on {first['collapsed']} of {counted(first['judged'], 'seed')}."
    return " ".join([text, *_against_others(first, winners, found)])


def _against_others(first: pd.Series, winners: pd.DataFrame, found: Findings) -> list[str]:
    """Paired with the next family, seed by seed, and how sure it is that none is better."""
    others = winners[winners["family"] != first["family"]].sort_values("nll")
    if others.empty:
        return []
    said = [_paired_with(str(first["family"]), str(others["family"].iloc[0]), found)]
    chances = found.rivals.chances
    own = chances[(chances["scope"] == "families") & (chances["family"] == first["family"])]["probability"].dropna()
    if len(own):
        said.append(f"The probability that no other family here is better is {percent(min(float(own.iloc[0]), MOST))}.")
    return [one for one in said if one]


def _paired_with(first: str, second: str, found: Findings) -> str:
    table = found.rivals.differences
    table = table[(table["scope"] == "families") & (table["measure"] == "nll") & table["median"].notna()]
    for a, b, sign in ((first, second, -1), (second, first, 1)):
        rows = table[(table["family_a"] == a) & (table["family_b"] == b)]
        if len(rows):
            row = rows.iloc[0]
            ends = sorted((sign * row["low"], sign * row["high"]))
            known = f", {percent(row['level'])} {ends[0]:.2f} to {ends[1]:.2f}" if pd.notna(row["low"]) else ""
            seeds = counted(int(row["seeds"]), "shared seed")
            gained = sign * row["median"]
            return f"Seed by seed its NLL lies {gained:.2f} nats below that of {second} (median, {seeds}{known})."
    return ""


def _sparsity(found: Findings) -> str:
    """Whether the configuration or the seed decides how sparse samples are."""
    table = found.sparsity.spread
    known = table[(table["measure"] == "hoyer_sample") & table["share_between"].notna()]
    if known.empty:
        return ""
    parts = []
    for decides, rows in (
        ("the configuration", known[known["share_between"] >= 0.5]),
        ("the seed", known[known["share_between"] < 0.5]),
    ):
        if len(rows):
            named = listed(f"{row['family']} ({_between(row)})" for row in _rows(rows))
            parts.append(f"{decides} decides in {named}")
    return f"How sparse samples are (Average Hoyer, share of variance due to the configuration): {'; '.join(parts)}."


def _between(row: Mapping[str, Any]) -> str:
    ends = f", 95 % {percent_range(row['share_low'], row['share_high'])}" if pd.notna(row["share_low"]) else ""
    return percent(row["share_between"]) + ends


def _rows(table: pd.DataFrame) -> list[Mapping[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _losses(found: Findings) -> str:
    planned = len(found.judged)
    if found.lost.empty:
        running = int((found.judged["state"] == "running").sum())
        return f"{counted(running, 'trial')} still running; none lost." if running else "No planned trial was lost."
    counts = found.lost["verdict"].value_counts()
    parts = listed(f"{counts[name]} {name}" for name in LOST if name in counts)
    whole = counted(planned, "planned trial")
    return f"{len(found.lost)} of {whole} gave no verdict: {parts}; each is listed below by cause."


def _family(name: str, row: Mapping[str, Any] | None, found: Findings) -> str:
    if name in found.baselines:
        text = "a language model without a code, so it cannot collapse."
    elif row is None:
        trials = int((found.judged["family"] == name).sum())
        searched = (
            f"its {counted(trials, 'search trial')} cannot say how often it collapses"
            if trials
            else "no trial is recorded"
        )
        why = found.study.get("unconfirmed", {}).get(name) or "no confirmation run yet"
        text = f"{why}; {searched}."
    else:
        text = _how_often(row)
    missing = [f"{row[state]} {state}" for state in (*LOST, "running") if row[state]] if row else []
    return text + (f" Not counted: {listed(missing)}." if missing else "")


def _how_often(row: Mapping[str, Any]) -> str:
    k, n, configurations = int(row["collapsed"]), int(row["judged"]), int(row["configurations"])
    if n == 0:
        return f"none of {counted(int(row['planned']), 'confirmation run')} could be judged."
    if configurations == 1:
        return _one_configuration(k, n)
    over = f"confirmation runs over {counted(configurations, 'configuration')} collapsed"
    seeds = counted(int(row["seeds"]), "seed")
    if k == 0:
        return f"0 of {n} {over}; with {seeds} still compatible with {percent(row['high'])}."
    if k == n:
        return f"{n} of {n} {over}; with {seeds} still compatible with {percent(row['low'])}."
    interval = f"95 % {percent_range(row['low'], row['high'])} from {seeds}"
    apart = f"configurations {percent_range(row['configuration_low'], row['configuration_high'])}"
    return f"{k} of {n} {over} (mean {percent(row['share'])}, {interval}; {apart})."


def _one_configuration(k: int, n: int) -> str:
    """`7 of 10 confirmation seeds collapsed (70 %, Wilson 95 % 40–89 %)`."""
    count, rest = f"{k} of {n}", share_text(k, n).removeprefix(f"{k} of {n}")
    return f"{count} confirmation {'seed' if n == 1 else 'seeds'} collapsed{rest}."


def _nll(row: Mapping[str, Any] | pd.Series, study: Mapping[str, Any]) -> str:
    text = f"{estimator(study, row['nll_estimator'])} {row['nll']:.2f} nats per sentence"
    seeds = counted(int(row["finished"]), "seed")
    if not np.isfinite(row["nll_low"]):
        return f"{text} ({seeds}, so no interval)"
    return f"{text} ({seeds}, 95 % {row['nll_low']:.2f}–{row['nll_high']:.2f})"
