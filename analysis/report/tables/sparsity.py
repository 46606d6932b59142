"""Tables of the page about sparsity over seeds."""

from collections.abc import Mapping

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
    share_interval_column,
    sort_value,
    text_column,
)
from uncollapse.analysis.report.wording import number
from uncollapse.analysis.sparsity.matching import MEASURES
from uncollapse.analysis.sparsity.stability import HOYER

BETWEEN = "share of the variance, with a 95 % generalized confidence interval, for unequal spreads too"


def agreement(found: Findings) -> Grid:
    """How far two seeds learn the same code, after their dimensions are matched."""
    hint = "95 % jackknife over seeds; 0 is what matching finds by chance, 1 the same code but for order and sign"
    columns: list[Column] = [
        family_column(),
        text_column("configuration", "configuration"),
        ("agreement of", "after matching dimensions", lambda row: Cell(MEASURES[row["measure"]], row["measure"])),
        figure_column("seeds", "seeds", 0),
        figure_column("observed", "observed", 3, "mean over pairs of seeds"),
        figure_column("by chance", "chance", 3, "the same after shuffling the sentences of one side"),
        interval_column("index", "index", "low", "high", 2, hint),
        text_column("remark", "note"),
    ]
    return grid(found.sparsity.agreement, columns)


def control(found: Findings) -> Grid:
    """How closely Average Hoyer follows the hyperparameter that should set it."""
    columns: list[Column] = [
        text_column("family", "group"),
        text_column("hyperparameter", "hyperparameter"),
        text_column("stage", "stage"),
        text_column("measure", "measure"),
        figure_column("trials", "trials", 0),
        interval_column("Spearman (95 %)", "spearman", "low", "high", 2, "jackknife over seeds; bootstrap in a search"),
        ("monotone", "whether medians only rise, or only fall, along the hyperparameter", _monotone),
        figure_column("R² of the rising curve", "isotonic_r2", 2, "isotonic regression, in-sample"),
        figure_column("gap to the prior", "prior_gap", 3, "mean distance from the Average Hoyer of prior draws"),
        text_column("remark", "note"),
    ]
    return grid(found.sparsity.control, columns)


def _monotone(row: Row) -> Cell:
    said = row["monotone"] if isinstance(row["monotone"], str) else ""
    steps = f" ({row['steps_up']:.0f} of {row['steps']:.0f} steps rise)" if said and pd.notna(row["steps"]) else ""
    return Cell(f"{said}{steps}" or "–", said)


def separation(found: Findings) -> Grid:
    """How separate the classes' activation patterns are."""
    columns: list[Column] = [
        family_column(),
        text_column("configuration", "configuration"),
        figure_column("seeds", "seeds", 0),
        figure_column("separation", "separation", 4, "variance between classes of the share of sentences switched on"),
        figure_column("by chance", "chance", 4, "the same for shuffled classes"),
        interval_column("index", "index", "low", "high", 3, "corrected for chance; Student's 95 % over seeds"),
        figure_column("class KL of the words", "class_kl", 2, "nats, mean over pairs of classes"),
        text_column("remark", "note"),
    ]
    return grid(found.sparsity.separation, columns)


def hoyer(found: Findings) -> Grid:
    """Average Hoyer per configuration: mean, sd and range over confirmation seeds, all four kinds."""
    units = found.sparsity.hoyer.groupby(["family", "configuration"], sort=False)["seeds"].max().reset_index()
    kinds = {(r["family"], r["configuration"], r["measure"]): r for r in found.sparsity.hoyer.to_dict("records")}
    columns = [family_column(), text_column("configuration", "configuration"), figure_column("seeds", "seeds", 0)]
    columns += [_hoyer_column(name, kinds) for name in HOYER if (found.sparsity.hoyer["measure"] == name).any()]
    return grid(units, columns)


def _hoyer_column(name: str, kinds: Mapping[tuple[str, str, str], Row]) -> Column:
    def make(row: Row) -> Cell:
        kind = kinds.get((row["family"], row["configuration"], name))
        if kind is None:
            return Cell("–")
        spread = f" ± {number(kind['sd'], 3)}" if pd.notna(kind["sd"]) else ""
        return Cell(
            f"{number(kind['mean'], 3)}{spread} ({number(kind['low'], 3)}–{number(kind['high'], 3)})",
            sort_value(kind["mean"]),
        )

    return name, "mean ± sd over seeds (lowest–highest)", make


def hoyer_spread(found: Findings) -> Grid:
    """Spread between seeds against spread between configurations."""
    columns: list[Column] = [
        family_column(),
        text_column("measure", "measure"),
        text_column("of", "of"),
        figure_column("configurations", "configurations", 0),
        figure_column("sd between seeds", "seed_sd", 3),
        figure_column("sd between configurations", "configuration_sd", 3, "after the seeds' own noise is taken out"),
        share_interval_column("due to configuration", "share_between", "share_low", "share_high", BETWEEN),
        text_column("remark", "note"),
    ]
    return grid(found.sparsity.spread, columns)
