"""The study's answer as data: a JSON-able summary with its schema, and a short table for terminal and pull request."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.comparison.configurations import best, estimator
from uncollapse.analysis.findings import Findings
from uncollapse.analysis.report.sentences import family_sentences, headline
from uncollapse.analysis.statistics.intervals import percent_range

TABLES: Mapping[str, tuple[str, Callable[[Findings], pd.DataFrame]]] = {
    "configurations": (
        "per replicated configuration: settings, counts by verdict, share with Wilson and Jeffreys intervals, "
        "share_least and share_most (no or every unjudged seed collapsed), medians over finished seeds; race says why "
        "one got fewer seeds; nll is the estimator named in nll_estimator; rank orders a family's configurations by "
        "median nll",
        lambda found: found.configurations,
    ),
    "promises": (
        "per family: the search winner's figure on its tuning seed and its median on confirmation seeds, same measure "
        "and subset",
        lambda found: found.rivals.promises,
    ),
    "optimism": (
        "kept minus promised over all replicated configurations, and the slope of kept on promised (1: no regression)",
        lambda found: found.rivals.optimism,
    ),
    "differences": (
        "medians of differences paired by seed, between families' best configurations and between configurations, with "
        "order-statistic intervals",
        lambda found: found.rivals.differences,
    ),
    "collapse_tests": (
        "exact McNemar test of collapse paired by seed, the difference of shares with Newcombe's interval, p by Holm",
        lambda found: found.rivals.collapse_tests,
    ),
    "probability_of_best": (
        "the probability that a configuration has the lowest nll of its contest",
        lambda found: found.rivals.chances,
    ),
    "rank_stability": (
        "Kendall's W of the order by nll over seeds, with its permutation p",
        lambda found: found.rivals.rank_stability,
    ),
    "first_places": (
        "on how many seeds each configuration has the lowest nll",
        lambda found: found.rivals.first_places,
    ),
    "fronts": (
        "Pareto fronts over configuration medians, and how often a bootstrap of seeds keeps each on its front",
        lambda found: found.rivals.fronts,
    ),
    "search_populations": (
        "collapse among all search trials, those stopped early, and the audit share",
        lambda found: found.populations,
    ),
    "boundary": (
        "per family and numeric hyperparameter: fitted probability of collapse over search trials that ended, with "
        "its band",
        lambda found: found.boundary.curve,
    ),
    "crossings": ("where that probability crosses 1/2, with an interval", lambda found: found.boundary.crossings),
    "boundary_pairs": ("the same fit over pairs of hyperparameters", lambda found: found.boundary.pairs),
    "survival": (
        "share of codes still alive by epochs since they first were (Kaplan-Meier)",
        lambda found: found.lifetime.steps,
    ),
    "fates": ("trials by what became of their code", lambda found: found.lifetime.fates),
    "hidden_by_stopping": (
        "audit trials at the epochs of stopping: how they looked, and how they ended",
        lambda found: found.lifetime.hidden,
    ),
    "hoyer": (
        "per configuration and Hoyer measure: seeds, mean, sd, lowest, highest over confirmation seeds",
        lambda found: found.sparsity.hoyer,
    ),
    "hoyer_spread": (
        "per family and Hoyer measure: sd between seeds and between configurations, share_between with its F interval",
        lambda found: found.sparsity.spread,
    ),
    "agreement": (
        "per configuration: how far two seeds learn the same code after matching dimensions, corrected for chance",
        lambda found: found.sparsity.agreement,
    ),
    "control": (
        "how Average Hoyer follows the hyperparameter meant to set it: rank correlations, monotony, fits",
        lambda found: found.sparsity.control,
    ),
    "class_separation": (
        "how separate the classes' activation patterns are, beside the KL of the classes' words",
        lambda found: found.sparsity.separation,
    ),
    "importances": (
        "share of the variation in nll (by rank) and in collapse that each hyperparameter carries, with the "
        "evaluator's name",
        lambda found: found.search.importances,
    ),
    "evaluators": ("whether two evaluators of importance agree", lambda found: found.search.agreement),
    "correlations": (
        "Spearman's rank correlation of each numeric searched hyperparameter with nll, mi and collapse",
        lambda found: found.search.correlations,
    ),
    "levels": (
        "median nll and mi per level of each categorical searched hyperparameter",
        lambda found: found.search.levels,
    ),
    "threshold_curve": (
        "collapse share per family as both thresholds are multiplied by factor",
        lambda found: found.curve,
    ),
    "states": ("planned trials by family, stage and state", lambda found: found.states),
    "lost": (
        "every trial that failed, diverged, is missing or could not be judged, with its cause",
        lambda found: found.lost,
    ),
}

SCHEMA: dict[str, Any] = {
    "version": 2,
    "conventions": "nats; sums over time, averages over sentences; shares in [0, 1]; null where nothing can be said; "
    "intervals are 95 %",
    "fields": {
        "study": "the study's recorded facts: corpus, versions, sample counts, settings, commands",
        "thresholds": "bounds of the verdict in nats, and the version of the rule",
        "answer": "the headline, one sentence or two per entry",
        "families": "per family: sentence, collapse counts by verdict, mean share over configurations with its "
        "interval (Wilson on seeds), spread between configurations, best configuration",
        **{name: description for name, (description, _) in TABLES.items()},
    },
}

HEADERS = (
    "family",
    "best configuration",
    "likelihood",
    "median NLL",
    "ppl",
    "mi",
    "active units",
    "latent gain",
    "hoyer",
    "collapsed",
)


def summarise(found: Findings) -> dict[str, Any]:
    """The whole answer as JSON-able data; `schema` describes every field."""
    whole = {
        "schema": SCHEMA,
        "study": dict(found.study),
        "thresholds": asdict(found.thresholds),
        "answer": headline(found),
        "families": _families(found),
        **{name: table(found) for name, (_, table) in TABLES.items()},
    }
    return {name: jsonable(value) for name, value in whole.items()}


def _families(found: Findings) -> list[dict[str, Any]]:
    rows = {row["family"]: row for row in found.families.to_dict("records")}
    winners = dict(zip(*(best(found.configurations)[c] for c in ("family", "configuration")), strict=True))
    return [
        {"family": name, "sentence": sentence, "best_configuration": winners.get(name), **rows.get(name, {})}
        for name, sentence in family_sentences(found).items()
    ]


def jsonable(value: Any) -> Any:
    """Tables as lists of rows, numpy scalars as Python's, and NaN, NA and infinities as None."""
    if isinstance(value, pd.DataFrame):
        return [jsonable(row) for row in value.to_dict("records")]
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, np.ndarray)):
        return [jsonable(item) for item in value]
    if value is None or value is pd.NA or isinstance(value, (str, bool)):
        return None if value is pd.NA else value
    if isinstance(value, np.generic):
        return jsonable(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if isinstance(value, int) else str(value)


def rows(found: Findings) -> list[tuple[str, ...]]:
    """The short table: each family's best configuration in the words of `HEADERS`."""
    winners = {row["family"]: row for row in best(found.configurations).to_dict("records")}
    return [_row(name, winners.get(name), found) for name in found.order]


def _row(name: str, row: Mapping[str, Any] | None, found: Findings) -> tuple[str, ...]:
    if row is None:
        return (name, "not confirmed", *["–"] * (len(HEADERS) - 2))
    figures = [number(row[key], digits) for key, digits in _FIGURES]
    return (
        name,
        str(row["configuration"]),
        estimator(found.study, row["nll_estimator"]),
        *figures,
        collapsed_text(row),
    )


_FIGURES = (("nll", 2), ("ppl", 1), ("mi", 2), ("active_units", 0), ("latent_gain", 2), ("hoyer_mean", 2))


def number(value: Any, digits: int) -> str:
    """A figure with fixed digits, a dash where there is none."""
    return "–" if value is None or pd.isna(value) else f"{value:.{digits}f}".replace("-", "−")


def collapsed_text(row: Mapping[str, Any]) -> str:
    """`2/10 (6–51 %)`; a dash where no seed could be judged."""
    if not row["judged"]:
        return "–"
    return f"{row['collapsed']}/{row['judged']} ({percent_range(row['wilson_low'], row['wilson_high'])})"


def text(found: Findings) -> str:
    """The headline and the short table in fixed width, for a terminal."""
    table = [HEADERS, *rows(found)]
    widths = [max(len(line[i]) for line in table) for i in range(len(HEADERS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in table]
    return "\n".join([*headline(found), "", *lines])


def markdown(found: Findings) -> str:
    """The headline and the short table in Markdown, for a pull request."""
    lines = [_markdown_row(HEADERS), _markdown_row(["---"] * len(HEADERS)), *(_markdown_row(r) for r in rows(found))]
    return "\n".join([*(f"- {sentence}" for sentence in headline(found)), "", *lines])


def _markdown_row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
