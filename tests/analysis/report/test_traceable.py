"""Figures of the page, recomputed from the raw records by another route than the analysis takes: plain Python."""

import html
import math
import re
import statistics
from collections.abc import Iterator
from typing import Any

import pytest

from tests.analysis import synthetic
from uncollapse.analysis.findings import find
from uncollapse.analysis.report.page import write
from uncollapse.analysis.schema import Records

FAMILY = "hsvae"
Z = 1.959963984540054


@pytest.fixture(scope="module")
def records() -> Records:
    return synthetic.records((FAMILY, "lstm_lm"), trials=12, configurations=2, seeds=7, epochs=3)


@pytest.fixture(scope="module")
def page(records: Records, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write(find(records), tmp_path_factory.mktemp("study")).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def runs(records: Records) -> list[dict[str, Any]]:
    """Confirmation runs of the family, as they were recorded."""
    rows = records.trials.to_dict("records")
    return [row for row in rows if row["family"] == FAMILY and row["stage"] == "replicate"]


def cells(page: str, heading: str) -> Iterator[list[str]]:
    """The rows of the first table after a heading, as plain text."""
    body = page.split(heading, 1)[1].split("<tbody>", 1)[1].split("</tbody>", 1)[0]
    for row in re.findall(r"<tr>(.*?)</tr>", body, re.S):
        found = [re.sub(r"<[^>]+>", " ", cell) for cell in re.findall(r"<td.*?>(.*?)</td>", row, re.S)]
        yield [" ".join(html.unescape(cell).split()) for cell in found]


def best(page: str) -> list[str]:
    return next(row for row in cells(page, "Each family's best configuration") if FAMILY in row[0])


def finished(runs: list[dict[str, Any]], configuration: str) -> list[dict[str, Any]]:
    return [row for row in runs if row["configuration"] == configuration and row["state"] == "finished"]


def medians(runs: list[dict[str, Any]], measure: str) -> dict[str, float]:
    names = {row["configuration"] for row in runs}
    return {name: statistics.median(row[f"valid/{measure}"] for row in finished(runs, name)) for name in names}


def test_the_best_configuration_and_its_likelihood(page: str, runs: list[dict[str, Any]]) -> None:
    found = medians(runs, "nll_iw")
    name = min(found, key=lambda one: found[one])
    row = best(page)
    assert row[1] == name
    assert row[4].startswith(f"{found[name]:.2f} ")


def test_its_collapses_with_wilsons_interval(page: str, runs: list[dict[str, Any]]) -> None:
    own = finished(runs, best(page)[1])
    k = sum(row["valid/mi"] < 0.1 or row["valid/latent_gain"] < 0.1 for row in own)
    n = len(own)
    centre = (k / n + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(k / n * (1 - k / n) / n + Z**2 / (4 * n**2))
    low, high = (f"{100 * max(0.0, min(1.0, end)):.0f}" for end in (centre - half, centre + half))
    assert best(page)[3] == f"{k}/{n} ({low}–{high} %)"


def test_its_mutual_information_and_hoyer(page: str, runs: list[dict[str, Any]]) -> None:
    row = best(page)
    assert row[7] == f"{medians(runs, 'mi')[row[1]]:.2f}"
    assert row[10] == f"{medians(runs, 'hoyer_mean')[row[1]]:.3f}"


def test_the_familys_mean_share(page: str, runs: list[dict[str, Any]]) -> None:
    shares = []
    for name in {row["configuration"] for row in runs}:
        own = finished(runs, name)
        shares.append(sum(row["valid/mi"] < 0.1 or row["valid/latent_gain"] < 0.1 for row in own) / len(own))
    row = next(row for row in cells(page, "Collapse per family") if FAMILY in row[0])
    assert row[4].startswith(f"{100 * statistics.fmean(shares):.0f} % (")


def test_what_the_search_promised(page: str, records: Records) -> None:
    trials = records.trials.to_dict("records")
    searched = [r for r in trials if r["family"] == FAMILY and r["stage"] == "search" and r["state"] == "finished"]
    promised = min(row["subset/nll_iw"] for row in searched)
    row = next(row for row in cells(page, "What the search promised, and what was kept") if FAMILY in row[0])
    assert row[3] == f"{promised:.2f}"


def test_the_spread_between_seeds(page: str, runs: list[dict[str, Any]]) -> None:
    """sd between seeds: the root of the variances within configurations, weighed by their degrees of freedom."""
    groups = [[r["valid/hoyer_mean"] for r in finished(runs, n)] for n in {r["configuration"] for r in runs}]
    within = sum((len(g) - 1) * statistics.variance(g) for g in groups) / sum(len(g) - 1 for g in groups)
    rows = cells(page, "Spread between seeds against spread between configurations")
    row = next(row for row in rows if FAMILY in row[0] and row[1] == "hoyer_mean")
    assert row[2] == "all seeds"
    assert row[4] == f"{math.sqrt(within):.3f}"
