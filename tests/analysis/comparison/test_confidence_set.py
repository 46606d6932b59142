"""The confidence set of the best holds it as often as it says, whatever the law, and is no larger than it must be."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from tests.support.tables import OK, frame, replicate
from uncollapse.analysis.comparison.confidence_set import beaten, confidence_set, seeds_needed
from uncollapse.analysis.verdicts import judge

ALPHA = 0.05


def study(figures: np.ndarray, **more: Any) -> list[dict[str, Any]]:
    """Families x seeds."""
    return [
        replicate(f"f{f}", f"c{f}", s, **OK, **({"nll_iw": v} | more))
        for f, row in enumerate(figures)
        for s, v in enumerate(row)
    ]


def seeds_of(law: str, size: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Figures of equally good families: normal, heavy-tailed, of two humps, or moved together by their seed."""
    noise = rng.normal(size=size)
    if law == "heavy":
        return np.asarray(rng.standard_t(2, size=size))
    if law == "humps":
        return np.asarray(noise + 6 * (rng.random(size) < 0.3))
    return np.asarray(noise + 3 * rng.normal(size=size[1])) if law == "paired" else noise


@pytest.mark.parametrize("law", ["normal", "heavy", "humps", "paired"])
@pytest.mark.parametrize("seeds", [5, 10, 30])
def test_the_best_is_in_its_set(law: str, seeds: int) -> None:
    """1,000 studies of six families, five as good as the best: the hardest case."""
    rng = np.random.default_rng(seeds)
    kept = [beaten(seeds_of(law, (6, seeds), rng))[0].min() > ALPHA for _ in range(1000)]
    assert np.mean(kept) >= 1 - ALPHA - 3 * np.sqrt(ALPHA / 1000)


def test_a_lowest_median_is_the_wrong_family_where_the_set_holds_the_right_one() -> None:
    """Six families half a seed's spread apart, ten seeds, 1,000 studies: who is named best, and who may be."""
    rng, truth = np.random.default_rng(0), np.arange(6) * 0.5
    named, kept = [], []
    for _ in range(1000):
        figures = truth[:, None] + rng.normal(size=(6, 10))
        named.append(np.median(figures, axis=1).argmin() == 0)
        kept.append(beaten(figures)[0].min() > ALPHA)
    assert np.mean(named) < 0.86
    assert np.mean(kept) >= 0.95


def test_the_set_shrinks_to_the_best_with_seeds() -> None:
    rng, truth = np.random.default_rng(1), np.array([0.0, 1.0, 1.5, 2.0])
    sizes = []
    for seeds in (5, 10, 20, 40):
        own = [(beaten(truth[:, None] + rng.normal(size=(4, seeds))).min(axis=1) > ALPHA).sum() for _ in range(300)]
        sizes.append(np.mean(own))
    assert sizes[0] == 4  # five seeds cannot tell four apart
    assert all(later < earlier for earlier, later in pairwise(sizes))
    assert sizes[-1] < 1.2


@pytest.mark.parametrize("many", range(2, 12))
def test_so_many_seeds_are_needed(many: int) -> None:
    for seeds in (seeds_needed(many) - 1, seeds_needed(many)):
        figures = np.arange(many)[:, None] + np.zeros((many, seeds))
        assert (beaten(figures)[1].min() <= ALPHA) == (seeds >= seeds_needed(many))


def test_shared_seeds_count_and_ties_do_not() -> None:
    figures = np.array([[1.0] * 8, [2.0] * 7 + [np.nan], [1.0] * 8])
    p = beaten(figures)
    assert p[1, 0] == pytest.approx(2 * 0.5**7)
    assert p[0, 1] == 1
    assert p[0, 2] == 1  # all ties


def test_every_contest_has_its_set() -> None:
    figures = np.array([30.0, 30.1, 33.0])[:, None] + np.linspace(0, 5, 8)
    figures[1] += np.tile([0.5, -0.5], 4)
    table = confidence_set(judge(frame(*study(figures))))
    families = table[table["scope"] == "families"].set_index("family")
    assert families["may_be_best"].to_dict() == {"f0": True, "f1": True, "f2": False}
    assert families.loc["f2", "beaten_by"] in ("f0", "f1")
    alone = table[table["scope"] == "configurations"]
    assert set(alone["note"]) == {"no other to compare with"}
    assert alone["may_be_best"].isna().all()


def test_an_empty_study_has_no_contest() -> None:
    assert confidence_set(judge(frame())).empty
