"""Hoyer along its hyperparameter: correlations, fits and the prior's own sparsity against known truths."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.support.tables import OK, frame, replicate, search
from uncollapse.analysis.report.figures.control import control
from uncollapse.analysis.report.figures.style import palette
from uncollapse.analysis.sparsity import controllability
from uncollapse.analysis.sparsity.targets import SPIKE, labels, prior_hoyer, values
from uncollapse.analysis.verdicts import judge

SEEDS = 8


def _hsvae(hoyer: dict[tuple[float, float], float], noise: float = 0.01, **hyperparameters: Any) -> pd.DataFrame:
    """A configuration for each (alpha, beta) with its Hoyer, and seeds around it."""
    rng = np.random.default_rng(0)
    rows = []
    for i, ((alpha, beta), centre) in enumerate(hoyer.items()):
        for seed in range(SEEDS):
            value = centre + rng.normal(0, noise)
            row = replicate("hsvae", f"c{i}", seed, hoyer_sample=value, hoyer_mean=0.2, **OK)
            rows.append(row | {"param.latent.alpha": alpha, "param.latent.beta": beta} | hyperparameters)
    return judge(frame(*rows))


RISING = {(1.0, 4.0): 0.3, (2.0, 2.0): 0.45, (4.0, 1.0): 0.6}


def _row(table: pd.DataFrame, measure: str = "hoyer_sample", stage: str = "replicate") -> pd.Series:
    return table[(table["measure"] == measure) & (table["stage"] == stage)].iloc[0]


def test_a_hoyer_that_follows_is_said_to_follow() -> None:
    row = _row(controllability.follows(_hsvae(RISING), {}))
    assert row["hyperparameter"].startswith("E[gamma]")
    assert (row["hyperparameter_low"], row["hyperparameter_high"]) == (0.2, 0.8)
    assert (row["trials"], row["configurations"], row["seeds"]) == (24, 3, 8)
    assert (row["monotone"], row["steps_up"], row["steps"]) == ("rising", 2, 2)
    assert min(row["isotonic_r2"], row["line_r2"]) > 0.98
    assert row["slope"] == pytest.approx(0.5, abs=3 * 0.01 / np.sqrt(SEEDS) / 0.3)


def test_correlations_are_scipys() -> None:
    judged = _hsvae({(1.0, 4.0): 0.3, (2.0, 2.0): 0.31, (4.0, 1.0): 0.32}, noise=0.02)
    row, hyperparameter = _row(controllability.follows(judged, {})), np.repeat([0.2, 0.5, 0.8], SEEDS)
    assert row["spearman"] == pytest.approx(stats.spearmanr(hyperparameter, judged["hoyer_sample"])[0])
    assert row["kendall"] == pytest.approx(stats.kendalltau(hyperparameter, judged["hoyer_sample"])[0])
    assert row["low"] < row["spearman"] < row["high"]
    assert row["kendall_low"] < row["kendall"] < row["kendall_high"]


def test_a_hoyer_that_does_not_follow_is_said_not_to() -> None:
    row = _row(controllability.follows(_hsvae({(1.0, 4.0): 0.4, (2.0, 2.0): 0.3, (4.0, 1.0): 0.41}), {}))
    assert (row["monotone"], row["steps_up"]) == ("neither", 1)
    falling = _row(controllability.follows(_hsvae({(1.0, 4.0): 0.6, (2.0, 2.0): 0.5, (4.0, 1.0): 0.4}), {}))
    assert falling["monotone"] == "falling"
    assert falling["isotonic_r2"] == pytest.approx(0, abs=1e-9)
    assert falling["line_r2"] > 0.9


def test_a_hyperparameter_or_a_hoyer_without_variation_gets_a_note() -> None:
    table = controllability.follows(_hsvae({(2.0, 2.0): 0.4}), {})
    assert _row(table)["note"].startswith("the hyperparameter does not vary")
    assert np.isnan(_row(table)["spearman"])
    assert _row(controllability.follows(_hsvae(RISING), {}), "hoyer_mean")["note"] == "Hoyer does not vary here"
    assert not control(controllability.points(_hsvae({(2.0, 2.0): 0.4}), {}), table, palette(["hsvae"])).tabs


def test_few_seeds_give_a_figure_without_an_interval() -> None:
    judged = _hsvae(RISING)
    row = _row(controllability.follows(judged[judged["seed"] < 2], {}))
    assert row["spearman"] > 0.9
    assert np.isnan(row["low"])
    assert row["note"].startswith("fewer than three seeds")


def test_families_without_a_hyperparameter_and_empty_studies_give_an_empty_table() -> None:
    for judged in (judge(frame(replicate("vmf", "c", 0, hoyer_mean=0.2, **OK))), judge(pd.DataFrame())):
        table = controllability.follows(judged, {})
        assert list(table.columns) == controllability.COLUMNS
        assert table.empty
        assert not control(controllability.points(judged, {}), table, palette(["vmf"])).tabs


def test_pages_that_differ_in_the_hyperparameter_alone_are_one_group() -> None:
    def page(alpha: float, size: int = 32) -> dict[str, Any]:
        latent = {"kind": "spike_slab", "size": size, "alpha": alpha, "beta": 1.0}
        return {"base": {"latent": latent, "objective": {"kl.z": {"kind": "constant", "value": 0.01}}}, "search": {}}

    pages = {"half": page(1.0), "sparse": page(4.0), "wide": page(4.0, 64)}
    rows = [
        replicate(family, family[0], seed, hoyer_sample=0.4 + 0.01 * seed + 0.2 * (family == "sparse"), **OK)
        for family in pages
        for seed in range(3)
    ]
    judged, study = judge(frame(*rows)), {"settings": {"families": pages}}
    table = controllability.follows(judged, study)
    assert list(table["group"]) == ["half, sparse", "wide"]
    assert table["note"].iloc[1].startswith("the hyperparameter does not vary")
    assert _row(table)["monotone"] == "rising"
    assert labels(judged, study)["sparse", "s"] == ("half, sparse", "Beta(4, 1)")
    drawn = control(controllability.points(judged, study), table, palette(list(pages)))
    assert [panel.title for panel in drawn.tabs[0].panels] == ["half, sparse"]


def test_weights_are_followed_by_order_of_magnitude() -> None:
    rows = [
        replicate("mat_vae", f"c{i}", seed, hoyer_sample=0.2 + 0.1 * i, **OK)
        | {"param.objective.mmd.value": 10.0**i, "param.objective.kl.z.value": 0.01, "param.latent.gamma": 0.8}
        for i in range(3)
        for seed in range(3)
    ]
    judged = judge(frame(*rows))
    table = controllability.follows(judged, {}).set_index("hyperparameter")
    assert table.loc["MMD weight", "line_r2"] == pytest.approx(1)
    assert table.loc["MMD weight", "slope"] == pytest.approx(0.1)
    assert table.loc["gamma of the prior", "note"].startswith("the hyperparameter does not vary")
    assert labels(judged, {})["mat_vae", "c1"] == ("mat_vae", "γ 0.8, MMD 10, KL 0.01")


def test_search_trials_stand_apart_and_stopped_ones_stay_out() -> None:
    hyperparameters = [{"latent.alpha": float(a), "latent.beta": 1.0} for a in range(1, 8)]
    rows = [search("hsvae", f"s{i}", i, hoyer_sample=0.1 * i, **OK, **own) for i, own in enumerate(hyperparameters)]
    rows.append(search("hsvae", "s9", 9, "stopped", hoyer_sample=9.0, **OK, **hyperparameters[0]))
    row = _row(controllability.follows(judge(frame(*rows)), {}), stage="search")
    assert (row["trials"], row["spearman"], row["kendall"]) == (7, pytest.approx(1), pytest.approx(1))


@pytest.mark.parametrize(("gamma", "expected"), [(0, 0.238), (0.5, 0.485), (0.8, 0.663), (0.833, 0.677), (0.98, 0.42)])
def test_the_prior_has_the_sparsity_of_its_draws(gamma: float, expected: float) -> None:
    """Figures of a simulation of its own, and of 32 normal dimensions; within 0.01."""
    assert prior_hoyer(gamma, 32) == pytest.approx(expected, abs=0.01)


def test_the_gap_to_the_prior_is_what_hoyer_lacks() -> None:
    judged = _hsvae({(1.0, 1.0): 0.385}, noise=0.0, **{"param.latent.size": 32})
    assert values(judged, {})["prior"].iloc[0] == prior_hoyer(0.5, 32)
    assert _row(controllability.follows(judged, {}))["prior_gap"] == pytest.approx(0.1, abs=0.01)


def test_the_spike_where_none_is_stated_is_the_latents_own() -> None:
    import inspect

    from uncollapse.models.latents.sparse_prior import SparsePrior
    from uncollapse.models.latents.spike_slab import SpikeSlab

    for latent in (SpikeSlab, SparsePrior):
        assert inspect.signature(latent).parameters["spike"].default == SPIKE


def test_fits_are_the_isotonic_and_the_least_squares_ones() -> None:
    hyperparameter, hoyer = np.array([1.0, 2, 2, 3, 4]), np.array([1.0, 3, 5, 2, 6])
    found = controllability.fits(hyperparameter, hoyer)
    pooled = np.array([1, 10 / 3, 10 / 3, 10 / 3, 6])  # 4, 4 and 2 violate the order and are averaged
    total = ((hoyer - hoyer.mean()) ** 2).sum()
    assert found["isotonic_r2"] == pytest.approx(1 - ((hoyer - pooled) ** 2).sum() / total)
    assert found["line_r2"] == pytest.approx(stats.linregress(hyperparameter, hoyer).rvalue ** 2)


@pytest.mark.slow
@pytest.mark.parametrize(("configurations", "seeds", "noise"), [(3, 10, 0.5), (6, 5, 0.5), (6, 10, 0.15)])
def test_the_interval_over_seeds_covers(configurations: int, seeds: int, noise: float) -> None:
    """2,000 studies; the truth is the correlation over 5,000 seeds."""
    rng = np.random.default_rng(1)

    def spearman(x: np.ndarray, y: np.ndarray) -> float:
        return float(np.corrcoef(stats.rankdata(x), stats.rankdata(y))[0, 1])

    def study(n: int) -> tuple[np.ndarray, np.ndarray]:
        hyperparameter = np.repeat(np.arange(configurations) / configurations, n)
        return hyperparameter, hyperparameter + rng.normal(0, noise, size=len(hyperparameter))

    truth, owner = spearman(*study(5000)), np.tile(np.arange(seeds), configurations)
    found = [controllability.over_seeds(spearman, *study(seeds), owner) for _ in range(2000)]
    assert np.mean([low <= truth <= high for low, high in found]) == pytest.approx(0.95, abs=0.02)
