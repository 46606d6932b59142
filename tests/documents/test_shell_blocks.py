"""Shell blocks of the documents: what the command line accepts, what the Makefile has, and nothing else unless it says why."""

import re
import shlex
import subprocess
import tomllib

import pytest

from tests.documents import pages
from uncollapse.cli.main import parser
from uncollapse.study.errors import UserError

SERVER = "tracking server: "  # run as they stand by `tests/clusters/test_readme_tracking.py`
BLOCKS = [block for block in pages.every_block("bash") if block.runs and not block.mark.startswith(SERVER)]
EXTRA = re.compile(r"\[(\w+)]")


def commands(body: str) -> list[list[str]]:
    """The words of every command of a block, without what sets its environment."""
    lines = (shlex.split(line, comments=True) for line in body.splitlines())
    return [[word for i, word in enumerate(words) if i or "=" not in word] for words in lines if words]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", pages.text(pages.ROOT / "Makefile"), re.MULTILINE))


def extras() -> set[str]:
    return set(tomllib.loads(pages.text(pages.ROOT / "pyproject.toml"))["project"]["optional-dependencies"])


def refused(words: list[str]) -> str:
    """Why a command is none of ours; "" where it would be accepted."""
    if words[0] == "uncollapse":
        return "" if _parsed(words[1:]) else "no command of uncollapse"
    if words[0] == "make":
        return "" if words[1] in targets() else "no target of the Makefile"
    if words[:2] == ["pip", "install"]:
        return "" if _installable(words[-1]) else "no project here, or none of its extras"
    return "neither uncollapse nor make nor pip"


def _installable(place: str) -> bool:
    """Whether a path from the repository's root holds a project, and ours the extras that are asked for."""
    asked = set(EXTRA.findall(place))
    return (pages.ROOT / place.split("[")[0] / "pyproject.toml").exists() and asked <= extras()


def _parsed(words: list[str]) -> bool:
    try:
        parser().parse_args(words)
    except (SystemExit, UserError):
        return False
    return True


def test_there_are_blocks() -> None:
    assert len(BLOCKS) > 10


@pytest.mark.parametrize("block", pages.every_block("bash"), ids=lambda block: block.place)
def test_a_shell_can_read_it(block: pages.Block) -> None:
    done = subprocess.run(["bash", "-n"], input=block.body, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_every_command_would_be_accepted(block: pages.Block) -> None:
    assert {shlex.join(words): why for words in commands(block.body) if (why := refused(words))} == {}


def test_what_would_not_be_accepted_is_seen() -> None:
    assert refused(["uncollapse", "rnu", "my.yaml"])
    assert refused(["make", "tset"])
    assert refused(["pip", "install", ".[brt]"])
    assert refused(["pip", "install", "torch"])
    assert refused(["curl", "http://127.0.0.1"])
    assert commands("A=1 make test  # a comment\n\n# another\n") == [["make", "test"]]


@pytest.mark.parametrize("line", re.findall(r"^\| `(uncollapse [^`]+)`", pages.text(pages.ROOT / "README.md"), re.M))
def test_the_commands_of_the_readme_s_table_would_be_accepted(line: str) -> None:
    assert refused(shlex.split(line)) == ""
