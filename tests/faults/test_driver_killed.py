"""The driver killed with SIGKILL three times; run again each time, the study ends as if nothing had happened."""

from pathlib import Path

import pytest

from tests.support.running_studies import (
    ended,
    epochs,
    figures,
    kill,
    left,
    mlflow_runs,
    names,
    page,
    run,
    running,
    wait_until,
)
from uncollapse.analysis.schema import FINISHED, REPLICATE, SEARCH

pytestmark = pytest.mark.slow
PLANNED = {SEARCH: 9, REPLICATE: 9}


def test_three_kills_change_nothing(tmp_path: Path) -> None:
    study, undisturbed, runs = page(tmp_path), tmp_path / "undisturbed", tmp_path / "killed"
    run(study, undisturbed)
    expected = figures(left(undisturbed))

    moments = {
        "early in the search": lambda: epochs(runs, SEARCH) >= 3,
        "late in the search": lambda: ended(runs, SEARCH) >= 6 and epochs(runs, SEARCH) >= 26,
        "during replicate": lambda: ended(runs, REPLICATE) >= 2 and epochs(runs, REPLICATE) >= 10,
    }
    recorded_at_kill = []
    for what, moment in moments.items():
        with running(study, runs, tmp_path / "log") as process:
            wait_until(moment, what, process)
            kill(process)
        recorded_at_kill.append((what, epochs(runs, SEARCH) + epochs(runs, REPLICATE)))
    run(study, runs)

    found = left(runs)
    counts = {stage: sum(record.stage == stage for record in found) for stage in PLANNED}
    print(f"epochs recorded at each kill: {recorded_at_kill}; trials at the end: {counts}")
    assert counts == PLANNED, "no planned trial is missing and none was entered twice"
    assert all(record.state == FINISHED for record in found)
    assert all([epoch["epoch"] for epoch in record.epochs] == [1, 2, 3, 4] for record in found), "every epoch once"
    assert figures(found) == expected, "figures equal those of an uninterrupted study, bit for bit"

    tracked = mlflow_runs(runs)
    assert [run.info.run_name for run in tracked if run.info.status == "RUNNING"] == []
    assert len(set(names(tracked))) == len(tracked) == sum(PLANNED.values()) + 3 + 1, (
        "a run a trial, configuration, study"
    )
