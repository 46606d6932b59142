"""Studies with little, nothing or only bad news in them: a sentence each, and no crash."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.analysis import synthetic
from uncollapse.analysis.findings import find
from uncollapse.analysis.report import page
from uncollapse.analysis.report.sentences import family_sentences, headline
from uncollapse.analysis.report.summary import text
from uncollapse.analysis.schema import Records

Change = Callable[[pd.DataFrame], pd.DataFrame]


def _figures(trials: pd.DataFrame) -> list[str]:
    return [column for column in trials.columns if column.startswith(("subset/", "valid/"))]


def _without_figures(trials: pd.DataFrame) -> pd.DataFrame:
    return trials.assign(**dict.fromkeys(_figures(trials), np.nan))


def _all(state: str) -> Change:
    return lambda t: _without_figures(t).assign(state=state, cause="boom" if state == "failed" else "")


def _set(**values: float) -> Change:
    """Set measures on both splits wherever a trial has them."""
    columns = {f"{split}/{name}": value for split in ("subset", "valid") for name, value in values.items()}
    return lambda t: t.assign(**{name: t[name] * 0 + value for name, value in columns.items()})


CASES: dict[str, tuple[Change, str]] = {
    "no replicate yet": (lambda t: t[t["stage"] == "search"], "a search alone cannot say how often"),
    "no search": (lambda t: t[t["stage"] == "replicate"], "0 search trials"),
    "one seed": (lambda t: t[(t["stage"] == "search") | (t["seed"] == 100)], "so no interval"),
    "all collapsed": (_set(mi=0.0), "vmf (100 %)"),
    "none collapsed": (_set(mi=5.0, latent_gain=5.0), "Never seen to collapse: seqvae and vmf"),
    "all failed": (_all("failed"), "60 of 60 planned trials gave no verdict: 60 failed"),
    "all missing": (_all("missing"), "60 of 60 planned trials gave no verdict: 60 missing"),
    "all diverged": (_all("diverged"), "60 of 60 planned trials gave no verdict: 60 diverged"),
    "all running": (_all("running"), "60 trials still running"),
    "no figures": (_all("finished"), "No confirmation run of a model with a code could be judged"),
    "language model only": (lambda t: t[t["family"] == "lstm_lm"], "The language model lstm_lm has nll_exact"),
    "one family": (lambda t: t[t["family"] == "vmf"], "Never seen to collapse: vmf"),
    "one trial": (lambda t: t[:1], "1 family, 1 search trial."),
    "no hyperparameters": (
        lambda t: t.drop(columns=[c for c in t.columns if c.startswith("param.")]),
        "Best likelihood",
    ),
    "ties": (_set(nll_iw=30.0, mi=1.0, latent_gain=1.0, hoyer_mean=0.5), "Best likelihood"),
}


@pytest.fixture(scope="module")
def whole() -> Records:
    return synthetic.records(("lstm_lm", "seqvae", "vmf"), trials=8, seeds=4, epochs=3, losses=False)


def _changed(whole: Records, change: Change) -> Records:
    trials = change(whole.trials)
    families = list(dict.fromkeys(trials["family"]))
    curves = whole.curves[whole.curves["key"].isin(trials["key"])]
    return Records({**whole.study, "families": families}, trials, curves)


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_and_not_a_crash(name: str, whole: Records, tmp_path: Path) -> None:
    change, words = CASES[name]
    records = _changed(whole, change)
    assert words in " ".join(headline(find(records)))
    assert page.write(find(records), tmp_path).exists()
    assert words in text(find(records))


def test_an_empty_study_says_so(tmp_path: Path) -> None:
    empty = Records({}, pd.DataFrame(), pd.DataFrame())
    assert headline(find(empty)) == [
        "The study has no trials: nothing was planned or recorded, so there is nothing to report."
    ]
    assert "nothing to report" in page.write(find(empty), tmp_path).read_text(encoding="utf-8")


def test_a_planned_family_without_trials_is_named() -> None:
    found = find(Records({"families": ["vmf"]}, pd.DataFrame(), pd.DataFrame()))
    assert family_sentences(found) == {"vmf": "no confirmation run yet; no trial is recorded."}
    found = find(Records({"families": ["vmf"], "unconfirmed": {"vmf": "none has it"}}, pd.DataFrame(), pd.DataFrame()))
    assert family_sentences(found) == {"vmf": "none has it; no trial is recorded."}


def test_a_language_model_only_study_never_speaks_of_collapse(whole: Records) -> None:
    found = find(_changed(whole, CASES["language model only"][0]))
    assert "collapsed" not in " ".join(headline(found))
    assert family_sentences(found) == {"lstm_lm": "a language model without a code, so it cannot collapse."}


@pytest.mark.parametrize(
    ("collapsed", "alive", "words"),
    [
        (7, 3, "7 of 10 confirmation seeds collapsed (70 %, Wilson 95 % 40–89 %)."),
        (0, 10, "0 of 10 confirmation seeds collapsed; still compatible with 26 %."),
        (10, 0, "10 of 10 confirmation seeds collapsed; still compatible with 74 %."),
        (1, 0, "1 of 1 confirmation seed collapsed; still compatible with 5 %."),
    ],
)
def test_one_configuration_in_words(collapsed: int, alive: int, words: str) -> None:
    from tests.support.tables import frame, seeds

    found = find(Records({}, frame(*seeds("a", "c", collapsed, alive)), pd.DataFrame()))
    assert family_sentences(found) == {"a": words}


def test_uncounted_seeds_are_named_beside_the_share() -> None:
    from tests.support.tables import frame, replicate, seeds

    rows = [*seeds("a", "c", 1, 3), replicate("a", "c", 8, "failed"), replicate("a", "c", 9, "missing")]
    assert family_sentences(find(Records({}, frame(*rows), pd.DataFrame())))["a"].endswith(
        "Not counted: 1 failed and 1 missing."
    )
