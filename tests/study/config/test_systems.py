"""No system of the five papers is missing."""

import json

import pytest

from uncollapse.cli.main import COMMANDS, main
from uncollapse.study.config import families
from uncollapse.study.config.systems import BY_COMMAND, SYSTEMS


def test_the_systems_are_numbered_without_a_gap() -> None:
    assert list(SYSTEMS) == [f"S{number}" for number in range(1, 35)]


OF_PAGE = {name: families.load(name).systems for name in families.names()}


@pytest.mark.parametrize("number", SYSTEMS)
def test_every_system_has_a_page_or_a_command(number: str) -> None:
    pages = [name for name, systems in OF_PAGE.items() if number in systems]
    assert bool(pages) != (number in BY_COMMAND)


@pytest.mark.parametrize("number", BY_COMMAND)
def test_systems_by_command_have_one(number: str) -> None:
    assert BY_COMMAND[number] in COMMANDS


def test_the_command_lists_systems_papers_pages_and_hyperparameters(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["families", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["families"]
    assert {row["family"] for row in rows} == set(families.names())
    for row in rows:
        assert row["paper"]
        assert row["page"] == f"search_spaces/{row['family']}.yaml"
    assert main(["families"]) == 0
    listed = capsys.readouterr().out
    assert all(row["title"] in listed for row in rows)
    assert all(f"({number}): `uncollapse {command}`" in listed for number, command in BY_COMMAND.items())
