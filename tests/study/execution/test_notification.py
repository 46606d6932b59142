"""News reach a command and a webhook, and what fails there is said without the webhook's address."""

import json
import socket
from pathlib import Path

import pytest

from uncollapse.study.execution.notification import TROUBLE, WEBHOOK, News


def tell(command: str | None = None) -> list[str]:
    said: list[str] = []
    News("mine", command, said.append)(TROUBLE, "a node was lost")
    return said


def test_a_command_reads_the_message(tmp_path: Path) -> None:
    assert tell(f"cat > {tmp_path / 'news'}") == []
    message = json.loads((tmp_path / "news").read_text())
    assert (message["study"], message["event"]) == ("mine", "trouble")
    assert message["text"].endswith("a node was lost")


def test_a_command_that_fails_is_said() -> None:
    assert tell("exit 3") == ["notification: the command ended with code 3; the study is not touched by that"]


def test_a_webhook_that_is_away_is_said_without_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    monkeypatch.setenv(WEBHOOK, f"http://127.0.0.1:{port}/SECRET")
    [sentence] = tell()
    assert "does not answer (ConnectionRefusedError)" in sentence
    assert "SECRET" not in sentence


def test_an_address_that_is_none_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(WEBHOOK, "SECRET")
    [sentence] = tell()
    assert "has no address" in sentence
    assert "SECRET" not in sentence
