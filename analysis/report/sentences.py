"""The answer in plain sentences, with counts and intervals."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from uncollapse.analysis.counted import counted
from uncollapse.analysis.findings import Findings
from uncollapse.analysis.losses import LOST
from uncollapse.analysis.report.budget import budget_sentence
from uncollapse.analysis.report.likelihood_answer import likelihood
from uncollapse.analysis.report.reuse import reuse_sentence
from uncollapse.analysis.report.wording import listed, percent, percent_range, share_text
from uncollapse.analysis.sparsity.stability import LIVING
from uncollapse.analysis.statistics.intervals import LEVEL

HALF = 0.5  # of the variance: who has more decides
EMPTY = "The study has no trials: nothing was planned or recorded, so there is nothing to report."


def headline(found: Findings) -> list[str]:
    """The study's answer in a few sentences; an empty or unconfirmed study gets a sentence that says so."""
    damaged = list(found.study.get("damaged", ()))
    if found.judged.empty:
        return [*damaged, EMPTY]
    said = (*damaged, _coverage(found), _collapse(found), likelihood(found), _sparsity(found), _losses(found))
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


def _sparsity(found: Findings) -> str:
    """Whether the configuration or the seed decides how sparse samples are, where an interval says so."""
    table = found.sparsity.spread
    known = table[(table["measure"] == "hoyer_sample") & (table["of"] == LIVING) & table["share_low"].notna()]
    if known.empty:
        return ""
    configuration, seed = known["share_low"] > HALF, known["share_high"] < HALF
    kinds = (
        ("the configuration decides in", known[configuration]),
        ("the seed decides in", known[seed]),
        ("undecided in", known[~configuration & ~seed]),
    )
    said = [f"{what} {listed(map(_between, _rows(rows)))}" for what, rows in kinds if len(rows)]
    return (
        "How sparse samples are (Average Hoyer over seeds whose code is used; share of variance due to the "
        f"configuration, {percent(LEVEL)} intervals): {'; '.join(said)}."
    )


def _between(row: Mapping[str, Any]) -> str:
    return f"{row['family']} ({percent_range(row['share_low'], row['share_high'])})"


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
