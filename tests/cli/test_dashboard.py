"""`dashboard` shows a study's ledger in Optuna's dashboard and lets nothing change it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import trial_records
from uncollapse.cli.main import main
from uncollapse.cli.pages import dashboard
from uncollapse.study.stages.search import SearchStage
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.storage.shown_ledger import storage
from uncollapse.study.storage.workspace import Workspace


@pytest.fixture
def place(tmp_path: Path) -> Workspace:
    """A search of three trials."""
    study = trial_records.study(tmp_path, names=("one",), search={"stop_early": "none"})
    workspace = Workspace(tmp_path / "runs", "mine")
    recorder = Recorder(Ledger(workspace.folder, "mine", write=True), "valid/nll_iw")
    trial_records.run(SearchStage(study, "corpus", recorder), trials=3)
    workspace.write_facts({"study": "mine", "settings": study.settings(), "corpus": {}, "code": ""})
    return workspace


def asked(application: dashboard.Application, method: str, path: str) -> tuple[str, bytes]:
    """(status, content) of a request."""
    from wsgiref.util import setup_testing_defaults

    request: dict[str, Any] = {"REQUEST_METHOD": method, "PATH_INFO": path}
    setup_testing_defaults(request)
    said: list[str] = []
    content = b"".join(application(request, lambda status, headers, *error: said.append(status)))
    return said[0], content


def test_without_its_package_it_says_what_to_install(
    place: Workspace, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dashboard, "find_spec", lambda name: None)
    assert main(["dashboard", "mine", "--runs", str(place.runs)]) == 2
    assert 'install it with `pip install --constraint constraints.txt ".[dashboard]"`' in capsys.readouterr().err


def test_a_storage_over_the_ledger_reads_what_is_added_and_writes_nothing(place: Workspace) -> None:
    shown = storage(place.ledger)
    (study,) = shown.get_all_studies()
    assert len(shown.get_all_trials(study._study_id)) == 3
    before = place.ledger.read_bytes()
    with pytest.raises(PermissionError, match="written by its own runs alone"):
        shown.delete_study(study._study_id)
    assert place.ledger.read_bytes() == before
    place.ledger.chmod(0o444)
    assert len(storage(place.ledger).get_all_trials(study._study_id)) == 3


def test_what_would_change_something_is_refused_before_the_application_hears_of_it() -> None:
    def application(request: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        return [b"read"]

    guarded = dashboard.reading(application)
    assert asked(guarded, "GET", "/") == ("200 OK", b"read")
    for method in ("DELETE", "POST", "PUT", "PATCH"):
        status, content = asked(guarded, method, "/api/studies/0")
        assert status == "405 Method Not Allowed"
        assert "never written" in json.loads(content)["reason"]


def test_the_real_dashboard_shows_the_trials_and_deletes_nothing(place: Workspace) -> None:
    real = pytest.importorskip("optuna_dashboard")
    application, before = dashboard.reading(real.wsgi(storage(place.ledger))), place.ledger.read_bytes()
    status, content = asked(application, "GET", "/api/studies")
    assert status.startswith("200")
    (study,) = json.loads(content)["study_summaries"]
    assert study["study_name"] == "mine.search.one"
    number = study["study_id"]
    for path in (f"/api/studies/{number}", f"/api/studies/{number}/param_importances", f"/csv/{number}"):
        assert asked(application, "GET", path)[0].startswith("200"), path
    assert len(json.loads(asked(application, "GET", f"/api/studies/{number}")[1])["trials"]) == 3
    assert asked(application, "DELETE", f"/api/studies/{number}")[0].startswith("405")
    assert place.ledger.read_bytes() == before
