"""How sure the export rule is, against integrals of the posterior's density."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.special import gammaln

from tests.support.tables import frame, replicate, seeds
from uncollapse.analysis.comparison.configurations import configurations
from uncollapse.analysis.comparison.export_rule import ExportRule, figure
from uncollapse.analysis.comparison.shortfall import lacks, nearest
from uncollapse.analysis.verdicts import judge


def integral(collapsed: int, judged: int, limit: float) -> float:
    """The density of Beta(k + 1/2, n - k + 1/2), integrated from 0; x = t^2 takes its pole at 0 away."""
    a, b = collapsed + 0.5, judged - collapsed + 0.5
    scale = np.exp(gammaln(a + b) - gammaln(a) - gammaln(b))
    return float(scale * quad(lambda t: 2 * t ** (2 * a - 1) * (1 - t * t) ** (b - 1), 0, np.sqrt(limit))[0])


def table_of(*rows: dict[str, Any], rule: ExportRule | None = None) -> pd.DataFrame:
    return configurations(judge(frame(*rows)), rule=rule)


@pytest.mark.parametrize("limit", [0.1, 0.5, 0.9])
@pytest.mark.parametrize(("collapsed", "judged"), [(0, 1), (0, 3), (1, 3), (3, 3), (2, 10), (10, 30)])
def test_the_probability_is_the_posteriors(collapsed: int, judged: int, limit: float) -> None:
    found = ExportRule(limit).probability(collapsed, judged)
    assert found == pytest.approx(integral(collapsed, judged, limit), abs=1e-9)


def test_known_values() -> None:
    rule = ExportRule()
    assert rule.probability(0, 3) == pytest.approx(0.96685, abs=1e-5)
    assert rule.probability(2, 3) == pytest.approx(0.28779, abs=1e-5)
    assert [bool(rule.kept_by(k, 10)) for k in range(4)] == [True, True, True, False]
    assert not rule.kept_by(0, 0), "nothing is known"
    assert ExportRule(limit=1.0).kept_by(3, 3), "a limit of 1 exports whatever collapses"


@pytest.mark.parametrize(
    ("limit", "share", "seeds"),
    [(0.5, 0, 3), (0.1, 0, 18), (0.2, 0, 9), (0.5, 0.25, 12), (0.5, 0.5, None), (0, 0, None)],
)
def test_the_fewest_seeds_that_keep_it(limit: float, share: float, seeds: int | None) -> None:
    rule = ExportRule(limit)
    assert rule.seeds_needed(share) == seeds
    if seeds is not None:
        assert integral(int(np.ceil(share * seeds)), seeds, limit) >= 0.95
        assert all(integral(int(np.ceil(share * n)), n, limit) < 0.95 for n in range(1, seeds))


def test_what_breaks_the_rule_ranks_behind_what_keeps_it() -> None:
    dead = [row | {"valid/nll_iw": 20.0} for row in seeds("a", "dead", 3, 0)]
    rows = [*dead, *seeds("a", "alive", 0, 3)]
    assert table_of(*rows)["configuration"].tolist() == ["dead", "alive"]
    ranked = table_of(*rows, rule=ExportRule())
    assert ranked["configuration"].tolist() == ["alive", "dead"]
    assert ranked["below_limit"].tolist() == pytest.approx([0.96685, 0.03315], abs=1e-5)
    assert table_of(*rows, rule=ExportRule(medians=(("mi", "<=", 1.0),)))["rank"].tolist() == [1, 2]


def test_a_model_without_a_code_keeps_it() -> None:
    table = table_of(*(replicate("lm", "c", seed, nll_exact=30.0) for seed in range(2)))
    assert ExportRule().keeping(table)["configuration"].tolist() == ["c"]


def test_the_nearest_is_the_surest_and_says_what_it_lacks() -> None:
    often = [row | {"valid/nll_iw": 20.0} for row in seeds("a", "often", 3, 0)]
    table = table_of(*often, *seeds("a", "seldom", 1, 2), *seeds("a", "half", 2, 1), rule=ExportRule())
    assert table["configuration"].tolist() == ["seldom", "half", "often"]
    near = nearest(table)
    assert near is not None
    assert near["configuration"] == "seldom"
    assert lacks(near, ExportRule()) == "1 of 3 seeds collapsed, P(collapse share < 0.5) is 0.71 against 0.95"
    strict = ExportRule(medians=(("mi", ">=", 4.0),))
    assert lacks(near, strict).endswith("against 0.95; its median mi is 3 and has to be >= 4")


def test_too_few_finished_seeds_are_what_it_lacks() -> None:
    table = table_of(*seeds("a", "c", 0, 1), *(replicate("a", "c", seed, "failed") for seed in (1, 2)))
    near = nearest(table)
    assert near is not None
    assert lacks(near, ExportRule()).startswith("1 of 3 planned seeds finished, and half of them are needed; 0 of 1")
    assert nearest(table_of(replicate("a", "c", 0, "failed"))) is None


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.96685, "0.97"), (0.28779, "0.29"), (0.99972, "0.9997"), (0.00003, "3e-05"), (1.0, "1.00")],
)
def test_a_probability_never_reads_as_sure_where_it_is_not(probability: float, text: str) -> None:
    assert figure(probability) == text


def test_the_rule_is_read_from_the_facts() -> None:
    facts = {"export_rule": {"limit": 0.3, "certainty": 0.9, "medians": [["mi", ">=", 1.0]]}}
    assert ExportRule.of(facts) == ExportRule(0.3, 0.9, (("mi", ">=", 1.0),))
    assert ExportRule.of({}) is None
