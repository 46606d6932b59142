"""What a person sees while a study runs: the same numbers as a count over all records, at a cost that does not grow."""

import gc
import io
import random
import sys
import weakref
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from uncollapse.analysis.schema import DIVERGED, DROPPED, ENDED, FAILED, FINISHED, REPLICATE, RUNNING, SEARCH, STOPPED
from uncollapse.analysis.verdict_rule import collapsed
from uncollapse.study.durations import duration
from uncollapse.study.execution.progress import Progress
from uncollapse.study.execution.tallies import STATE_COLUMNS
from uncollapse.study.trial_record import TrialRecord, selection

SELECT = "valid/nll_iw"
PLANNED = {SEARCH: {"one": 40, "two": 40}, REPLICATE: {"one": 6, "two": 6}}


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
    console = Console(file=said, width=120, force_terminal=terminal)
    return Progress({stage: dict(of) for stage, of in PLANNED.items()}, SELECT, 4, console), said


def drawn(shown: Progress) -> str:
    console = Console(width=140)
    with console.capture() as captured:
        console.print(shown.live.get_renderable())
    return captured.get()


def expected(newest: dict[tuple[str, str, str], TrialRecord], stage: str, family: str) -> list[str]:
    """A family's row of the table, counted over all records."""
    own = [one for (of, name, _), one in newest.items() if (of, name) == (stage, family)]
    values = [value for one in own if (value := selection(one, SELECT)) is not None]
    verdicts = [collapsed(one.measures) for one in own if one.state in ENDED]
    judged = [verdict for verdict in verdicts if verdict is not None]
    counts = [sum(one.state == state for one in own) for state in (RUNNING, *STATE_COLUMNS)]
    best = f"{min(values):.2f}" if values else "-"
    share = f"{sum(judged)} of {len(judged)}"
    return [family, str(PLANNED[stage][family]), *map(str, counts), best, share]


def rows(picture: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip(" │").split("│")] for line in picture.splitlines() if "│" in line]
    return {row[0]: row for row in cells}


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
        found = rows(drawn(shown))
        assert {family: found[family] for family in PLANNED[stage]} == {
            family: expected(newest, stage, family) for family in PLANNED[stage]
        }


def test_the_time_left_comes_from_the_mean_of_what_has_ended() -> None:
    shown, _ = progress()
    shown.enter(SEARCH, PLANNED[SEARCH])
    assert "left in this stage unknown yet" in drawn(shown)
    for number in range(20):
        shown(record(number, state=FINISHED, epochs=3))  # 1 + 2 + 3 seconds
    shown(record(20, state=RUNNING, epochs=1))
    shown(record(0, stage=REPLICATE, state=FINISHED, epochs=1))
    assert f"left in this stage {duration(6 * 60 / 4)}" in drawn(shown)
    shown(record(30, state=DROPPED))
    assert f"left in this stage {duration(6 * 59 / 4)}" in drawn(shown), "what never trained says nothing of the mean"


def test_a_line_an_ended_trial_and_only_one() -> None:
    shown, said = progress()
    shown.enter(SEARCH, PLANNED[SEARCH])
    shown(record(0, epochs=1))
    for _ in range(2):
        shown(record(0, state=FINISHED, epochs=2))
    shown(replace(record(1, "two", state=DIVERGED), cause="the loss became nan"))
    lines = said.getvalue().splitlines()[1:]
    value = record(0, epochs=2).measures["subset/nll_iw"]
    assert lines[0].startswith(f"[1/80] one        trial 0    finished  nll_iw {value:9.3f}     3.0 s  left 59 s")
    assert lines[1].startswith("[2/80] two        trial 1    diverged  -         -     0.0 s  left")
    assert lines[1].endswith("the loss became nan")
    assert len(lines) == 2


def test_a_seed_that_failed_and_is_entered_again_is_counted_once() -> None:
    shown, said = progress()
    shown.recall([record(0, stage=REPLICATE, state=FAILED, epochs=1), record(1, stage=REPLICATE, state=FINISHED)])
    shown.enter(REPLICATE, PLANNED[REPLICATE])
    again = record(0, stage=REPLICATE)
    shown(again)
    assert rows(drawn(shown))["one"][2:7] == ["1", "1", "0", "0", "0"]
    shown(replace(again, state=FINISHED))
    assert rows(drawn(shown))["one"][2:7] == ["0", "2", "0", "0", "0"]
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
