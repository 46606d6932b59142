"""Tables of the page about which configurations beat which."""

from collections.abc import Callable

import pandas as pd

from uncollapse.analysis.findings import Findings
from uncollapse.analysis.report.tables.cells import (
    Cell,
    Column,
    Grid,
    Row,
    family_column,
    figure_column,
    grid,
    interval_column,
    sentence_column,
    share_figure_column,
    share_interval_column,
    sort_value,
    text_column,
)
from uncollapse.analysis.report.wording import collapsed_text, number, percent

DIGITS = {"hoyer_mean": 3}


def differences(found: Findings) -> Grid:
    """Paired differences between the best configurations of families."""
    table = found.rivals.differences
    between = table[table["scope"] == "families"]
    columns: list[Column] = [
        ("a", "family and configuration", lambda row: _side(row, "a")),
        ("b", "", lambda row: _side(row, "b")),
        text_column("measure", "measure"),
        figure_column("shared seeds", "seeds", 0),
        ("median of a − b", "with its order-statistic interval and that interval's level", _difference),
        text_column("remark", "note"),
    ]
    return grid(between, columns)


def _side(row: Row, which: str) -> Cell:
    return Cell(f"{row[f'family_{which}']} {row[f'configuration_{which}']}", str(row[f"family_{which}"]))


def _difference(row: Row) -> Cell:
    if pd.isna(row["median"]):
        return Cell("–")
    digits = DIGITS.get(str(row["measure"]), 2)
    ends = f" ({number(row['low'], digits)} to {number(row['high'], digits)}, {percent(row['level'])})"
    return Cell(number(row["median"], digits) + (ends if pd.notna(row["low"]) else ""), float(row["median"]))


def published(found: Findings) -> Grid:
    """The page's own settings beside the best that was found, paired by seed."""
    nats = "found − base, median over shared seeds with its order-statistic interval and that interval's level"
    columns: list[Column] = [
        family_column(),
        text_column("base", "base", "the page's own base: short hash, same for all seeds"),
        ("NLL there", "median, nats per sentence", _figure_of("base_nll")),
        ("collapses there", "k/n judged seeds with Wilson 95 %, exact where none or all", _collapses_of("base")),
        text_column("found", "found", "the best rank that is not the base"),
        text_column("role", "role"),
        ("NLL here", "median, nats per sentence", _figure_of("found_nll")),
        ("collapses here", "k/n judged seeds with Wilson 95 %, exact where none or all", _collapses_of("found")),
        ("NLL apart", nats, _apart_of("nll")),
        ("mi apart", nats, _apart_of("mi")),
        share_interval_column(
            "collapses apart",
            "collapse_difference",
            "collapse_low",
            "collapse_high",
            "share of found − share of base, Newcombe's paired 95 %",
        ),
        sentence_column("remark", "note"),
    ]
    return grid(found.rivals.published, columns)


def _figure_of(name: str) -> Callable[[Row], Cell]:
    return lambda row: Cell(number(row[name], 2), sort_value(row[name]))


def _collapses_of(side: str) -> Callable[[Row], Cell]:
    def cell(row: Row) -> Cell:
        own = {name: row[f"{side}_{name}"] for name in ("collapsed", "judged", "wilson_low", "wilson_high")}
        if pd.isna(own["judged"]) or not own["judged"]:
            return Cell("–")
        return Cell(collapsed_text(own | {"collapsed": int(own["collapsed"]), "judged": int(own["judged"])}))

    return cell


def _apart_of(measure: str) -> Callable[[Row], Cell]:
    names = {"difference": "median", "low": "low", "high": "high", "level": "level"}
    return lambda row: _difference({"measure": measure, **{to: row[f"{measure}_{of}"] for of, to in names.items()}})


def collapse_tests(found: Findings) -> Grid:
    """Exact paired tests of collapse between the best configurations of families."""
    table = found.rivals.collapse_tests
    columns: list[Column] = [
        ("a", "family and configuration", lambda row: _side(row, "a")),
        ("b", "", lambda row: _side(row, "b")),
        *(figure_column(header, name, 0) for header, name in _COUNTS),
        interval_column("a − b", "difference", "low", "high", 2, "difference of shares, Newcombe 95 %"),
        figure_column("p", "p", 4, "exact McNemar"),
        figure_column("p, Holm", "p_holm", 4, "adjusted for the tests of this table"),
        text_column("remark", "note"),
    ]
    return grid(table[table["scope"] == "families"], columns)


_COUNTS = (("both collapsed", "both"), ("only a", "only_a"), ("only b", "only_b"), ("neither", "neither"))


def best_sets(found: Findings) -> Grid:
    """Which configurations may be the best of their contest, and which is beaten by what."""
    columns: list[Column] = [
        text_column("between", "scope"),
        text_column("of", "contest"),
        family_column(),
        text_column("configuration", "configuration"),
        figure_column("median NLL", "nll", 2),
        figure_column("seeds", "seeds", 0),
        ("may be best", "no other is better on most seeds, as far as 95 % can tell", _may_be_best),
        text_column("p speaks for", "beaten_by", "the other that is better on most seeds"),
        figure_column("p", "p", 4, "exact one-sided sign test over shared seeds, Bonferroni over all others"),
        text_column("remark", "note"),
    ]
    return grid(found.rivals.best_sets, columns)


def _may_be_best(row: Row) -> Cell:
    return Cell("–") if pd.isna(row["may_be_best"]) else Cell("yes" if row["may_be_best"] else "no")


def chances(found: Findings) -> Grid:
    """How likely each configuration is truly the best of its family."""
    table = found.rivals.chances
    firsts = found.rivals.first_places[["scope", "contest", "configuration", "first", "mean_rank"]]
    joined = table.merge(firsts, on=["scope", "contest", "configuration"], how="left")
    columns: list[Column] = [
        family_column(),
        text_column("configuration", "configuration"),
        figure_column("median NLL", "nll", 2),
        figure_column("seeds", "seeds", 0),
        share_figure_column("probability of best", "probability", "shrunk towards no difference; see the method"),
        share_figure_column("plain bootstrap", "bootstrap", "too sure of itself where configurations hardly differ"),
        ("first on", "seeds on which it has the lowest NLL", lambda row: Cell(_first(row), sort_value(row["first"]))),
        figure_column("mean rank", "mean_rank", 1),
        text_column("remark", "note"),
    ]
    return grid(joined[joined["scope"] == "configurations"], columns)


def _first(row: Row) -> str:
    return "–" if pd.isna(row["first"]) else f"{row['first']:.0f} of {row['seeds']:.0f}"


def rank_stability(found: Findings) -> Grid:
    """Whether seeds agree on the order of the configurations."""
    columns: list[Column] = [
        text_column("between", "scope"),
        text_column("of", "contest"),
        figure_column("configurations", "configurations", 0),
        figure_column("seeds", "seeds", 0),
        figure_column("Kendall's W", "kendall_w", 2, "1: every seed gives the same order; 0: none agree"),
        figure_column("p", "p", 4, "permutation test of no agreement"),
        text_column("remark", "note"),
    ]
    return grid(found.rivals.rank_stability, columns)


def optimism(found: Findings) -> Grid:
    """How much the search's figures flattered, over all replicated configurations."""
    columns: list[Column] = [
        text_column("family", "family"),
        text_column("measure", "measure"),
        figure_column("configurations", "configurations", 0),
        interval_column("kept − promised", "optimism", "low", "high", 2, "mean; positive means the search flattered"),
        interval_column("slope", "slope", "slope_low", "slope_high", 2, "of kept on promised; below 1 is regression"),
        text_column("remark", "note"),
    ]
    return grid(found.rivals.optimism, columns)
