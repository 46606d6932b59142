"""Spans of time are joined where little lies between them, whatever their order, and nested ones count once."""

from typing import Any

from uncollapse.analysis.schema import RUNNING, SEARCH
from uncollapse.study.outline import PAUSE, joined
from uncollapse.study.trial_record import TrialRecord


def test_spans_in_any_order() -> None:
    assert list(joined([], 1.0)) == []
    assert list(joined([(5.0, 6.0), (0.0, 2.0), (3.0, 4.0)], 0.5)) == [(0.0, 2.0), (3.0, 4.0), (5.0, 6.0)]
    assert list(joined([(5.0, 6.0), (0.0, 2.0), (3.0, 4.0)], 1.0)) == [(0.0, 6.0)]
    assert list(joined([(0.0, 9.0), (1.0, 2.0), (9.5, 9.5)], 0.1)) == [(0.0, 9.0), (9.5, 9.5)]


def trial(*ends: float, reused_from: str = "") -> TrialRecord:
    """A trial whose epochs took 10 s each."""
    rows = tuple({"cost/seconds": 10.0, "time": end} for end in ends)
    plain: dict[str, Any] = {"configuration_id": "c", "seed": 1, "audit": False, "configuration": {}, "params": {}}
    plain |= {"cause": "", "final": {}, "started": 0.0, "ended": 0.0, "reused_from": reused_from}
    return TrialRecord("k", "one", SEARCH, 0, state=RUNNING, epochs=rows, **plain)


def test_when_a_trial_trained() -> None:
    assert trial().spans == ()
    assert (trial().heard, trial(110.0, 130.0).heard) == (0.0, 130.0)
    assert trial(110.0, 120.0 + PAUSE).spans == ((100.0, 120.0 + PAUSE),)
    assert trial(110.0, 120.0 + 2 * PAUSE).spans == ((100.0, 110.0), (110.0 + 2 * PAUSE, 120.0 + 2 * PAUSE))
    assert trial(110.0, 120.0, reused_from="another").spans == ((110.0, 110.0), (120.0, 120.0)), "recorded, not trained"
