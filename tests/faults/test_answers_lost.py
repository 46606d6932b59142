"""A tracking server that takes a run and does not answer, or takes it after a second try: no run is double."""

from pathlib import Path

import pytest

from tests.faults.lossy_proxy import lossy
from tests.support.mlflow_database import running_trial
from tests.support.tracking_server import server
from uncollapse.analysis.schema import FINISHED, REPLICATE
from uncollapse.study.tracking.merging import TAG
from uncollapse.study.tracking.projection import Projection
from uncollapse.study.tracking.writer import Writer

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("create", ["lost", "late"])
def test_a_run_whose_making_was_not_answered_is_there_once(create: str, tmp_path: Path) -> None:
    with server(tmp_path) as tracker, lossy(tracker.port, create) as uri:
        said: list[str] = []
        writer = Writer(Projection(uri, "s", tmp_path, {}, owner=True), said.append)
        writer.start()
        writer(running_trial(2, FINISHED, REPLICATE))
        writer.submit(lambda: writer.projection.summarise("configuration/vmf/c1", {"seeds/mi": 1.0}, {}, 1.0))
        writer.submit(lambda: writer.projection.summarise("study", {}, {}, 1.0))
        writer.submit(writer.projection.settle)
        assert writer.close(120.0) == 0
        assert any("MLflow does not answer" in one for one in said)
        straight = Projection(tracker.uri, "s", tmp_path, {})
        straight.open()
        runs = straight.every_run()
        assert sorted(run.data.tags[TAG + "run"] for run in runs) == ["configuration/vmf/c1", "replicate/k1", "study"]
        assert {run.info.status for run in runs} == {"FINISHED"}
        parents = {run.data.tags.get("mlflow.parentRunId") for run in runs} - {None}
        assert parents == {straight.runs["study"], straight.runs["configuration/vmf/c1"]}
