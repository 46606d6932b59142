"""The page's base beside what was found, paired by seed."""

from typing import Any

import pandas as pd
import pytest

from tests.support.tables import DEAD, frame, replicate
from uncollapse.analysis.comparison import paired
from uncollapse.analysis.comparison.configurations import configurations
from uncollapse.analysis.comparison.export_rule import ExportRule
from uncollapse.analysis.comparison.published import ALONE, ITSELF, published
from uncollapse.analysis.verdicts import judge


def runs(family: str, configuration: str, role: str, figures: list[float], **measures: Any) -> list[dict[str, Any]]:
    return [
        replicate(family, configuration, seed, nll_iw=nll, **measures) | {"role": role}
        for seed, nll in enumerate(figures)
    ]


def table_of(*rows: dict[str, Any]) -> pd.DataFrame:
    judged = judge(frame(*rows))
    table = configurations(judged, rule=ExportRule())
    found = published(table, paired.differences(judged, table), paired.collapse_test(judged, table))
    return found.set_index("family")


BASE = [30.0, 31.0, 32.0, 33.0, 34.0, 35.0]
ALIVE = {"mi": 3.0, "latent_gain": 2.0}


def test_found_minus_base_on_shared_seeds_whichever_ranks_first() -> None:
    apart = [0.1, 0.2, 0.3, 0.4, 0.5, 0.7]  # the base likelier on every seed, and dead
    rows = [
        *runs("a", "page", "base", BASE, **DEAD),
        *runs("a", "mine", "best+knee", [x + y for x, y in zip(BASE, apart, strict=True)], **ALIVE),
        *runs("b", "page", "base", BASE, **ALIVE),
        *runs("b", "mine", "best", [x - y for x, y in zip(BASE, apart, strict=True)], **ALIVE),
    ]
    found = table_of(*rows)
    assert found["nll_difference"].tolist() == pytest.approx([0.35, -0.35])
    assert found[["nll_low", "nll_high"]].loc["a"].tolist() == pytest.approx([0.1357, 0.6286], abs=1e-4)
    assert found[["nll_low", "nll_high"]].loc["b"].tolist() == pytest.approx([-0.6286, -0.1357], abs=1e-4)
    assert found["mi_difference"].tolist() == pytest.approx([2.99, 0.0])
    assert found["collapse_difference"].tolist() == [-1.0, 0.0]
    assert found.loc["a", "collapse_high"] < 0
    assert found["base_collapsed"].tolist() == [6, 0]
    assert found["nll_seeds"].tolist() == [6, 6]
    assert found["note"].tolist() == ["", ""]


def test_the_best_rank_that_is_not_the_base_is_what_was_found() -> None:
    rows = [
        *runs("a", "page", "best+base", BASE, **ALIVE),
        *runs("a", "second", "knee", [one + 1 for one in BASE], **ALIVE),
        *runs("a", "third", "informative", [one + 2 for one in BASE], **ALIVE),
        *runs("lm", "page", "base", BASE, **ALIVE),
        *runs("none", "mine", "best", BASE, **ALIVE),
    ]
    found = table_of(*rows)
    assert found.index.tolist() == ["a", "lm"]
    assert found["found"].tolist() == ["second", ""]
    assert found["note"].tolist() == [ITSELF, ALONE]
    assert found.loc["a", "nll_difference"] == pytest.approx(1.0)
    assert pd.isna(found.loc["lm", "nll_difference"])
