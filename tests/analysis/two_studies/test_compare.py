"""Two studies side by side: paired where they may be, honest where they may not."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.analysis import synthetic
from tests.support.tables import DEAD, OK, frame, replicate, search, seeds
from uncollapse.analysis.schema import Records
from uncollapse.analysis.statistics.medians import median_interval
from uncollapse.analysis.two_studies import compare

CORPUS = {"corpus": {"name": "cafes", "digest": "abc"}, "iw_samples_valid": 64}
A = [30.0, 31.0, 29.5, 30.5, 31.5, 30.2]
B = [30.4, 31.1, 30.5, 30.6, 31.4, 30.9]


def _records(*rows: dict[str, Any], **study: Any) -> Records:
    return Records({**CORPUS, **study}, frame(*rows), pd.DataFrame())


def _runs(values: list[float], configuration: str = "c", first: int = 0, run: str = "") -> list[dict[str, Any]]:
    rows = [replicate("a", configuration, first + s, nll_iw=v, **OK) for s, v in enumerate(values)]
    return [row | {"key": row["key"] + run} for row in rows]


def _best(found: compare.Comparison, measure: str = "nll") -> pd.Series:
    own = found.medians[(found.medians["scope"] == "best") & (found.medians["measure"] == measure)]
    assert len(own) == 1
    return own.iloc[0]


def test_the_same_configuration_is_paired_over_shared_seeds() -> None:
    found = compare.compare(_records(*_runs(A)), _records(*_runs([*B, 50.0], run="b"), epochs=20))
    row = _best(found)
    low, high, _ = median_interval(np.subtract(A, B))
    assert (row["method"], row["seeds_a"], row["seeds_b"]) == ("paired by seed", 6, 6)
    assert (row["difference"], row["low"], row["high"]) == pytest.approx(
        (np.median(np.subtract(A, B)), low[0], high[0])
    )
    assert found.medians["scope"].unique().tolist() == ["best", "shared"]


def test_different_configurations_are_compared_unpaired() -> None:
    row = _best(compare.compare(_records(*_runs(A)), _records(*_runs(B, "other"))))
    assert (row["method"], row["seeds_a"], row["seeds_b"]) == ("unpaired", 6, 6)
    assert row["difference"] == pytest.approx(np.median(A) - np.median(B))
    assert row["low"] < row["difference"] < row["high"]


@pytest.mark.parametrize(
    ("study", "reason"),
    [
        ({"corpus": {"digest": "other"}}, "the corpora differ"),
        ({"corpus": {}}, "a corpus digest is not recorded"),
        ({"iw_samples_valid": 128}, "the evaluations differ"),
    ],
)
def test_nothing_is_paired_across_other_data_or_another_measurement(study: dict[str, Any], reason: str) -> None:
    found = compare.compare(_records(*_runs(A)), _records(*_runs(B), **study))
    assert (_best(found)["method"], _best(found)["note"]) == ("unpaired", reason)
    assert any(f"because {reason}" in sentence for sentence in found.sentences)


def test_different_likelihoods_are_not_subtracted() -> None:
    exact = [replicate("a", "c", s, nll_exact=v, nll_iw=np.nan) for s, v in enumerate(B)]
    row = _best(compare.compare(_records(*_runs(A)), _records(*exact)))
    assert np.isnan(row["difference"])
    assert row["note"] == "nll_iw (K = 64) and nll_exact are not the same figure"


def test_collapses_are_tested_paired_by_mcnemar_and_unpaired_by_fisher() -> None:
    first, second = _records(*seeds("a", "c", 6, 4)), _records(*seeds("a", "c", 1, 9))
    row = compare.compare(first, second).collapses.iloc[0]
    assert row["difference"] == pytest.approx(0.5)
    assert (row["method"], row["p"]) == ("paired by seed", pytest.approx(stats.binomtest(5, 5).pvalue))
    row = compare.compare(first, _records(*seeds("a", "other", 1, 9))).collapses.iloc[0]
    assert (row["method"], row["p"]) == ("unpaired", pytest.approx(stats.fisher_exact([[6, 4], [1, 9]]).pvalue))
    assert row["low"] < 0.5 < row["high"]


def test_turning_the_studies_round_turns_every_sign() -> None:
    rows = [*seeds("b", "d", 2, 6), *_runs(A)], [*seeds("b", "d", 5, 3), *_runs(B, "other")]
    one, two = (compare.compare(_records(*rows[i]), _records(*rows[1 - i])) for i in (0, 1))
    for name in ("medians", "collapses"):
        first, second = getattr(one, name)["difference"], getattr(two, name)["difference"]
        assert first.to_numpy(dtype=float) == pytest.approx(-second.to_numpy(dtype=float), nan_ok=True)


def test_facts_name_what_differs_and_what_does_not() -> None:
    a = _records(*_runs(A), name="first", epochs=10, settings={"train": {"batch_size": 32, "epochs": 10}})
    b = _records(*_runs(B), name="second", epochs=20, settings={"train": {"batch_size": 32, "epochs": 20}})
    found = compare.compare(a, b)
    facts = found.facts.set_index("fact")
    assert not facts.loc["epochs", "same"]
    assert facts.loc["batch size", "same"]
    assert "A is first. B is second." in found.sentences[0]
    assert any(s.startswith("They differ in epochs (10 against 20)") for s in found.sentences)


def test_what_is_shared_is_counted() -> None:
    a = _records(*_runs(A, "c"), *_runs(A, "only a"), search("a", "c", 0, nll_iw=1.0))
    b = _records(*_runs(B, "c", first=3, run="b"))
    row = compare.compare(a, b).shared.iloc[0]
    assert (row["configurations_a"], row["configurations_b"], row["configurations"]) == (2, 1, 1)
    assert (row["seeds_a"], row["seeds_b"], row["seeds"], row["trials"]) == (6, 6, 3, 0)


def test_a_study_against_itself_differs_in_nothing() -> None:
    records = synthetic.records(("lstm_lm", "seqvae", "vmf"), trials=8, seeds=6, epochs=3)
    found = compare.compare(records, records)
    assert found.medians["difference"].dropna().eq(0).all()
    assert found.collapses["difference"].dropna().eq(0).all()
    assert found.facts["same"].all()
    assert any("cannot be told apart" in sentence for sentence in found.sentences)


def test_the_thresholds_of_the_first_judge_both() -> None:
    a = _records(*seeds("a", "c", 0, 6), thresholds={"mi": 10.0})
    found = compare.compare(a, _records(*seeds("a", "c", 0, 6)))
    assert found.collapses.iloc[0][["collapsed_a", "collapsed_b"]].tolist() == [6, 6]
    assert found.sentences[-1].startswith("B was judged by the thresholds of A")


def test_texts_hold_every_match_and_markdown_is_a_table() -> None:
    found = compare.compare(_records(*_runs(A)), _records(*_runs(B, "other|name")))
    lines = compare.markdown(found).splitlines()
    assert lines[-1].startswith("| a | c | other\\|name | 6 and 6 |")
    assert compare.text(found).splitlines()[0] == found.sentences[0]
    assert "other|name" in compare.text(found).splitlines()[-1]


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [search("a", "c", 0, nll_iw=1.0)],
        [replicate("b", "d", 0, **OK)],
        [replicate("a", "c", 0, "failed")],
        [replicate("a", "c", 0, **DEAD)],
        [replicate("a", "c", 0, nll_iw=np.nan)],
    ],
)
def test_little_or_nothing_shared_is_said_and_never_crashes(rows: list[dict[str, Any]]) -> None:
    for a, b in ((_records(*_runs(A)), _records(*rows)), (_records(*rows), _records(*_runs(A)))):
        found = compare.compare(a, b)
        assert found.sentences
        assert compare.text(found)
        assert compare.markdown(found).startswith("- ")
        assert found.medians["low"].isna().all()
