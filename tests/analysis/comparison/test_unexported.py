"""What a study says of a family that it cannot export: the nearest, what it lacks, and what to try."""

from typing import Any

import pandas as pd
import pytest

from tests.support.tables import frame, replicate, search, seeds
from uncollapse.analysis.comparison.configurations import configurations
from uncollapse.analysis.comparison.export_rule import ExportRule
from uncollapse.analysis.comparison.unexported import unexported
from uncollapse.analysis.hyperparameters.response import tidy
from uncollapse.analysis.verdicts import judge

STUDY = {"families": ["a"], "commands": ["uncollapse run my.yaml"], "unconfirmed": {"a": "none of its 12 trials lives"}}
LIMITED = ExportRule(limit=0.5)


def answer(*rows: dict[str, Any], rule: ExportRule | None = LIMITED, **study: Any) -> pd.DataFrame:
    judged = judge(frame(*rows))
    return unexported(STUDY | study, judged, configurations(judged, rule=rule), tidy(judged), rule)


def searched(trials: int, alive_below: float) -> list[dict[str, Any]]:
    """The smaller the weight, the more informative; the size says nothing."""
    return [
        search(
            "a",
            f"s{number}",
            number,
            nll_iw=30.0,
            mi=(1 - weight) * (2.0 if weight < alive_below else 0.05),
            latent_gain=1.0 if weight < alive_below else 0.0,
            **{"kl.weight": weight, "latent.size": 8 + 8 * (number % 2)},
        )
        for number, weight in enumerate((i + 1) / trials for i in range(trials))
    ]


def test_the_nearest_with_what_it_lacks_and_where_to_move() -> None:
    confirmed = [row | {"role": "nearest"} for row in seeds("a", "s10", 3, 0)]
    found = answer(*searched(12, alive_below=0.3), *confirmed).iloc[0]
    assert (found["configuration"], found["role"]) == ("s10", "nearest")
    assert found["lacks"] == "3 of 3 seeds collapsed, P(collapse share < 0.5) is 0.03 against 0.95"
    (move,) = found["moves"]
    assert move.startswith("kl.weight down from 0.917: mi rises (Spearman -")
    assert move.endswith("12 trials, the 3 alive at 0.0833 to 0.25)")
    assert found["next"].startswith("`search.trials: 24`")
    assert found["next"].endswith("then `uncollapse run my.yaml`")


def test_more_seeds_are_the_remedy_where_they_would_do() -> None:
    found = answer(*seeds("a", "c", 1, 3))
    assert found["next"].tolist() == [
        "`replicate.seeds: 12` would do if its other seeds collapse as often, then `uncollapse run my.yaml`"
    ]
    assert answer(*seeds("a", "c", 3, 3))["next"].iloc[0].startswith("another base, or a space to search")


def test_a_family_that_is_not_confirmed_says_why() -> None:
    found = answer(*searched(12, alive_below=0)).iloc[0]
    assert found["lacks"] == "none of its 12 trials lives: nothing is confirmed"
    assert found["configuration"] == ""
    assert found["moves"][0].startswith("kl.weight down: mi rises")
    assert found["moves"][0].endswith("none of them alive)")


def test_where_hours_choose_the_trials_more_of_them_are_the_remedy() -> None:
    found = answer(*searched(12, alive_below=0), budget={"asked": 1.0})
    assert found["next"].iloc[0].startswith("more `search.hours`")


def test_lost_seeds_come_before_everything_else() -> None:
    rows = [*seeds("a", "c", 0, 1), *(replicate("a", "c", seed, "failed") for seed in (1, 2))]
    assert answer(*rows)["next"].iloc[0].startswith("see in the report what its lost seeds died of")


@pytest.mark.parametrize("rule", [None, ExportRule(limit=1.0)])
def test_nothing_is_said_where_all_is_exported_or_nothing_asked(rule: ExportRule | None) -> None:
    found = answer(*seeds("a", "c", 3, 0), rule=rule)
    assert found.empty
    assert "lacks" in found
