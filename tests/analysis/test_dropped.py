"""What a report says of configurations that a race gave up: fewer seeds, never a better place, and why."""

import pandas as pd
import pytest

from tests.support.tables import DEAD, OK, frame, replicate
from uncollapse.analysis.collapse import rates
from uncollapse.analysis.comparison import configurations, pareto
from uncollapse.analysis.findings import find
from uncollapse.analysis.report.sentences import headline
from uncollapse.analysis.schema import Records
from uncollapse.analysis.statistics.intervals import wilson
from uncollapse.analysis.verdicts import judge

CAUSE = "dropped after 6 seeds: c1 was better on 6 of 6, e-value 41"


def trials(dropped_nll: float = 40.0) -> pd.DataFrame:
    """c1 has ten seeds; c2 was dropped after six, of which two collapsed."""
    rows = [replicate("a", "c1", seed, nll_iw=30.0 + seed, **OK) for seed in range(10)]
    rows += [replicate("a", "c2", seed, nll_iw=dropped_nll, **(DEAD if seed < 2 else OK)) for seed in range(6)]
    return frame(*rows, *(replicate("a", "c2", seed, "dropped") | {"cause": CAUSE} for seed in range(6, 10)))


def test_a_seed_that_was_not_given_is_neither_planned_nor_unknown() -> None:
    table = rates.by_configuration(judge(trials())).set_index("configuration")
    row = table.loc["c2"]
    assert (row["planned"], row["judged"], row["collapsed"], row["dropped"]) == (6, 6, 2, 4)
    assert (row["wilson_low"], row["wilson_high"]) == pytest.approx(tuple(wilson(2, 6)))
    assert row["share_least"] == row["share_most"] == 2 / 6
    assert table.loc["c1", "dropped"] == 0


def test_what_was_dropped_ranks_behind_whatever_it_reached() -> None:
    table = configurations.configurations(judge(trials(dropped_nll=1.0))).set_index("configuration")
    assert table["rank"].to_dict() == {"c1": 1, "c2": 2}
    assert table["race"].to_dict() == {"c1": "", "c2": CAUSE}
    assert not table["few_seeds"].any()


def test_the_answer_counts_the_runs_that_were_saved_and_calls_none_lost() -> None:
    found = find(Records({"families": ["a"]}, trials(), pd.DataFrame()))
    said = " ".join(headline(found))
    assert (
        "16 confirmation runs (2 configurations × 10 seeds, less 4 runs of 1 configuration that lost the race)" in said
    )
    assert "No planned trial was lost." in said
    assert found.lost.empty
    assert found.states.set_index("state")["trials"].to_dict() == {"finished": 16, "dropped": 4}


def test_a_search_with_several_objectives_has_their_fronts() -> None:
    study = {"objectives": ["nll_iw", "hoyer_mean", "active_units"]}
    assert pareto.asked({}) == pareto.asked({"objectives": ["nll_iw"]}) == pareto.FRONTS
    assert [which.name for which in pareto.asked(study)[len(pareto.FRONTS) :]] == ["NLL and active_units"]
    rows = [replicate("a", f"c{at}", seed, nll_iw=30.0 + at, active_units=at, **OK) for at in (1, 2) for seed in (0, 1)]
    found = find(Records({**study, "families": ["a"]}, frame(*rows), pd.DataFrame())).rivals.fronts
    own = found[found["front"] == "NLL and active_units"].set_index("configuration")
    assert own["on_front"].tolist() == [True, True]
    assert own["x"].to_dict() == {"c1": 1.0, "c2": 2.0}
