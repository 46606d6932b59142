"""What a study has to show in the morning."""

import subprocess
from pathlib import Path

from tests.support.running_studies import UNCOLLAPSE, left
from uncollapse.analysis.schema import FINISHED
from uncollapse.study.storage.ledger import Ledger


def verify(runs: Path, study: str = "faulty") -> str:
    """What `uncollapse verify` says; fails the test unless ledger, MLflow and files agree."""
    command = [*UNCOLLAPSE, "verify", study, "--runs", str(runs)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def finished_once(runs: Path, trials: int, epochs: int, study: str = "faulty") -> None:
    """Fails the test unless every planned trial was entered once and finished, with each of its epochs once."""
    recorder = Ledger(runs / study, study)
    entered = sum(len(recorder.trials(*place)) for place in recorder.families())
    found = left(runs, study)
    assert len(found) == entered == trials, "no trial is missing and none was entered twice"
    assert [record.state for record in found] == [FINISHED] * trials, [record.cause for record in found if record.cause]
    assert all([epoch["epoch"] for epoch in record.epochs] == list(range(1, epochs + 1)) for record in found)
