"""Two compared studies in words: sentences, and one row per shared family or configuration."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from uncollapse.analysis.counted import counted
from uncollapse.analysis.report.wording import NOTHING, listed, number, percent, signed

PAIRED, UNPAIRED = "paired by seed", "unpaired"
HEADERS = ("family", "A", "B", "seeds", "NLL A", "NLL B", "A − B (95 %)", "mi A − B", "collapsed A", "collapsed B")
MOST = 40
MOST_NAMED = 6
_TOLD = (("nll", 2, "likelihood"), ("mi", 2, "information in the code"), ("hoyer_mean", 3, "sparsity"))
_MATCH = ["scope", "family", "configuration_a", "configuration_b"]

Line = tuple[str, ...]


def sentences(
    facts: pd.DataFrame, shared: pd.DataFrame, medians: pd.DataFrame, collapses: pd.DataFrame, obstacles: list[str]
) -> list[str]:
    """The answer in words: what is shared, what differs in the facts, and which results differ."""
    parts = [_overlap(facts, shared), _pairing(medians, obstacles), _differing(facts)]
    return [part for part in [*parts, *_results(medians, collapses)] if part]


def _overlap(facts: pd.DataFrame, shared: pd.DataFrame) -> str:
    own = facts[facts["fact"] == "study"]
    names = [f"{letter} is {_plain(own[side].iloc[0])}." for side, letter in (("a", "A"), ("b", "B")) if len(own)]
    both = shared[(shared["configurations_a"] > 0) & (shared["configurations_b"] > 0)]
    if both.empty:
        return " ".join([*names, "They share no family with a confirmation run, so there is nothing to compare."])
    text = (
        f"They share {counted(len(both), 'family')} ({listed(both['family'], MOST_NAMED)}), "
        f"{counted(int(both['configurations'].sum()), 'configuration')} and "
        f"{counted(int(both['seeds'].max()), 'confirmation seed')}."
    )
    same = int(both["trials"].sum())
    again = [f"{counted(same, 'confirmation run')} of A and B have one key: the same training."] if same else []
    return " ".join([*names, text, *again])


def _pairing(medians: pd.DataFrame, obstacles: list[str]) -> str:
    if medians.empty:
        return ""
    if obstacles:
        return f"Nothing is paired by seed, because {' and '.join(obstacles)}: differences hold the effect of that too."
    if (medians["method"] == PAIRED).any():
        return "Seeds are paired where both ran the same configuration; elsewhere medians are compared unpaired."
    return "Nothing is paired by seed: no configuration ran on the same seed in both."


def _differing(facts: pd.DataFrame) -> str:
    other = facts[~facts["same"].astype(bool) & ~facts["fact"].isin(["study", "created"])]
    if other.empty:
        return "No recorded fact differs but name and date." if len(facts) else ""
    parts = [f"{row['fact']} ({_plain(row['a'])} against {_plain(row['b'])})" for row in other.to_dict("records")]
    return f"They differ in {listed(parts, MOST_NAMED)}."


def _plain(value: Any) -> str:
    text = "not recorded" if value is None or value != value else str(value)
    return text if len(text) <= 24 else text[:23] + "…"


def _results(medians: pd.DataFrame, collapses: pd.DataFrame) -> list[str]:
    """What differs between the best configurations of shared families: intervals that leave out 0."""
    found = []
    for name, digits, what in _TOLD:
        own = medians[(medians["scope"] == "best") & (medians["measure"] == name) & medians["low"].notna()]
        found.append(_verdict(own, f"The best configurations' {what} ({name})", digits))
    own = collapses[(collapses["scope"] == "best") & collapses["low"].notna()]
    return [text for text in [*found, _verdict(own, "Their share of collapsed seeds", 2)] if text]


def _verdict(rows: pd.DataFrame, what: str, digits: int) -> str:
    apart = rows[(rows["low"] > 0) | (rows["high"] < 0)]
    if rows.empty:
        return ""
    if apart.empty:
        return f"{what} cannot be told apart in any of {counted(len(rows), 'family')}."
    parts = [f"{r['family']} by {_interval(r, digits)}" for r in apart.to_dict("records")]
    return (
        f"{what} differs, A − B with 95 % intervals: {listed(parts, MOST_NAMED)}; out of "
        f"{counted(len(rows), 'family')}."
    )


def _interval(row: Mapping[str, Any], digits: int) -> str:
    if pd.isna(row["difference"]):
        return NOTHING
    ends = f" ({signed(row['low'], digits)} to {signed(row['high'], digits)})" if pd.notna(row["low"]) else ""
    return signed(row["difference"], digits) + ends


def rows(medians: pd.DataFrame, collapses: pd.DataFrame) -> tuple[list[Line], str]:
    """`HEADERS`, a row per shared family's best and per shared configuration that is not best in both; and what is cut.

    At most `MOST` rows are shown.
    """
    by_match = {key: group.set_index("measure") for key, group in medians.groupby(_MATCH, sort=False)}
    shares = {tuple(row[key] for key in _MATCH): row for row in collapses.to_dict("records")}
    best = {key[1:] for key in by_match if key[0] == "best"}
    shown = [key for key in by_match if key[0] == "best" or key[1:] not in best]
    cut = f"{counted(len(shown) - MOST, 'more row')} left out." if len(shown) > MOST else ""
    return [HEADERS, *(_row(by_match[key], shares[key]) for key in shown[:MOST])], cut


def _row(group: pd.DataFrame, share: Mapping[str, Any]) -> Line:
    nll, mi = group.loc["nll"], group.loc["mi"]
    seeds = f"{nll['seeds_a']} paired" if nll["method"] == PAIRED else f"{nll['seeds_a']} and {nll['seeds_b']}"
    mark = "" if share["scope"] == "best" else " (not best)"
    collapsed = [
        f"{share[f'collapsed_{s}']}/{share[f'judged_{s}']}"
        + (f" ({percent(share[f'collapsed_{s}'] / share[f'judged_{s}'])})" if share[f"judged_{s}"] else "")
        for s in "ab"
    ]
    figures = [number(nll["a"], 2), number(nll["b"], 2), _interval(nll.to_dict(), 2), _interval(mi.to_dict(), 2)]
    return (share["family"] + mark, share["configuration_a"], share["configuration_b"], seeds, *figures, *collapsed)
