"""What a person sees while a study runs: the same numbers as a count over all records, at a cost that does not grow."""

import gc
import io
import random
import sys
import weakref
from dataclasses import replace
from typing import Any

import pytest

from uncollapse.analysis.schema import DIVERGED, DROPPED, ENDED, FAILED, FINISHED, REPLICATE, RUNNING, SEARCH, STOPPED
from uncollapse.analysis.verdict_rule import collapsed
from uncollapse.study.durations import duration
from uncollapse.study.execution.progress import Progress
from uncollapse.study.execution.view.budget import Budget
from uncollapse.study.execution.view.screen import Screen
from uncollapse.study.stages.pace import HANDING_OUT, Expected
from uncollapse.study.trial_record import TrialRecord

PLANNED = {SEARCH: {"one": 40, "two": 40}, REPLICATE: {"one": 6, "two": 6}}
SETTINGS: dict[str, Any] = {
    "search": {"trials": 40, "select": "valid/nll_iw", "subject_to": {"subset/mi": ">= 0.1"}},
    "replicate": {"configurations": 2, "also": (), "seeds": 3},
    "train": {"epochs": 4},
    "families": {name: {"base": {}, "search": {"latent": {}}} for name in ("one", "two")},
}
COLUMNS = [RUNNING, STOPPED, DIVERGED, FAILED, DROPPED]


def record(number: int, family: str = "one", stage: str = SEARCH, state: str = RUNNING, epochs: int = 0) -> TrialRecord:
    drawn = random.Random(f"{number} {family} {stage}")
    rows = tuple(
        {
            "epoch": float(n),
            "subset/nll_iw": drawn.uniform(30, 40),
            "subset/mi": drawn.uniform(0, 0.2),
            **({"subset/latent_gain": drawn.uniform(0, 0.4)} if number % 5 else {}),
            "cost/seconds": n,
        }
        for n in range(1, epochs + 1)
    )
    plain: dict[str, Any] = {"configuration_id": "c", "seed": number, "audit": False, "configuration": {}, "params": {}}
    times = {"started": 1.0, "ended": 2.0 if state in ENDED else 0.0}
    return TrialRecord(
        f"k{number}", family, stage, number, state=state, cause="", epochs=rows, final={}, **plain, **times
    )


def progress(terminal: bool = False) -> tuple[Progress, io.StringIO]:
    said = io.StringIO()
    return Progress("mine", SETTINGS, lambda: 4, Screen(file=said, width=120, force_terminal=terminal)), said


def drawn(shown: Progress, width: int = 140) -> str:
    console = Screen(width=width)
    with console.capture() as captured:
        console.print(shown.live.get_renderable())
    return captured.get()


def expected(newest: dict[tuple[str, str, str], TrialRecord], stage: str, family: str) -> dict[str, str]:
    """A family's row of the table, counted over all records."""
    own = [one for (of, name, _), one in newest.items() if (of, name) == (stage, family)]
    values = [
        one.measures["subset/nll_iw"]
        for one in own
        if one.epochs and one.state in (FINISHED, RUNNING) and one.measures["subset/mi"] >= 0.1
    ]
    ended = [one for one in own if one.state in ENDED]
    judged = [verdict for one in ended if (verdict := collapsed(one.measures)) is not None]
    counts = {state: str(sum(one.state == state for one in own)) for state in COLUMNS}
    done = [one for one in ended if stage == REPLICATE or one.state != DROPPED]  # of a search it is a double
    return {
        stage: family,
        "done": f"{len(done)}/{max(PLANNED[stage][family], len(done) + sum(one.state == RUNNING for one in own))}",
        "best": f"{min(values):.2f}" if values else "-",
        "alive": f"{len(judged) - sum(judged)}/{len(judged)}" if judged else "-",
        "collapsed": str(sum(judged)),
        **counts,
    }


def rows(picture: str, stage: str) -> dict[str, dict[str, str]]:
    """The table's rows by family, each by its heads."""
    lines = [line.split() for line in picture.splitlines()]
    heads = next(line for line in lines if line[:1] == [stage])
    return {line[0]: dict(zip(heads, line, strict=True)) for line in lines if line[:1] in (["one"], ["two"])}


@pytest.mark.parametrize("seed", range(5))
def test_the_table_equals_a_count_over_all_records(seed: int) -> None:
    shown, _ = progress(terminal=True)
    shown.enter(SEARCH, PLANNED[SEARCH])
    chance = random.Random(seed)
    newest: dict[tuple[str, str, str], TrialRecord] = {}
    for _ in range(300):
        family, stage = chance.choice(("one", "two")), chance.choice((SEARCH, SEARCH, REPLICATE))
        state = chance.choice((RUNNING, RUNNING, FINISHED, STOPPED, DIVERGED, FAILED, DROPPED))
        told = record(chance.randrange(20), family, stage, state, chance.randrange(4))
        newest[stage, family, told.key] = told  # also trials that failed and are entered again
        shown(told)
    for stage in (SEARCH, REPLICATE):
        shown.stage = stage
        assert rows(drawn(shown), stage) == {family: expected(newest, stage, family) for family in PLANNED[stage]}


def test_the_headline_says_what_is_left_of_the_stage_and_of_all() -> None:
    shown, _ = progress()
    assert "mine: running, search, ran 0 s, left unknown yet" in drawn(shown)
    shown.enter(SEARCH, PLANNED[SEARCH])
    shown(record(0, state=FINISHED, epochs=3))  # 1 + 2 + 3 seconds
    shown(record(0, "two", state=FINISHED, epochs=4))  # 1 + 2 + 3 + 4
    one, two = 6 + HANDING_OUT, 10 + HANDING_OUT
    search = 39 * (one + two) / 4
    confirmed = 6 * (one + 2.0 + two + 2.5) / 4  # with measures that take as long as an epoch
    said = f"left {duration(search)}, in all about {duration(search + confirmed)}"
    assert said in drawn(shown)
    shown.enter(REPLICATE, PLANNED[REPLICATE])
    assert f"replicate, ran 0 s, left about {duration(confirmed)}\n" in drawn(shown)


def test_what_is_left_ends_with_the_budget_and_more_trials_than_planned_are_counted() -> None:
    said = io.StringIO()
    given = Budget("0.1 h", 110.0, 10.0, beyond=True)
    expected = {name: Expected(1.0, 0.5) for name in ("one", "two")}
    shown = Progress("mine", SETTINGS, lambda: 4, Screen(file=said, width=120), lambda: given, expected)
    confirmed = 12 * (4 * 1.0 + 0.5 + HANDING_OUT) / 4
    assert f"left about {duration(100 - confirmed)}, in all about {duration(100.0)}" in drawn(shown)
    shown.enter(SEARCH, {"one": 1, "two": 1})
    for number in range(3):
        shown(record(number, state=FINISHED, epochs=1))
    counted = [line.split()[0] for line in said.getvalue().splitlines() if line.startswith("[")]
    assert counted == ["[1/2]", "[2/3]", "[3/4]"]
    assert rows(drawn(shown), SEARCH)["one"]["done"] == "3/3"
    assert "budget: 0.1 h, 2 min left, 10 s of it for the report" in drawn(shown)


def test_the_epochs_of_running_trials_are_shown() -> None:
    shown, _ = progress()
    shown.enter(SEARCH, PLANNED[SEARCH])
    shown(record(0, "two", epochs=2))
    assert "running: two 1 (epoch 3 of 4)\n" in drawn(shown)
    for number, epochs in ((1, 0), (2, 4)):
        shown(record(number, "one", epochs=epochs))
    assert "running: one 2 (epochs 1 to 4 of 4), two 1 (3 of 4)\n" in drawn(shown)


def test_a_line_an_ended_trial_and_only_one() -> None:
    shown, said = progress()
    shown.enter(SEARCH, PLANNED[SEARCH])
    shown(record(1, epochs=1))
    for _ in range(2):
        shown(replace(record(1, state=FINISHED, epochs=3), kept_epoch=2))
    shown(replace(record(2, "two", state=DIVERGED), cause="the loss became nan"))
    lines = said.getvalue().splitlines()[1:]
    told = replace(record(1, epochs=3), kept_epoch=2)
    verdict = "collapsed" if collapsed(told.measures) else "alive    "
    begin = f"[1/80] one        trial 1    finished  nll_iw {told.measures['subset/nll_iw']:9.3f}  {verdict}"
    search = duration((39 + 40) * (6 + HANDING_OUT) / 4)
    whole = duration((39 + 40) * (6 + HANDING_OUT) / 4 + 12 * (6 + 2 + HANDING_OUT) / 4)
    assert lines[0] == f"{begin}  epoch 2 of 3      6.0 s  left about {search}, in all about {whole}"
    assert lines[1].startswith("[2/80] two        trial 2    diverged  -         -  -          no epoch          0.0 s")
    assert lines[1].endswith("the loss became nan")
    assert len(lines) == 2


def test_a_seed_that_failed_and_is_entered_again_is_counted_once() -> None:
    shown, said = progress()
    shown.recall([record(0, stage=REPLICATE, state=FAILED, epochs=1), record(1, stage=REPLICATE, state=FINISHED)])
    shown.enter(REPLICATE, PLANNED[REPLICATE])
    assert rows(drawn(shown), REPLICATE)["one"]["done"] == "2/6"
    again = record(0, stage=REPLICATE)
    shown(again)
    found = rows(drawn(shown), REPLICATE)["one"]
    assert (found["done"], found["running"], "failed" in found) == ("1/6", "1", False)
    shown(replace(again, state=FINISHED))
    found = rows(drawn(shown), REPLICATE)["one"]
    assert (found["done"], found["running"]) == ("2/6", "0")
    assert said.getvalue().splitlines()[-1].startswith("[2/12]")


def test_no_record_is_kept_alive() -> None:
    shown, _ = progress()
    shown.enter(SEARCH, PLANNED[SEARCH])
    told = [record(number, state=state, epochs=3) for number, state in enumerate((RUNNING, FINISHED, FAILED))]
    shown.recall(told)
    for one in told:
        shown(one)
    gone = [weakref.ref(one) for one in told]
    del told, one
    gc.collect()
    assert [ref() for ref in gone] == [None] * 3


def steps(shown: Progress, told: TrialRecord) -> int:
    """Python calls that telling a record takes: seconds that no other process can lengthen."""
    count = 0

    def calls(frame: Any, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(calls)
    try:
        shown(told)
    finally:
        sys.setprofile(None)
    return count


def test_telling_of_a_trial_costs_no_more_after_ten_thousand() -> None:
    shown, _ = progress()
    shown.enter(SEARCH, {"one": 20_000, "two": 40})
    shown(record(0, state=FINISHED, epochs=3))
    few = steps(shown, record(1, state=FINISHED, epochs=3))
    shown.recall([record(number, state=FINISHED, epochs=3) for number in range(10_000)])
    many = steps(shown, record(10_001, state=FINISHED, epochs=3))
    print(f"{few} calls after one trial, {many} after 10,000")
    assert many < few * 1.2
