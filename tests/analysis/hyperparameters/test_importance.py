"""Importance against known truths: a hyperparameter that alone decides, one that does nothing, branches, stopped trials."""

import subprocess
import sys
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from tests.support.tables import DEAD, OK, frame, replicate, search
from uncollapse.analysis.hyperparameters.importance import (
    AGREEMENT_COLUMNS,
    COLUMNS,
    EVALUATORS,
    agreement,
    importances,
)
from uncollapse.analysis.hyperparameters.importance_targets import cases
from uncollapse.analysis.report.figures.importance import importances as importances_figure
from uncollapse.analysis.report.figures.parallel import MOST_AXES, MOST_LINES, parallel
from uncollapse.analysis.report.figures.style import palette
from uncollapse.analysis.verdicts import judge

LOOKS = palette(["a", "b"])
KINDS = ("constant", "linear", "cyclical")


def _trial(number: int, rng: np.random.Generator, **more: Any) -> dict[str, Any]:
    """A trial of a branching space; `nll_iw` and the codes' measures come from the test."""
    kind = str(rng.choice(KINDS))
    drawn = {"o.lr": 10 ** rng.uniform(-4, -2), "i.dropout": rng.uniform(), "l.size": int(rng.choice([8, 16, 32]))}
    drawn |= {"k.kind": kind, f"k.{kind}.value": rng.uniform()}
    return {"number": number, **drawn, **more}


def _judged(rows: list[dict[str, Any]]) -> pd.DataFrame:
    return judge(frame(*(search("a", f"c{row['number']}", row.pop("number"), **row) for row in rows)))


def _by_lr(n: int, seed: int = 0, noise: float = 0.1) -> pd.DataFrame:
    """NLL is a parabola in the logarithm of o.lr and nothing else; the kind `constant` alone collapses."""
    rng = np.random.default_rng(seed)
    rows = [_trial(i, rng) for i in range(n)]
    for row in rows:
        row["nll_iw"] = 30 + 3 * (np.log10(row["o.lr"]) + 3) ** 2 + noise * rng.normal()
        row |= DEAD if row["k.kind"] == "constant" else OK
    return _judged(rows)


def _shares(table: pd.DataFrame, target: str) -> pd.Series:
    return table[table["target"] == target].set_index("hyperparameter")["share"]


@pytest.fixture(scope="module")
def judged() -> pd.DataFrame:
    return _by_lr(80)


@pytest.fixture(scope="module")
def found(judged: pd.DataFrame) -> pd.DataFrame:
    return importances(judged)


@pytest.mark.parametrize(("target", "decider"), [("nll", "o.lr"), ("collapse", "k.kind")])
def test_the_hyperparameter_that_alone_decides_gets_nearly_all_and_the_others_nearly_none(
    found: pd.DataFrame, target: str, decider: str
) -> None:
    shares = _shares(found, target)
    assert shares.sum() == pytest.approx(1)
    assert shares.index[0] == decider
    assert shares[decider] > 0.85
    assert shares.drop(decider).max() < 0.08


@pytest.mark.parametrize(("target", "decider"), [("nll", "o.lr"), ("collapse", "k.kind")])
def test_only_the_decider_passes_the_made_up_hyperparameters(found: pd.DataFrame, target: str, decider: str) -> None:
    own = found[found["target"] == target].set_index("hyperparameter")
    assert own.index[own["low"] > own["chance"]].tolist() == [decider]


def test_the_interval_holds_the_share_and_stays_between_0_and_1(found: pd.DataFrame) -> None:
    assert (found["low"] <= found["share"]).all()
    assert (found["share"] <= found["high"]).all()
    assert found[["low", "high"]].stack().between(0, 1).all()


def test_more_trials_narrow_the_interval() -> None:
    few, many = (importances(_by_lr(n, noise=0.5), draws=8) for n in (24, 160))
    width = [
        (own["high"] - own["low"]).where(own["hyperparameter"] == "o.lr").max()
        for own in (table[table["target"] == "nll"] for table in (few, many))
    ]
    assert width[1] < width[0]


def test_the_same_seed_gives_the_same_table_and_another_seed_another() -> None:
    judged = _by_lr(20, noise=1)
    first, again, other = (importances(judged, seed=seed, draws=2) for seed in (0, 0, 1))
    pd.testing.assert_frame_equal(first, again)
    assert not first["share"].equals(other["share"])


def test_a_hyperparameter_of_a_branch_decides_within_its_branch() -> None:
    rng = np.random.default_rng(1)
    rows = [_trial(i, rng) for i in range(120)]
    for row in rows:
        row["nll_iw"] = 30 + 4 * row.get("k.linear.value", 0.5) + 0.1 * rng.normal()
    table = importances(_judged(rows), draws=2).set_index("hyperparameter")
    own = table.loc["k.linear.value"]
    assert table.index[0] == "k.linear.value"
    assert own["branch"] == "k.kind = linear"
    assert own["active"] == sum(row["k.kind"] == "linear" for row in rows)
    assert own["active"] < own["trials"] == 120
    assert table.loc["o.lr", "branch"] == ""


def test_the_choice_of_a_branch_is_not_credited_to_the_hyperparameters_of_that_branch(found: pd.DataFrame) -> None:
    shares = _shares(found, "collapse")
    assert shares["k.kind"] > 10 * shares[[f"k.{kind}.value" for kind in KINDS]].sum()


def _stopped_above(bound: float) -> pd.DataFrame:
    """Every trial with a large o.lr is stopped early with a figure that says nothing."""
    rng = np.random.default_rng(2)
    rows = [_trial(i, rng, nll_iw=30 + 0.1 * rng.normal()) for i in range(80)]
    for row in rows:
        row["state"] = "stopped" if row["o.lr"] > bound else "finished"
    return _judged(rows)


def test_a_hyperparameter_whose_bad_values_are_all_stopped_is_still_found() -> None:
    shares = _shares(importances(_stopped_above(1e-3), draws=2), "nll")
    assert shares.index[0] == "o.lr"
    assert shares["o.lr"] > 0.5


def test_stopped_and_diverged_trials_rank_behind_the_worst_finished_one() -> None:
    states = ["finished"] * 9 + ["stopped", "diverged", "failed", "running"]
    figures = [*range(9), 0.0, np.nan, np.nan, 0.0]
    rows = [
        search("a", f"c{i}", i, s, **{"o.x": i, "nll_iw": y})
        for i, (s, y) in enumerate(zip(states, figures, strict=True))
    ]
    case = next(iter(cases(judge(frame(*rows)))))
    assert case.outcome.tolist() == [*range(1, 10), 10.5, 10.5]


def test_codes_are_ranks_of_distinct_values_and_levels_and_branches_are_filled_at_their_middle() -> None:
    rows = [search("a", f"c{i}", i, **{"o.x": [1, 100, 10][i % 3], "o.k": "uv"[i % 2], "nll_iw": i}) for i in range(12)]
    for i in range(0, 12, 2):
        rows[i]["param.o.y"] = float(i)
    case = next(iter(cases(judge(frame(*rows)))))
    assert case.codes["o.x"].tolist() == [0, 2, 1] * 4
    assert case.codes["o.k"].tolist() == [0, 1] * 6
    assert case.categorical == {"o.k"}
    assert case.filled["o.y"].iloc[1::2].eq(2).all()
    assert case.filled["o.y"].iloc[::2].tolist() == [0, 1, 2, 3, 4, 5]


@pytest.mark.parametrize("evaluator", EVALUATORS)
def test_each_evaluator_finds_the_decider_among_two_hundred(evaluator: str) -> None:
    assert _shares(importances(_by_lr(200), evaluator, draws=0), "nll").idxmax() == "o.lr"


def test_an_unknown_evaluator_is_refused() -> None:
    with pytest.raises(ValueError, match="fanova, impurity, ped-anova; found 'shap'"):
        importances(_by_lr(3), "shap")


def test_the_other_evaluators_agree_on_a_clear_decider(judged: pd.DataFrame, found: pd.DataFrame) -> None:
    table = agreement(judged, found).set_index(["target", "other"])
    assert table["same_first"].all()
    assert table.loc[("nll", "impurity"), "note"].startswith("both put o.lr first; rank correlation")
    assert table["spearman"].between(-1, 1).all()


def test_agreement_is_spearmans_of_the_shares(judged: pd.DataFrame, found: pd.DataFrame) -> None:
    other = _shares(importances(judged, "impurity", draws=0), "nll")
    row = agreement(judged, found).set_index(["target", "other"]).loc[("nll", "impurity")]
    shares = _shares(found, "nll")
    assert row["hyperparameters"] == len(shares)
    assert row["spearman"] == pytest.approx(stats.spearmanr(shares, other[shares.index])[0])


def test_two_hyperparameters_are_too_few_to_compare_orders() -> None:
    rows = [search("a", f"c{i}", i, **{"o.x": i, "o.y": i % 3, "nll_iw": float(i)}) for i in range(12)]
    judged = judge(frame(*rows))
    table = agreement(judged, importances(judged, draws=0))
    assert table["spearman"].isna().all()
    assert table["note"].str.contains("cannot be compared").all()


def _plain(n: int, **columns: Any) -> pd.DataFrame:
    rows = [search("a", f"c{i}", i, **{"o.x": i, "o.y": i % 3, "nll_iw": float(i % 7)} | columns) for i in range(n)]
    return judge(frame(*rows))


@pytest.mark.parametrize(
    ("judged", "target", "note"),
    [
        (_plain(9), "nll", "9 trials: too few to tell what decides"),
        (_plain(15), "nll", "only 15 trials"),
        (_plain(25), "nll", ""),
        (_plain(25, nll_iw=3.0), "nll", "the NLL of 25 trials is the same or unknown"),
        (_plain(25, **DEAD), "collapse", "25 of 25 trials collapsed: too one-sided to tell what decides"),
        (_plain(25, **OK), "collapse", "0 of 25 trials collapsed: too one-sided to tell what decides"),
        (_plain(25, state="stopped"), "nll", "the NLL of 25 trials is the same or unknown"),
    ],
)
def test_why_there_is_no_figure_or_what_weakens_it(judged: pd.DataFrame, target: str, note: str) -> None:
    table = importances(judged, draws=2)
    own = table[table["target"] == target]
    assert own["note"].unique().tolist() == [note]
    assert own["share"].notna().all() == (note in ("", "only 15 trials"))


@pytest.mark.parametrize(
    "judged",
    [
        judge(pd.DataFrame()),
        judge(frame(replicate("a", "c", 1))),
        _plain(20, nll_iw=np.nan),
        _plain(20, **{"o.x": 1, "o.y": 2}),
        _plain(20, state="failed"),
    ],
    ids=["empty", "no search", "no likelihood", "nothing varies", "all failed"],
)
def test_nothing_to_explain_gives_an_empty_table_and_a_sentence(judged: pd.DataFrame) -> None:
    table = importances(judged)
    compared = agreement(judged, table)
    assert table.empty
    assert table.columns.tolist() == COLUMNS
    assert compared.columns.tolist() == AGREEMENT_COLUMNS
    for picture in (importances_figure(table, compared, LOOKS), parallel(judged, table, LOOKS)):
        assert not picture.tabs
        assert picture.caption.endswith(".")


def test_a_large_search_is_thinned_and_says_so_and_takes_seconds() -> None:
    judged, start = _by_lr(1000), time.process_time()
    table = importances(judged, draws=4)
    assert time.process_time() - start < 15
    assert set(table["trials"]) == {300}
    assert table["note"].unique().tolist() == ["a random 300 of 1,000 trials"]
    assert _shares(table, "nll").index[0] == "o.lr"


def test_a_thinned_search_without_enough_collapses_says_so() -> None:
    rows = [search("a", f"c{i}", i, **{"o.x": i}, **(DEAD if i < 5 else OK)) for i in range(1000)]
    row = importances(judge(frame(*rows)), draws=0).iloc[0]
    assert row["note"].startswith("a random 300 of 1,000 trials; of them ")
    assert row["note"].endswith("of 300 trials collapsed: too one-sided to tell what decides")
    assert np.isnan(row["share"])


def test_importing_the_analysis_does_not_load_optuna() -> None:
    code = "import sys, uncollapse.analysis.hyperparameters.importance, uncollapse.analysis.report.figures.importance; sys.exit('optuna' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_bars_show_the_tables_figures_a_tab_per_target(judged: pd.DataFrame, found: pd.DataFrame) -> None:
    picture = importances_figure(found, agreement(judged, found), LOOKS)
    assert [tab.label for tab in picture.tabs] == ["what decides NLL", "what decides collapse"]
    panel = picture.tabs[0].panels[0]
    own = found[found["target"] == "nll"]
    trace = panel.figure.data[0]
    np.testing.assert_allclose(trace.x, own["share"].head(8))
    np.testing.assert_allclose(trace.x + trace.error_x.array, own["high"].head(8))
    np.testing.assert_allclose(panel.figure.data[1].x, own["chance"].head(8))
    assert "80 trials" in panel.note
    assert "impurity ρ" in panel.note


def test_a_family_without_a_figure_is_named_in_the_caption() -> None:
    judged = _plain(25, **OK)
    table = importances(judged, draws=0)
    picture = importances_figure(table, agreement(judged, table), LOOKS)
    assert "a (collapse: 0 of 25 trials collapsed" in picture.caption
    assert [tab.label for tab in picture.tabs] == ["what decides NLL"]


def _points(figure: Any) -> pd.DataFrame:
    """Drawn lines by their class; a row per trial, a column per axis."""
    traces = [t for t in figure.data if t.text is not None]
    axes = int(np.nanmax(traces[0].y)) + 1
    rows = [(t.name, t.line.dash, *line) for t in traces for line in np.reshape(t.x, (-1, axes + 1))[:, :axes]]
    return pd.DataFrame(rows, columns=["name", "dash", *range(axes)])


def test_parallel_lines_stand_at_their_trials_values(judged: pd.DataFrame, found: pd.DataFrame) -> None:
    panel = parallel(judged, found, LOOKS).tabs[0].panels[0]
    lines = _points(panel.figure)
    assert len(lines) == 80
    assert lines.shape[1] == 2 + 2 + MOST_AXES
    lr = np.log10(judged["param.o.lr"].to_numpy())
    np.testing.assert_allclose(np.sort(lines[2]), np.sort((lr - lr.min()) / np.ptp(lr)), atol=1e-9)
    assert (lines["dash"] == "dash").sum() == judged["collapsed"].sum()
    assert (lines["name"] == "best quarter").sum() == 20


def test_parallel_axes_come_in_order_of_importance(judged: pd.DataFrame, found: pd.DataFrame) -> None:
    figure = parallel(judged, found, LOOKS).tabs[0].panels[0].figure
    names = [note.text[3:-4] for note in figure.layout.annotations if note.text.startswith("<b>")]
    assert names == ["NLL", "mutual information", *_shares(found, "nll").index[:MOST_AXES]]


def test_a_trial_without_a_hyperparameter_leaves_its_axis_at_the_left(
    judged: pd.DataFrame, found: pd.DataFrame
) -> None:
    figure = parallel(judged, found, LOOKS).tabs[0].panels[0].figure
    names = [note.text[3:-4] for note in figure.layout.annotations if note.text.startswith("<b>")]
    lines = _points(figure)
    for place, name in enumerate(names):
        known = judged[f"param.{name}"].notna().sum() if name in _shares(found, "nll") else 80
        assert (lines[place] >= 0).sum() == known


def test_hopeless_trials_do_not_press_the_others_together() -> None:
    judged = _plain(30)
    judged.loc[29, "nll"] = 1e6
    figure = parallel(judged, importances(judged, draws=0), LOOKS).tabs[0].panels[0].figure
    assert any(note.text.startswith("≥") for note in figure.layout.annotations)
    assert _points(figure)[0].median() > 0.1


def test_stopped_trials_have_no_place_on_the_axis_of_nll() -> None:
    judged = _stopped_above(1e-3)
    lines = _points(parallel(judged, importances(judged, draws=0), LOOKS).tabs[0].panels[0].figure)
    stopped = lines["name"] == "stopped early"
    assert stopped.sum() == (judged["state"] == "stopped").sum()
    assert lines[0].isna().equals(stopped)


def test_at_most_two_hundred_lines_are_drawn_and_the_note_says_so() -> None:
    judged = _by_lr(260)
    panel = parallel(judged, pd.DataFrame(columns=COLUMNS), LOOKS).tabs[0].panels[0]
    assert len(_points(panel.figure)) == MOST_LINES
    assert "a random 200 of 260" in panel.note


@pytest.mark.slow
def test_the_interval_covers_the_mean_share_over_searches_of_the_same_size() -> None:
    """Of 60 searches with two real hyperparameters; 4 standard errors below the nominal 95 %, for cost."""
    tables = [importances(_two(seed), draws=12) for seed in range(60)]
    own = pd.concat([t[t["target"] == "nll"].assign(search=i) for i, t in enumerate(tables)])
    truth = own.groupby("hyperparameter")["share"].transform("mean")
    covered = ((own["low"] <= truth) & (truth <= own["high"])).groupby(own["hyperparameter"]).mean()
    assert covered[["o.lr", "i.dropout"]].min() > 0.95 - 4 * np.sqrt(0.95 * 0.05 / 60)


def _two(seed: int, n: int = 40) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = [_trial(i, rng) for i in range(n)]
    for row in rows:
        row["nll_iw"] = 30 + 2 * (np.log10(row["o.lr"]) + 3) ** 2 + row["i.dropout"] + 0.4 * rng.normal()
    return _judged(rows)


def test_a_hyperparameter_that_is_rarely_set_may_be_missing_from_a_thinned_search() -> None:
    table = _by_lr(1000)
    table["param.rare"] = np.nan
    table.loc[table.index[:2], "param.rare"] = [0.1, 0.9]
    found = importances(table, draws=2)
    assert "rare" not in set(found["hyperparameter"])
    assert found.loc[found["target"] == "nll", "share"].notna().all()
