"""The tables of the page, each from one of the findings."""

import pandas as pd

from uncollapse.analysis.comparison.configurations import estimator
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
    settings_column,
    share_column,
    share_figure_column,
    sort_value,
    text_column,
)
from uncollapse.analysis.report.wording import collapsed_text, percent, percent_range, signed

# tests/benchmarks/searches/racing.py, collapses that alone decide who loses being the worst case
RACED = "its interval is of those it got, and among the dropped alone Wilson's held 83 to 100 % of simulated shares"
ROLE = (
    "why it is confirmed; of the search's trials within its limits best has the lowest bound, informative the most "
    "used code, knee lies between, front are others of their Pareto front; further was confirmed since none of those "
    "can be exported; nearest broke the limits least where none kept them; base is the family's page as it stands; "
    "likelihood the search's lowest bound whatever its code does"
)


def configurations(found: Findings, table: pd.DataFrame, compact: bool = False) -> Grid:
    """Replicated configurations: likelihood, information, sparsity and collapses; `compact` for the lead table."""
    nll = "median over finished confirmation seeds with its 95 % order-statistic interval, nats per sentence"
    columns: list[Column] = [
        family_column(),
        text_column("configuration", "configuration", "short hash, same for all seeds"),
        text_column("role", "role", ROLE),
    ]
    columns += [
        share_column(
            "collapsed",
            "wilson_low",
            "wilson_high",
            "k/n judged seeds with Wilson 95 %, exact where none or all",
            collapsed_text,
        ),
        interval_column("NLL", "nll", "nll_low", "nll_high", 2, nll),
        ("NLL is", "the estimator of the column before", lambda r: Cell(_estimator(found, r), r["nll_estimator"])),
        figure_column("ppl", "ppl", 2, "perplexity"),
        figure_column("mi", "mi", 2, "mutual information of sentence and code, nats"),
        figure_column("active units", "active_units", 0, "dimensions whose mean moves over the split"),
        figure_column("latent gain", "latent_gain", 2, "log p(x | own z) − log p(x | another sentence's z), nats"),
        figure_column("Hoyer", "hoyer_mean", 3, "Average Hoyer of means, 0 dense to 1 sparse"),
    ]
    if not compact:
        columns += [
            figure_column(
                "rank",
                "rank",
                0,
                "order of median NLL within the family, what keeps the export rule first, then what is nearest to it",
            ),
            ("Jeffreys 95 %", "the same share by Jeffreys", _jeffreys),
            ("if all unjudged…", "share if none, or every, unjudged seed had collapsed", _worst),
            *(
                figure_column(name, name, 0)
                for name in ("planned", "partial", "diverged", "failed", "missing", "running", "unjudged")
            ),
            text_column("race", "race", f"why a configuration got no more seeds; {RACED}"),
            text_column("hyperparameters", "settings"),
        ]
    return grid(table, columns)


def best_settings(table: pd.DataFrame) -> Grid:
    """The searched hyperparameters of each family's best configuration."""
    return grid(table, [family_column(), text_column("configuration", "configuration"), settings_column()])


def unexported(found: Findings) -> Grid:
    """What is nearest to the export rule in families that have nothing to export, and what to try next."""
    columns: list[Column] = [
        family_column(),
        text_column("nearest", "configuration", "short hash, same for all seeds"),
        text_column("role", "role", ROLE),
        sentence_column("what it lacks", "lacks"),
        ("move", "rank correlation with mi over search trials", _moves),
        sentence_column("next", "next"),
    ]
    return grid(found.unexported, columns)


def _moves(row: Row) -> Cell:
    return Cell("; ".join(row["moves"]) or "–", prose=bool(row["moves"]))


def _estimator(found: Findings, row: Row) -> str:
    return estimator(found.study, row["nll_estimator"]) or "–"


def _jeffreys(row: Row) -> Cell:
    return (
        Cell("–")
        if pd.isna(row["share"])
        else Cell(percent_range(row["jeffreys_low"], row["jeffreys_high"]), row["jeffreys_low"])
    )


def _worst(row: Row) -> Cell:
    return (
        Cell("–")
        if pd.isna(row["share_least"])
        else Cell(percent_range(row["share_least"], row["share_most"]), row["share_most"])
    )


def families(found: Findings) -> Grid:
    """Collapse per family with the spread between its configurations."""
    table = found.families[~found.families["family"].isin(found.baselines)]
    seeds = "judged seeds of the configuration that has fewest: the interval's n"
    columns: list[Column] = [
        family_column(),
        figure_column("configurations", "configurations", 0),
        figure_column("seeds", "seeds", 0, seeds),
        (
            "collapsed",
            "collapsed of judged runs",
            lambda r: Cell(f"{r['collapsed']}/{r['judged']}", sort_value(r["share"])),
        ),
        share_column("mean share", "low", "high", "mean over configurations, 95 % interval on seeds", _mean_share),
        ("configurations' range", "lowest and highest share of a configuration", _range),
        share_figure_column("sd", "configuration_sd", "standard deviation of the configurations' shares"),
        share_figure_column("sd beyond seeds", "excess_sd", "what remains of it after the seeds' own noise"),
        *(figure_column(name, name, 0) for name in ("partial", "diverged", "failed", "missing", "running", "unjudged")),
    ]
    return grid(table, columns)


def _mean_share(row: Row) -> str:
    return f"{percent(row['share'])} ({percent_range(row['low'], row['high'])})"


def _range(row: Row) -> Cell:
    if pd.isna(row["share"]):
        return Cell("–")
    return Cell(percent_range(row["configuration_low"], row["configuration_high"]), row["configuration_high"])


def promises(found: Findings) -> Grid:
    """The search winner's figure on its tuning seed beside its median on confirmation seeds."""
    columns: list[Column] = [
        family_column(),
        text_column("search winner", "configuration"),
        ("measure", "the same for both columns", lambda r: Cell(_measure(found, r), r["measure"])),
        figure_column("promised", "search", 2, "on the tuning seed, nats per sentence"),
        interval_column(
            "kept", "replicate", "low", "high", 2, "median over confirmation seeds with 95 % order-statistic interval"
        ),
        ("difference", "kept − promised: positive means the search flattered", _difference),
        figure_column("seeds", "seeds", 0),
        text_column("remark", "note"),
    ]
    return grid(found.rivals.promises, columns)


def _measure(found: Findings, row: Row) -> str:
    split, _, name = str(row["measure"]).partition("/")
    return f"{estimator(found.study, name, split)} on {split}"


def _difference(row: Row) -> Cell:
    change = row["replicate"] - row["search"]
    return Cell("–") if pd.isna(change) else Cell(signed(change, 2), float(change))


def populations(found: Findings) -> Grid:
    """Collapse among all search trials, the stopped ones and the audit share, side by side."""
    table = found.populations[~found.populations["family"].isin(found.baselines)]
    by_family = {family: group.set_index("population") for family, group in table.groupby("family", sort=False)}
    rows = pd.DataFrame([{"family": family, "shares": group} for family, group in by_family.items()])
    columns: list[Column] = [family_column(), *(_population_column(name) for name in table["population"].unique())]
    return grid(rows, columns)


def _population_column(name: str) -> Column:
    _, _, make = share_column(name, "wilson_low", "wilson_high", "", collapsed_text)

    def cell(row: Row) -> Cell:
        shares = row["shares"]
        return make({"family": row["family"], **shares.loc[name].to_dict()}) if name in shares.index else Cell("–")

    return name, "k/n judged trials with Wilson 95 %, exact where none or all", cell


def lost(found: Findings) -> Grid:
    """Every trial without a verdict, by cause."""
    names = ("verdict", "cause", "stage", "configuration", "seed", "number", "epochs", "key")
    return grid(found.lost, [family_column(), *(text_column(name, name) for name in names)])


def states(found: Findings) -> Grid:
    """Planned trials by family, stage and state."""
    return grid(
        found.states,
        [
            family_column(),
            text_column("stage", "stage"),
            text_column("state", "state"),
            figure_column("trials", "trials", 0),
        ],
    )
