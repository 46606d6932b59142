"""What stands in `best/` and on the terminal where families have nothing to export."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pandas as pd
import pytest
import yaml

from tests.support.tables import frame, seeds
from uncollapse.analysis.findings import Findings, find
from uncollapse.analysis.schema import Records
from uncollapse.search_spaces import page_yaml
from uncollapse.study.results import export
from uncollapse.study.results.refusals import README, as_data, nothing, refusals, told
from uncollapse.study.storage.fingerprints import digest
from uncollapse.study.storage.workspace import Workspace

SETTINGS = {
    "families": {"alive": {}, "dead": {}},
    "export": {"collapse_limit": 0.5},
    "search": {"select": "valid/nll_iw", "subject_to": "living"},
    "corpus": {},
    "train": {},
    "evaluate": {},
    "resources": {"cpus": 1},
    "tracking": "",
}
FACTS = {"study": "mine", "folder": "", "corpus": {"digest": "d"}, "code": "c", "settings": SETTINGS}


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    monkeypatch.setattr(Workspace, "read_facts", lambda self: FACTS)
    monkeypatch.setattr(export, "family_version", lambda code, family: code)
    return Workspace(tmp_path, "mine")


def found_of(*rows: dict[str, Any]) -> Findings:
    study = {
        "families": list(SETTINGS["families"]),
        "export_rule": {"limit": 0.5, "certainty": 0.95, "medians": []},
        "commands": ["uncollapse run my.yaml"],
    }
    return find(Records(study, frame(*(row | {"role": "best"} for row in rows)), pd.DataFrame(), {}))


def known_of(found: Findings) -> list[Any]:
    names = found.judged["configuration"].unique()
    return [SimpleNamespace(configuration_id=one, configuration={"name": one}, stage="", state="") for one in names]


FOUND = found_of(*seeds("alive", "c1", 0, 3), *seeds("dead", "c2", 3, 0))


def test_a_file_for_the_family_that_has_one_and_advice_for_the_other(workspace: Workspace) -> None:
    done = export.export(workspace, FOUND, known_of(FOUND), force=False)
    assert [path.name for path in done.files] == ["alive.yaml"]
    origin = yaml.safe_load(done.files[0].read_text())["from"]
    assert origin["sureness"] == "0 of 3 seeds collapsed, P(collapse share < 0.5) is 0.97"
    assert origin["figures"]["below_limit"] == pytest.approx(0.96685, abs=1e-5)
    said = (workspace.best / README).read_text()
    assert "- `alive.yaml`: 0 of 3 seeds collapsed, P(collapse share < 0.5) is 0.97." in said
    assert "**dead**: no configuration keeps the rule; the nearest is c2 (best): 3 of 3 seeds collapsed" in said
    assert "then `uncollapse run my.yaml`" in said


@pytest.mark.parametrize("name", ["237974e6", "12345678", "1e999999", "0x12ab34", "12:30:45", "null", "c1"])
def test_every_field_of_an_exported_file_reads_back_as_it_was(name: str, workspace: Workspace) -> None:
    found = found_of(*seeds("alive", name, 0, 3))
    file, *_ = export.export(workspace, found, known_of(found), force=False).files
    content = page_yaml.load(file)
    assert content["from"]["configuration"] == name
    assert content.pop("checksum") == digest(content), "a final training would call the file edited"


def test_force_exports_what_breaks_the_rule_and_says_so(workspace: Workspace) -> None:
    done = export.export(workspace, FOUND, known_of(FOUND), force=True)
    assert [path.name for path in done.files] == ["alive.yaml", "dead.yaml"]
    assert done.refused == {}
    origin = yaml.safe_load(done.files[1].read_text())["from"]
    assert origin["rule"].startswith("no configuration keeps the rule; the nearest is c2")
    assert export.export(workspace, FOUND, known_of(FOUND), force=False).refused.keys() == {"dead"}
    assert not (workspace.best / "dead.yaml").exists(), "a file from an earlier export would pass for the answer"


def test_the_terminal_json_and_an_export_of_nothing_say_the_same() -> None:
    data = as_data(refusals(FOUND))
    assert data["dead"]["configuration"] == "c2"
    assert data["dead"]["moves"] == []
    first, advice = told(data)
    assert first == f"no best  dead: {data['dead']['why']}"
    assert advice.strip() == data["dead"]["advice"][-1]
    assert advice.strip().startswith("next another base, or a space to search")
    (error,) = nothing(refusals(FOUND))
    assert error.startswith(f"dead: {data['dead']['why']}; next ")
    assert nothing({}) == ["the study has no families"]
