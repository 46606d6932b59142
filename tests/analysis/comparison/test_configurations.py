"""Best configurations and what the search promised."""

import numpy as np
import pytest

from tests.support.tables import OK, frame, replicate, search
from uncollapse.analysis.comparison import configurations
from uncollapse.analysis.comparison.selection_optimism import promises
from uncollapse.analysis.statistics.medians import median_ends
from uncollapse.analysis.verdicts import judge


def _seeds(configuration: str, values: list[float], **columns: float) -> list[dict]:
    return [replicate("a", configuration, s, nll_iw=v, **OK) | columns for s, v in enumerate(values)]


def test_configurations_are_ranked_by_their_median() -> None:
    first = [30.0, 30.5, 31.0, 50.0, 60.0]
    rows = _seeds("c1", first) + _seeds("c2", [32.0, 32.5, 10.0])
    table = configurations.configurations(judge(frame(*rows))).set_index("configuration")
    assert table["nll"].to_dict() == {"c1": 31.0, "c2": 32.0}
    assert table["rank"].to_dict() == {"c1": 1, "c2": 2}
    assert (table.loc["c1", "nll_low"], table.loc["c1", "nll_high"]) == median_ends(first)
    assert np.isnan(table.loc["c2", "nll_low"])  # three seeds give no interval of 95 %


def test_one_surviving_seed_does_not_win() -> None:
    rows = (
        _seeds("lucky", [10.0]) + [replicate("a", "lucky", s, "failed") for s in (1, 2)] + _seeds("solid", [30.0, 31.0])
    )
    best = configurations.best(configurations.configurations(judge(frame(*rows))))
    assert best["configuration"].tolist() == ["solid"]


def test_settings_are_shown_in_one_line() -> None:
    rows = _seeds("c", [30.0], **{"param.optimizer.lr": 0.00123456, "param.latent.size": 32})
    assert configurations.configurations(judge(frame(*rows)))["settings"].tolist() == [
        "optimizer.lr=0.00123, latent.size=32"
    ]


def test_the_promise_is_compared_on_the_same_measure() -> None:
    rows = [
        search("a", "w", 0, nll_iw=30.0),
        search("a", "x", 1, nll_iw=31.0),
        search("a", "y", 2, "stopped", nll_iw=1.0),
    ]
    rows += [
        replicate("a", "w", s, **OK) | {"subset/nll_iw": v, "valid/nll_iw": 99.0} for s, v in enumerate([32.0, 33.0])
    ]
    row = promises(judge(frame(*rows)), {"select": "valid/nll_iw"}).iloc[0]
    assert (row["configuration"], row["measure"], row["search"], row["replicate"]) == ("w", "subset/nll_iw", 30.0, 32.5)
    assert row["seeds"] == 2


def test_a_language_model_is_promised_by_its_exact_figure() -> None:
    rows = [search("lm", "w", 0, nll_exact=30.0), replicate("lm", "w", 0, nll_exact=31.0) | {"subset/nll_exact": 31.5}]
    row = promises(judge(frame(*rows)), {}).iloc[0]
    assert (row["measure"], row["replicate"], row["note"]) == (
        "subset/nll_exact",
        31.5,
        "1 of the 5 seeds that an interval needs",
    )


@pytest.mark.parametrize(
    ("row", "note"),
    [
        (search("a", "w", 0, nll_iw=30.0), "the winner has not been replicated"),
        (search("a", "w", 0, "failed"), "no search trial ran to the end with a figure"),
    ],
)
def test_what_cannot_be_compared_gets_a_note(row: dict, note: str) -> None:
    table = promises(judge(frame(row)), {})
    assert table["note"].tolist() == [note]
    assert np.isnan(float(table["replicate"].iloc[0]))


def test_the_promise_shows_the_winners_curse_on_synthetic_truth() -> None:
    """20 equal configurations, sd 1: the best of 20 promises about 1.87 sd too much, and keeps none of it."""
    rng = np.random.default_rng(8)
    rows = []
    for family in range(60):
        figures = rng.normal(size=20)
        rows += [search(f"f{family}", f"c{i}", i, nll_iw=v) for i, v in enumerate(figures)]
        winner = f"c{np.argmin(figures)}"
        rows += [replicate(f"f{family}", winner, s, **OK) | {"subset/nll_iw": rng.normal()} for s in range(10)]
    table = promises(judge(frame(*rows)), {})
    optimism = (table["replicate"] - table["search"]).astype(float)
    assert optimism.mean() == pytest.approx(1.867, abs=4 * optimism.std() / np.sqrt(60))


def test_estimators_are_named_with_their_sample_counts() -> None:
    study = {"iw_samples_valid": 64, "iw_samples_subset": 8}
    assert configurations.estimator(study, "nll_iw") == "nll_iw (K = 64)"
    assert configurations.estimator(study, "nll_iw", "subset") == "nll_iw (K = 8)"
    assert configurations.estimator(study, "nll_exact") == "nll_exact"
    assert configurations.estimator({}, "nll_iw") == "nll_iw"


def test_a_measure_by_seed_has_every_planned_unit_and_seed() -> None:
    rows = [*_seeds("c1", [30.0, 31.0]), replicate("a", "c2", 5, "failed"), search("a", "c9", 0, nll_iw=1.0)]
    table = configurations.by_seed(judge(frame(*rows)), "nll")
    assert table.index.tolist() == [("a", "c1"), ("a", "c2")]
    assert table.columns.tolist() == [0, 1, 5]
    assert table.loc[("a", "c1"), 1] == 31.0
    assert table.loc[("a", "c2")].isna().all()


def test_of_a_seed_recorded_twice_the_last_counts() -> None:
    table = configurations.by_seed(judge(frame(*_seeds("c", [30.0]), *_seeds("c", [31.0]))), "nll")
    assert table.loc[("a", "c"), 0] == 31.0


def test_contests_leave_out_who_has_few_seeds() -> None:
    lucky = [*_seeds("lucky", [10.0]), replicate("a", "lucky", 1, "failed"), replicate("a", "lucky", 2, "failed")]
    table = configurations.configurations(judge(frame(*lucky, *_seeds("c", [30.0, 31.0]))))
    assert [(c.scope, c.name, c.units) for c in configurations.contests(table)] == [
        ("families", "nll_iw", [("a", "c")]),
        ("configurations", "a", [("a", "c")]),
    ]
