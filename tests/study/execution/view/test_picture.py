"""The picture of a study at many widths: no line too long, no word broken, no figure lost."""

import io
import re
from typing import Any

import pytest
from rich.console import Console

from uncollapse.analysis.schema import DIVERGED, FAILED, FINISHED, REPLICATE, RUNNING, SEARCH, STOPPED
from uncollapse.study.execution.view.budget import Budget
from uncollapse.study.execution.view.overview import Observer, Overview
from uncollapse.study.execution.view.picture import Picture, headline, line
from uncollapse.study.stages.pace import HANDING_OUT
from uncollapse.study.trial_record import TrialRecord

SETTINGS = {"search": {"select": "valid/nll_iw", "subject_to": "living"}, "train": {"epochs": 30}}
FAMILIES = ("seqvae", "lstm_lm", "word_dropout_vae")
PLANNED = {SEARCH: dict.fromkeys(FAMILIES, 24), REPLICATE: dict.fromkeys(FAMILIES, 40)}
LIVING = {"subset/mi": 2.0, "subset/latent_gain": 3.0}
BARELY = {"subset/mi": 0.3, "subset/latent_gain": 3.0}  # alive by the verdict, and below the search's limits
DEAD = {"subset/mi": 0.01, "subset/latent_gain": 0.01}


def trial(number: int, family: str, state: str, epochs: int, **measures: float) -> TrialRecord:
    row = {"cost/seconds": 20.0, **{name.replace("__", "/"): value for name, value in measures.items()}}
    rows = tuple({**row, "epoch": float(n), "time": 1000.0 + 20.0 * n} for n in range(1, epochs + 1))
    plain: dict[str, Any] = {"configuration_id": "c", "seed": 7, "audit": False, "configuration": {}, "params": {}}
    return TrialRecord(
        f"{number}",
        family,
        SEARCH,
        number,
        state=state,
        cause="",
        epochs=rows,
        final={},
        started=1000.0,
        ended=0.0 if state == RUNNING else 2000.0,
        **plain,
    )


def overview(family: str = "word_dropout_vae", running: bool = True) -> Overview:
    observer = Observer("penn-treebank", SETTINGS)
    observer.recall(
        [
            trial(0, "seqvae", FINISHED, 30, subset__nll_iw=108.25, **LIVING),
            trial(1, "seqvae", FINISHED, 30, subset__nll_iw=101.5, **DEAD),
            trial(2, "seqvae", FINISHED, 30, subset__nll_iw=104.5, **BARELY),
            trial(3, "seqvae", STOPPED, 3, subset__nll_iw=99.0, **LIVING),
            trial(4, "seqvae", RUNNING, 6, subset__nll_iw=111.0, **LIVING),
            trial(5, "seqvae", RUNNING, 9, subset__nll_iw=110.0, **LIVING),
            trial(0, "lstm_lm", FINISHED, 30, subset__nll_exact=95.25),
            trial(1, "lstm_lm", RUNNING, 0),
            trial(0, family, FAILED, 1, subset__nll_iw=98.0, **LIVING),
            trial(1, family, DIVERGED, 1, subset__nll_iw=97.0, **LIVING),
        ]
    )
    planned = {
        SEARCH: {"seqvae": 24, "lstm_lm": 24, family: 24},
        REPLICATE: {"seqvae": 40, "lstm_lm": 10, family: 40},
    }
    return observer.look(planned, 4, 1120.0, 600.0, running)


def drawn(width: int, of: Overview | None = None) -> str:
    said = io.StringIO()
    Console(width=width, file=said).print(Picture(of or overview(), [SEARCH]))
    return "".join(f"{one.rstrip()}\n" for one in said.getvalue().splitlines())


AT_80 = """\
penn-treebank: running, search, ran 10 min, left 1.6 h, in all about 5.5 h
best: lowest nll_iw, in nats, of living codes (mi, latent_gain >= 0.5), on the
choosing sentences
alive: mi >= 0.1 and latent_gain >= 0.1, of the judged
running: lstm_lm 1 (epoch 1 of 30), seqvae 2 (7 to 10 of 30)

search            done  running    best  alive  collapsed  diverged  failed
seqvae            4/24        2  108.25    3/4          1         0       0
lstm_lm           1/24        1   95.25      -          0         0       0
word_dropout_vae  2/24        0       -    2/2          0         1       1
stopped: seqvae 1
best by another measure: lstm_lm (nll_exact)
"""
AT_40 = """\
penn-treebank: running, search,
ran 10 min, left 1.6 h,
in all about 5.5 h
best: lowest nll_iw, in nats, of living
codes (mi, latent_gain >= 0.5), on the
choosing sentences
alive: mi >= 0.1 and latent_gain >= 0.1,
of the judged
running: lstm_lm 1 (epoch 1 of 30),
seqvae 2 (7 to 10 of 30)

search            done    best  alive
seqvae            4/24  108.25    3/4
lstm_lm           1/24   95.25      -
word_dropout_vae  2/24       -    2/2
stopped: seqvae 1
diverged: word_dropout_vae 1
failed: word_dropout_vae 1
best by another measure: lstm_lm
(nll_exact)
"""


def test_at_80_columns() -> None:
    assert drawn(80) == AT_80


def test_at_40_columns() -> None:
    assert drawn(40) == AT_40


@pytest.mark.parametrize("width", [*range(40, 130, 7), 59, 60])
def test_no_line_is_too_long_no_word_broken_and_no_figure_cut(width: int) -> None:
    picture = drawn(width)
    assert max(map(len, picture.splitlines())) <= width
    whole = {*drawn(400).split(), *drawn(40).split()}
    assert set(picture.split()) <= whole
    for figure in ("108.25", "95.25", "4/24", "1/24", "2/24", "3/4", "2/2"):
        assert figure in picture.split()
    for state, family in (("stopped", "seqvae"), ("failed", "word_dropout_vae"), ("diverged", "word_dropout_vae")):
        assert state in picture
        assert f"{state}: {family} 1" in picture or re.search(rf"^search.* {state}\b", picture, re.MULTILINE)


def test_a_budget_is_said_beneath_the_headline_and_bounds_what_is_left() -> None:
    observer = Observer("mine", SETTINGS)
    observer.recall([trial(0, "seqvae", FINISHED, 30, subset__nll_iw=108.25, **LIVING)])

    def timed(seconds: float, report: float = 120.0) -> Overview:
        given = Budget("8 h or until 2027-01-15 07:00", seconds, report, True)
        return observer.look({SEARCH: {"seqvae": 1}, REPLICATE: {"seqvae": 10}}, 2, 0.0, 9.0, True, SEARCH, given)

    confirmed = 10 * (30 * 20 + 20 + HANDING_OUT) / 2
    found = timed(10_920.0)
    assert found.left_in_all.seconds == 10_800.0
    assert found.left_in_stage.seconds == pytest.approx(10_800.0 - confirmed)
    assert drawn(40, found).splitlines()[:5] == [
        "mine: running, search, ran 9 s,",
        "left about 2.1 h, in all about 3.0 h",
        "budget: 8 h or until 2027-01-15 07:00,",
        "3.0 h left, 2 min of it for the report",
        "best: lowest nll_iw, in nats, of living",
    ]
    assert "budget: 8 h or until 2027-01-15 07:00, 60 s left\n" in drawn(80, timed(60.0))
    assert "budget: 8 h or until 2027-01-15 07:00, 0 s left\n" in drawn(80, timed(-9.0))
    assert found.plain()["budget"]["left_seconds"] == 10_920.0
    assert overview().plain()["budget"] is None


def test_the_longest_name_gives_way_to_figures() -> None:
    picture = drawn(40, overview("x" * 64))
    row = next(line for line in picture.splitlines() if line.startswith("xxx") and "2/24" in line)
    assert len(row) <= 40
    assert row.split()[0].endswith("…")
    assert row.split()[1:] == ["2/24", "-", "2/2"]


def test_the_lines_of_a_study_that_rests_begins_or_has_ended() -> None:
    assert headline(overview(running=False)).startswith("penn-treebank: not running, search, ran 10 min")
    assert "to go on: lstm_lm 1 (epoch 1 of 30)" in drawn(80, overview(running=False))
    assert {row["running"] for row in overview(running=False).rows} == {0}, "nothing runs where no process runs it"
    begun = Observer("mine", SETTINGS).look(PLANNED, 4, 0.0, 3.0, True)
    assert headline(begun) == "mine: running, search, ran 3 s, left unknown yet"
    nothing = {SEARCH: {}, REPLICATE: {}}
    assert headline(Observer("mine", SETTINGS).look(nothing, 4, 0.0, 7200.0, False)) == "mine: ended, ran 2.0 h"
    assert line(overview()) == ("search: 7 of 72 trials ended, 3 running, 5 of 6 alive, left 1.6 h, in all about 5.5 h")


@pytest.mark.parametrize(
    ("search", "sentence"),
    [
        (
            {"select": "valid/nll_iw", "subject_to": "living"},
            "lowest nll_iw, in nats, of living codes (mi, latent_gain >= 0.5), on the choosing sentences",
        ),
        ({"select": "valid/nll_elbo", "subject_to": "none"}, "lowest nll_elbo, in nats, on the choosing sentences"),
        (
            {"select": ["valid/nll_iw", "active_units"], "subject_to": {"subset/mi": ">= 1", "subset/kl": "<= 20"}},
            "lowest nll_iw, in nats, within mi >= 1, kl <= 20, on the choosing sentences; active_units: the higher the "
            "better",
        ),
        ({"select": "valid/nll_iw"}, "lowest nll_iw, in nats, on the choosing sentences"),
    ],
)
def test_what_best_is(search: dict[str, Any], sentence: str) -> None:
    assert Observer("mine", {**SETTINGS, "search": search}).best == sentence


def test_the_figures_as_data() -> None:
    data = overview().plain()
    assert [data[key] for key in ("study", "running", "stage", "ran_seconds")] == ["penn-treebank", True, SEARCH, 600.0]
    seqvae, lstm_lm, dropout = (row for row in data["rows"] if row["stage"] == SEARCH)
    assert seqvae == {
        "stage": SEARCH,
        "family": "seqvae",
        "planned": 24,
        "ended": 4,
        "running": 2,
        "finished": 3,
        "stopped": 1,
        "diverged": 0,
        "failed": 0,
        "dropped": 0,
        "missing": 18,
        "alive": 3,
        "collapsed": 1,
        "judged": 4,
        "best": {"value": 108.25, "measure": "nll_iw", "direction": "minimize"},
    }
    assert lstm_lm["best"] == {"value": 95.25, "measure": "nll_exact", "direction": "minimize"}
    assert (lstm_lm["judged"], dropout["best"]) == (0, None)
    assert data["running_trials"][1] == {
        "stage": SEARCH,
        "family": "seqvae",
        "number": 5,
        "seed": 7,
        "epoch": 10,
        "epochs": 30,
    }
    one, lstm = 93 / 4 * 20 + HANDING_OUT, 30 * 20 + HANDING_OUT  # seconds of a trial that has not begun
    running = 24 * 20 + 21 * 20 + (30 * 20 - 20)  # of the last, an epoch's worth has gone by
    search = (18 * one + 22 * lstm + 22 * (20 + HANDING_OUT) + running) / 4
    assert data["stage_left_seconds"] == pytest.approx(search)
    assert data["left_seconds"] == pytest.approx(search + 90 * (30 * 20 + 20 + HANDING_OUT) / 4)
    assert data["left_is_about"] is True
