"""`families` lists every family with its paper, its page and what its study searches."""

import json

import pytest

from uncollapse.cli.main import main
from uncollapse.study.config import families


def test_the_command_lists_papers_pages_and_hyperparameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["families", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["families"]
    assert [row["family"] for row in rows] == families.names()
    for row in rows:
        assert row["paper"]
        assert row["page"] == f"search_spaces/{row['family']}.yaml"
    assert main(["families"]) == 0
    listed = capsys.readouterr().out
    assert all(row["title"] in listed for row in rows)
