"""What is left of a study's time: none of a stage past its end, and the same for whoever runs it or reads of it."""

from types import SimpleNamespace
from typing import Any

import pytest

from uncollapse.analysis.schema import REPLICATE, SEARCH
from uncollapse.study.execution.view.budget import Budget, budget_of
from uncollapse.study.planning.budget import Numbers
from uncollapse.study.planning.frozen import Frozen
from uncollapse.study.stages.pace import Expected
from uncollapse.study.stages.time_left import Left

NUMBERS = Numbers(8, 4, 1, 3)
START = 1_800_000_000.0


def budget(seconds: float, beyond: bool = True) -> Budget:
    return Budget("0.25 h", seconds, 24.0, beyond)


def frozen(**more: Any) -> Frozen:
    return Frozen({"one": Expected(1.0, 5.0)}, 2, **{"chosen": NUMBERS, "hours": 0.25, "begun": (START,), **more})


def epoch(at: float) -> Any:
    return SimpleNamespace(started=0.0, ended=0.0, spans=((at - 1.0, at),))


def test_a_search_takes_all_that_its_confirmation_leaves() -> None:
    expected = {SEARCH: Left(5.0), REPLICATE: Left(100.0, about=True)}
    found = budget(924.0).within(expected, SEARCH)
    assert found == {SEARCH: Left(800.0, about=True), REPLICATE: Left(100.0, about=True)}


def test_a_search_whose_number_stays_ends_with_it_or_with_the_time() -> None:
    expected = {SEARCH: Left(5.0), REPLICATE: Left(100.0)}
    assert budget(924.0, beyond=False).within(expected, SEARCH) == expected
    assert budget(127.0, beyond=False).within(expected, SEARCH)[SEARCH] == Left(3.0)


def test_a_confirmation_ends_with_its_runs_or_with_the_time() -> None:
    expected = {SEARCH: Left(0.0), REPLICATE: Left(100.0)}
    assert budget(924.0).within(expected, REPLICATE) == expected
    assert budget(64.0).within(expected, REPLICATE)[REPLICATE] == Left(40.0)
    over = budget(-5.0).within(expected, REPLICATE)
    assert over == {SEARCH: Left(0.0), REPLICATE: Left(0.0)}
    assert budget(-5.0).plain() == {"words": "0.25 h", "left_seconds": 0.0, "report_seconds": 24.0}


def test_hours_run_while_a_process_runs_and_rest_while_none_does() -> None:
    records = [epoch(START + 200)]
    assert budget_of(frozen(), records, START + 300, running=True) == Budget("0.25 h", 600.0, 24.0, True)
    assert budget_of(frozen(), records, START + 9000, running=False) == Budget("0.25 h", 700.0, 24.0, True)
    again = frozen(begun=(START, START + 9000))
    later = [*records, epoch(START + 9040)]
    found = budget_of(again, later, START + 9050, running=True)
    assert found is not None
    assert found.seconds == 900 - 200 - 50, "what this run recorded is in its own seconds"


def test_a_named_moment_holds_for_the_run_that_it_was_given_to() -> None:
    until = frozen(hours=None, until=START + 600, chosen=None)
    found = budget_of(until, [], START + 100, running=True)
    assert found is not None
    assert found.words.startswith("until 2027-01-15")
    assert found[1:] == (500.0, 18.0, False)
    assert budget_of(until, [], START + 100, running=False) is None
    both = budget_of(frozen(until=START + 600), [], START + 100, running=True)
    assert both is not None
    assert both[1:] == (500.0, 18.0, True)


@pytest.mark.parametrize("own", [None, frozen(hours=None), frozen(begun=())])
def test_without_a_time_there_is_none(own: Frozen | None) -> None:
    assert budget_of(own, [], START, running=True) is None
