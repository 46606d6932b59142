"""The study's answer as data: a JSON-able summary with its schema, and a short table for terminal and pull request."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from uncollapse.analysis.comparison.configurations import best, estimator
from uncollapse.analysis.findings import Findings
from uncollapse.analysis.report import contents
from uncollapse.analysis.report.sentences import headline
from uncollapse.analysis.report.text_table import aligned, markdown_table
from uncollapse.analysis.report.wording import NOTHING, collapsed_text, number

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


def schema() -> dict[str, Any]:
    """What every field of the summary is."""
    return {
        "version": 2,
        "conventions": "nats; sums over time, averages over sentences; shares in [0, 1]; null where nothing can be "
        "said; intervals are 95 %",
        "fields": {
            "study": "the study's recorded facts: corpus, versions, sample counts, settings, commands",
            "thresholds": "bounds of the verdict in nats, and the version of the rule",
            "answer": "the headline, one sentence or two per entry",
            **{table.name: table.says for table in contents.tables() if table.says},
        },
    }


def summarise(found: Findings) -> dict[str, Any]:
    """The whole answer as JSON-able data; `schema` describes every field."""
    whole = {
        "schema": schema(),
        "study": dict(found.study),
        "thresholds": asdict(found.thresholds),
        "answer": headline(found),
        **{table.name: table.rows(found) for table in contents.tables() if table.says},
    }
    return {name: jsonable(value) for name, value in whole.items()}


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
        return (name, "not confirmed", *[NOTHING] * (len(HEADERS) - 2))
    figures = [number(row[key], digits) for key, digits in _FIGURES]
    return (
        name,
        str(row["configuration"]),
        estimator(found.study, row["nll_estimator"]),
        *figures,
        collapsed_text(row),
    )


_FIGURES = (("nll", 2), ("ppl", 1), ("mi", 2), ("active_units", 0), ("latent_gain", 2), ("hoyer_mean", 2))


def text(found: Findings) -> str:
    """The headline and the short table in fixed width, for a terminal."""
    return "\n".join([*headline(found), "", aligned([HEADERS, *rows(found)])])


def markdown(found: Findings) -> str:
    """The headline and the short table in Markdown, for a pull request."""
    sentences = [f"- {sentence}" for sentence in headline(found)]
    return "\n".join([*sentences, "", markdown_table([HEADERS, *rows(found)])])
