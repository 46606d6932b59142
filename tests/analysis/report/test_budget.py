"""What a report says of a budget of hours."""

import pytest

from tests.support.tables import DEAD, OK, frame, replicate, search
from uncollapse.analysis.collapse import rates
from uncollapse.analysis.findings import Findings, find
from uncollapse.analysis.report.budget import budget_sentence
from uncollapse.analysis.report.sentences import headline
from uncollapse.analysis.schema import OUT_OF_TIME, Records
from uncollapse.analysis.verdicts import judge

ASKED = {"trials": 24, "epochs": 30, "configurations": 3, "seeds": 10}
BUDGET = {"words": "2 h", "asked": ASKED, "chosen": {**ASKED, "trials": 40, "epochs": 20}, "used_hours": 1.938}


def found(**budget: object) -> Findings:
    """Three trials of the search, the last out of time; of three confirmation runs one found no time."""
    rows = [search("a", f"c{number}", number, **OK) for number in range(2)]
    rows += [search("a", "c2", 2, "stopped", **DEAD) | {"cause": OUT_OF_TIME}]
    rows += [replicate("a", "c1", seed, **OK) for seed in range(2)] + [replicate("a", "c1", 2, "missing")]
    return find(Records({"budget": {**BUDGET, **budget}}, frame(*rows), frame()))


def test_it_says_what_was_given_planned_and_done() -> None:
    sentence = (
        "Budget: 2 h. Planned for it: about 40 search trials a family of 20 epochs and 3 searched configurations a "
        "family × 10 seeds (the page has 30 epochs). Done in 1.94 h, before the report: 3 search trials, 1 of them "
        "stopped because its time was over, and 2 confirmation runs. 1 confirmation run found no time."
    )
    assert headline(found())[-1] == sentence


def test_a_study_under_way_that_was_given_hours_had_nothing_planned_for_them() -> None:
    assert "Planned" not in budget_sentence(found(asked=None, chosen=None))
    assert budget_sentence(found(words="")).startswith("Budget: none any more.")


def test_a_study_without_a_budget_says_nothing_of_it() -> None:
    assert budget_sentence(find(Records({}, frame(replicate("a", "c1", 1, **OK)), frame()))) == ""


@pytest.mark.parametrize("audit", [False, True])
def test_what_ran_out_of_time_was_not_stopped_early(audit: bool) -> None:
    rows = [search("a", "c1", 1, "stopped", **DEAD) | {"cause": cause, "audit": audit} for cause in (OUT_OF_TIME, "")]
    shares = rates.by_population(judge(frame(*rows))).set_index("population")["judged"]
    assert shares["all search trials"] == 2
    assert shares["audit (never stopped)" if audit else "stopped early"] == 1
