"""Class-wise patterns: read, tabled, and how separate classes are, seed by seed."""

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.support.tables import OK, frame, replicate
from uncollapse.analysis.comparison.configurations import configurations
from uncollapse.analysis.report.figures.patterns import MOST_COMPONENTS, class_patterns
from uncollapse.analysis.report.figures.style import palette
from uncollapse.analysis.sparsity import class_patterns as patterns
from uncollapse.analysis.verdicts import judge

CLASSES = ["Company", "Artist"]
KL: dict[str, Any] = {"corpus": {"facts": {"class_kl": 0.61}}}


def _study(*separations: float, chance: float = 0.01) -> pd.DataFrame:
    """One configuration with a seed for each class separation."""
    measured = [{"class_separation": one, "class_separation_chance": chance} for one in separations]
    return judge(frame(*(replicate("a", "c", seed, nll_iw=30.0, **OK, **one) for seed, one in enumerate(measured))))


def _text(on: list[list[float]], **more: Any) -> dict[str, str]:
    return {"patterns.json": json.dumps({"classes": CLASSES, "on": on} | more)}


def test_a_row_per_seed_class_and_component() -> None:
    texts = {"a-replicate-c-1": _text([[0.0, 0.5, 1.0], [0.2, 0.5, 0.1]])}
    table = patterns.table(texts, _study(0.02, 0.03))
    assert len(table) == 6
    row = table[(table["class"] == "Artist") & (table["component"] == 2)].iloc[0]
    assert (row["family"], row["configuration"], row["seed"], row["on"]) == ("a", "c", 1, 0.1)


def test_components_that_differ_most_between_classes_come_first() -> None:
    assert patterns.by_distinction([[0.0, 0.5, 1.0], [0.2, 0.5, 0.1]]).tolist() == [2, 0, 1]


def test_separation_is_corrected_for_shuffled_classes_with_students_interval() -> None:
    found, chance = np.array([0.02, 0.05, 0.03]), 0.01
    index = (found - chance) / (0.25 - chance)
    row = patterns.separation(_study(*found, chance=chance), KL).iloc[0]
    assert (row["seeds"], row["class_kl"]) == (3, 0.61)
    assert (row["separation"], row["chance"]) == pytest.approx((found.mean(), chance))
    assert row["index"] == pytest.approx(index.mean())
    oracle = stats.t.interval(0.95, 2, loc=index.mean(), scale=stats.sem(index))
    assert (row["low"], row["high"]) == pytest.approx(oracle)


def test_perfect_classes_have_index_one_and_gates_that_never_differ_a_note() -> None:
    assert patterns.separation(_study(0.25, 0.25, chance=0.002), {})["index"].iloc[0] == pytest.approx(1)
    assert patterns.separation(_study(0.0, 0.0, chance=0.0), {})["note"].iloc[0].startswith("no component")
    assert patterns.separation(_study(0.02), {})["note"].iloc[0] == "one seed: no interval"


def test_the_words_kl_is_the_corpus_fact_or_what_a_trial_recorded_or_nothing() -> None:
    texts = {"x": {"patterns.json": "broken"}, "y": _text([[0.0], [1.0]], class_kl=0.4)}
    assert patterns.word_kl(KL, texts) == 0.61
    assert patterns.word_kl({}, texts) == 0.4
    assert np.isnan(patterns.word_kl({}, {"z": _text([[0.0], [1.0]], class_kl=None)}))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"classes": ["a"], "on": [[0.1], [0.2]]}', '{"classes": ["a"], "on": [[2]]}']
)
def test_a_broken_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="row of shares"):
        patterns.read(text)


def test_nothing_recorded_gives_empty_tables_and_a_sentence() -> None:
    for judged in (judge(pd.DataFrame()), judge(frame(replicate("a", "c", 0)))):
        table, apart = patterns.table({}, judged), patterns.separation(judged, {})
        assert list(table.columns) == patterns.COLUMNS
        assert list(apart.columns) == patterns.SEPARATION_COLUMNS
        assert len(table) == len(apart) == 0
        assert not class_patterns(table, apart, configurations(judged), palette(["a"])).tabs


def test_the_picture_shows_one_seed_sorted_and_names_the_words_kl() -> None:
    on = np.random.default_rng(0).random((2, MOST_COMPONENTS + 6))
    judged = _study(0.02, 0.03)
    table = patterns.table({f"a-replicate-c-{s}": _text(on.round(4).tolist()) for s in (0, 1)}, judged)
    drawn = class_patterns(table, patterns.separation(judged, KL), configurations(judged), palette(["a"]))
    panel = drawn.tabs[0].panels[0]
    shown = np.asarray(panel.figure.data[0].z)
    assert shown.shape == (2, MOST_COMPONENTS)
    assert (np.diff(shown.var(axis=0)) <= 0).all()
    assert panel.note.startswith("seed 0; separation 0.0250, shuffled 0.0100, index 0.06")
    assert "0.61 nats" in drawn.caption
    assert "6 more" in panel.figure.layout.xaxis.title.text
