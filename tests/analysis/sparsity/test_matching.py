"""Codes matched between seeds: copies, strangers and what lies between; the jackknife under simulation."""

import base64
import json

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.support.tables import frame, replicate
from uncollapse.analysis.report.figures.patterns import agreement as agreement_figure
from uncollapse.analysis.report.figures.style import palette
from uncollapse.analysis.sparsity.codes import Code, active, of_seeds, read
from uncollapse.analysis.sparsity.matching import COLUMNS, agreement, jackknife, match, overlap, table
from uncollapse.analysis.verdicts import judge

N, C = 256, 12


def _code(rng: np.random.Generator, size: int = C, off: bool = False) -> Code:
    means = rng.normal(size=(N, size))
    return Code(means, rng.random((N, size)) if off else None)


def _shuffled(code: Code, rng: np.random.Generator) -> Code:
    """The same code with its dimensions in another order and half of its signs turned."""
    order, sign = rng.permutation(code.means.shape[1]), rng.choice([-1.0, 1.0], code.means.shape[1])
    return Code((code.means * sign)[:, order], None if code.off is None else code.off[:, order])


def _text(code: Code, digest: str = "d") -> str:
    packed = {"means": code.means, "off": code.off}
    halves = {
        name: None if value is None else base64.b64encode(value.astype("<f2").tobytes()).decode()
        for name, value in packed.items()
    }
    n, size = code.means.shape
    return json.dumps({"sentences": n, "size": size, "sentences_digest": digest} | halves)


def _index(codes: dict[int, Code], measure: str = "correlation") -> pd.Series:
    return agreement(codes).set_index("measure").loc[measure]


def test_the_assignment_finds_order_and_sign() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=(N, C))
    order, sign = rng.permutation(C), rng.choice([-1.0, 1.0], C)
    found = match(a, (a * sign)[:, order])
    assert (order[found.right] == found.left).all()
    assert found.correlation == pytest.approx(sign[found.left])
    assert found.mean() == pytest.approx(1)


def test_codes_of_different_size_lose_what_one_of_them_lacks() -> None:
    a = np.random.default_rng(1).normal(size=(N, 8))
    found = match(a, a[:, :6])
    assert len(found.left) == 6
    assert found.mean() == pytest.approx(6 / 8)


def test_dead_dimensions_correlate_with_nothing_and_count_only_where_the_other_lives() -> None:
    rng = np.random.default_rng(2)
    a = np.column_stack([rng.normal(size=(N, 4)), np.full((N, 3), 0.3)])
    assert match(a, a).mean() == pytest.approx(1)
    half = a.copy()
    half[:, :2] = 0.1
    assert match(a, half).mean() == pytest.approx(2 / 4)
    assert np.isnan(match(np.ones((N, 3)), np.ones((N, 3))).mean())


def test_codes_of_other_sentences_are_refused() -> None:
    with pytest.raises(ValueError, match="same two or more sentences"):
        match(np.zeros((5, 2)), np.zeros((4, 2)))


def test_overlap_is_jaccards_after_matching() -> None:
    a = np.random.default_rng(3).normal(size=(N, 4))
    pairs = match(a, a[:, ::-1])
    first = np.array([True, True, True, False])
    assert overlap(pairs, first, first[::-1]) == 1
    assert overlap(pairs, first, np.array([False, True, False, True])) == pytest.approx(2 / 3)  # {0, 1, 2} and {0, 2}
    assert overlap(pairs, np.zeros(4, bool), np.zeros(4, bool)) == 1


def test_copies_in_another_order_and_sign_have_index_one() -> None:
    rng = np.random.default_rng(4)
    one = _code(rng, off=True)
    codes = {seed: _shuffled(one, rng) for seed in range(4)}
    for measure in ("correlation", "on"):
        row = _index(codes, measure)
        assert (row["index"], row["low"], row["high"]) == pytest.approx((1, 1, 1))
        assert row["chance"] < 0.5


def test_independent_codes_have_index_zero_although_matching_finds_correlations() -> None:
    rng = np.random.default_rng(5)
    rows = [_index({seed: _code(rng, off=True) for seed in range(5)}, name) for name in ("correlation", "on") * 20]
    index = np.array([row["index"] for row in rows]).reshape(20, 2)
    assert (np.abs(index.mean(axis=0)) < 3 * index.std(axis=0, ddof=1) / np.sqrt(20)).all()
    assert np.mean([row["observed"] for row in rows[::2]]) > 0.08  # what a plain mean would call agreement


def test_half_shared_codes_lie_half_way() -> None:
    """Six of twelve dimensions shared: matching finds those, and about chance in the rest."""
    rng = np.random.default_rng(6)
    shared = rng.normal(size=(N, C // 2))
    codes = {s: _shuffled(Code(np.hstack([shared, rng.normal(size=(N, C // 2))])), rng) for s in range(6)}
    assert _index(codes)["index"] == pytest.approx(0.5, abs=0.03)


def test_active_sets_agree_where_the_same_matched_dimensions_are_active() -> None:
    rng = np.random.default_rng(7)
    base = rng.normal(size=(N, C)) * np.where(np.arange(C) < 4, 1.0, 0.05)
    same = {seed: _shuffled(Code(base), rng) for seed in range(4)}
    assert _index(same, "active")["index"] == pytest.approx(1)
    scales = [np.where(rng.permutation(C) < 4, 1.0, 0.05) for _ in range(8)]
    other = {seed: Code(rng.normal(size=(N, C)) * scale) for seed, scale in enumerate(scales)}
    assert abs(_index(other, "active")["index"]) < 0.2


def test_active_asks_a_sphere_for_its_own_share() -> None:
    rng = np.random.default_rng(8)
    means = rng.normal(size=(2000, 50)) * np.where(np.arange(50) < 25, 1.0, 0.01)
    on_sphere = means / np.linalg.norm(means, axis=1, keepdims=True)
    assert active(on_sphere).sum() == 25
    assert active(0.05 * means).sum() == 0


def test_where_chance_is_full_there_is_a_note_and_no_index() -> None:
    rng = np.random.default_rng(9)
    row = _index({seed: _code(rng) for seed in range(3)}, "active")  # every dimension is active
    assert np.isnan(row["index"])
    assert row["note"].startswith("shuffled codes agree in full")


@pytest.mark.parametrize("n", [0, 1, 2])
def test_few_seeds_give_no_interval(n: int) -> None:
    rng = np.random.default_rng(10)
    row = _index({seed: _code(rng) for seed in range(n)})
    assert np.isnan(row["low"])
    assert "seeds" in row["note"]
    assert np.isnan(row["index"]) == (n < 2)


def test_collapsed_codes_get_a_note() -> None:
    flat = Code(np.full((N, 3), 0.5))
    assert "does not vary" in _index({0: flat, 1: flat, 2: flat})["note"]
    alive = {0: _code(np.random.default_rng(11), 3), 1: flat}
    assert _index(alive)["observed"] == 0


def test_the_jackknife_is_that_of_leaving_one_seed_out() -> None:
    rng = np.random.default_rng(12)
    values = rng.normal(size=(6, 6))
    values += values.T
    off = ~np.eye(6, dtype=bool)
    without = [values[np.ix_(k, k)][off[:5, :5]].mean() for k in (np.delete(range(6), i) for i in range(6))]
    deviation = np.sqrt(5 / 6 * np.sum((np.array(without) - values[off].mean()) ** 2))
    half = stats.t.ppf(0.975, 5) * deviation
    assert jackknife(values) == pytest.approx((values[off].mean() - half, values[off].mean() + half))


@pytest.mark.parametrize("n", [3, 5, 10])
@pytest.mark.parametrize(("own", "least", "most"), [(0.1, 0.93, 0.97), (1.0, 0.93, 0.98), (np.inf, 0.95, 1.0)])
def test_the_jackknife_covers_and_errs_on_the_wide_side(n: int, own: float, least: float, most: float) -> None:
    """`own`: deviation of what is peculiar to a pair over that of a seed. 4,000 studies each."""
    rng = np.random.default_rng(13)
    seeds = rng.normal(size=(4000, n)) * (own < np.inf)
    pairs = np.triu(rng.normal(size=(4000, n, n)), 1) * min(own, 1.0)
    values = seeds[:, :, None] + seeds[:, None, :] + pairs + pairs.swapaxes(1, 2)
    low, high = jackknife(values)
    assert least < ((low <= 0) & (high >= 0)).mean() <= most


@pytest.mark.parametrize(("n", "least"), [(3, 0.87), (5, 0.90), (10, 0.93)])
def test_uneven_seeds_are_covered_by_ten_and_less_by_fewer(n: int, least: float) -> None:
    """Seeds hold a weight w of a shared code, uniform in 0.2 to 0.9: correlation of a pair is r_i r_j. 20,000 studies."""
    rng = np.random.default_rng(14)

    def quality(*shape: int) -> np.ndarray:
        weight = rng.uniform(0.2, 0.9, size=shape)
        return weight / np.hypot(weight, 1 - weight)

    r, truth = quality(20000, n), quality(10**6).mean() ** 2
    low, high = jackknife(r[:, :, None] * r[:, None, :])
    assert least < ((low <= truth) & (high >= truth)).mean() < 0.97


def test_codes_are_read_as_they_were_packed() -> None:
    code = _code(np.random.default_rng(15), 3, off=True)
    found = read(_text(code))
    assert found.means == pytest.approx(code.means, abs=2e-3)
    assert found.off == pytest.approx(code.off, abs=1e-3)
    assert read(_text(_code(np.random.default_rng(16)))).off is None


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"sentences": 2, "size": 1, "means": "AAAA"}'])
def test_a_broken_file_is_refused_with_what_it_should_hold(text: str) -> None:
    with pytest.raises(ValueError, match="base64"):
        read(text)


def test_a_study_is_matched_within_configurations_and_says_what_it_left_out() -> None:
    rng = np.random.default_rng(17)
    judged = judge(frame(*(replicate("a", name, seed) for name in ("c", "d") for seed in range(5))))
    one = _code(rng)
    texts = {f"a-replicate-c-{s}": {"codes.json": _text(_shuffled(one, rng))} for s in range(3)}
    texts["a-replicate-c-3"] = {"codes.json": "broken"}
    texts["a-replicate-c-4"] = {"codes.json": _text(one, "other sentences")}
    found = table(texts, judged)
    row = found[found["measure"] == "correlation"].iloc[0]
    assert set(found["configuration"]) == {"c"}
    assert row["seeds"] == 3
    assert row["index"] == pytest.approx(1, abs=1e-3)
    assert row["note"] == "1 of 5 codes could not be read; 1 of 4 codes are of other sentences"
    picture = agreement_figure(found, palette(["a"]))
    assert [tab.label for tab in picture.tabs] == ["dimensions"]


def test_an_older_study_gives_an_empty_table_and_a_sentence() -> None:
    judged = judge(frame(replicate("a", "c", 0)))
    found = table({}, judged)
    assert list(found.columns) == COLUMNS
    assert found.empty
    picture = agreement_figure(found, palette(["a"]))
    assert not picture.tabs
    assert picture.caption.startswith("No two confirmation seeds")


def test_results_do_not_depend_on_a_generator_outside() -> None:
    rng = np.random.default_rng(18)
    codes = {seed: _code(rng) for seed in range(3)}
    pd.testing.assert_frame_equal(agreement(codes), agreement(codes))
    judged = judge(frame(replicate("a", "c", 0)))
    assert of_seeds({}, judged) == ({}, "")
