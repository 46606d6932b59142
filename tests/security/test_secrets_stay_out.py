"""Secrets in the environment of a real study and of its final training: in nothing that they leave or say."""

import base64
import os
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from tests.support.running_studies import PATIENCE, QUIET, UNCOLLAPSE, command, page
from tests.support.tracking_server import Server, server

pytestmark = pytest.mark.slow
SMALL = {"families": ["seqvae"], "search": {"trials": 2, "sampler": "random", "stop_early": "none"}}
SMALL |= {"replicate": {"configurations": 1, "seeds": 2}, "train": {"epochs": 2, "batch_size": 16}}
SMALL |= {"export": {"collapse_limit": 1.0}}


def canaries() -> dict[str, str]:
    """Secrets by the variables that carry them; nobody else has these values."""
    return {
        "MLFLOW_TRACKING_PASSWORD": secrets.token_hex(16),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": secrets.token_hex(16),
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
        "AWS_SECRET_ACCESS_KEY": secrets.token_hex(20),
        "PGPASSWORD": secrets.token_hex(16),
        "HF_TOKEN": f"hf_{secrets.token_hex(16)}",
        "UNCOLLAPSE_WEBHOOK": f"http://127.0.0.1:9/{secrets.token_hex(16)}",
    }


def shapes(secret: str, user: str) -> list[bytes]:
    """A secret as it is, the part of an address that is secret, and what basic authentication makes of it."""
    return [secret.rpartition("/")[2].encode(), base64.b64encode(f"{user}:{secret}".encode())]


def found_in(folder: Path, known: Mapping[str, str], user: str) -> list[str]:
    """Which secrets stand in which files."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    return [
        f"{name} in {path.relative_to(folder)}"
        for path in files
        for content in [path.read_bytes()]
        for name, secret in known.items()
        if any(shape in content for shape in shapes(secret, user))
    ]


@pytest.fixture(scope="module")
def tracker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("tracker")
    with server(folder) as made:
        yield made


def test_a_secret_that_was_written_would_be_found(tmp_path: Path) -> None:
    known = canaries()
    for number in range(11):
        (tmp_path / f"{number}.log").write_text("nothing")
    assert found_in(tmp_path, known, "user") == []
    (tmp_path / "one.log").write_bytes(b"\x00" + shapes(known["MLFLOW_TRACKING_PASSWORD"], "user")[1])
    (tmp_path / "two.db").write_text(f"...{known['RAY_AUTH_TOKEN']}...")
    (tmp_path / "three").write_text(known["UNCOLLAPSE_WEBHOOK"])
    assert {line.split()[0] for line in found_in(tmp_path, known, "user")} == {
        "MLFLOW_TRACKING_PASSWORD",
        "RAY_AUTH_TOKEN",
        "UNCOLLAPSE_WEBHOOK",
    }


@pytest.mark.parametrize("tracked", [False, True], ids=["SQLite", "a server"])
def test_no_secret_stands_in_anything_that_a_study_leaves(tracked: bool, tmp_path: Path, tracker: Server) -> None:
    known, user, runs = canaries(), "nightwatch", tmp_path / "runs"
    study = page(tmp_path, **SMALL, **({"tracking": tracker.uri} if tracked else {}))
    best, out = runs / "faulty" / "best" / "seqvae.yaml", runs / "out"
    environment = {**os.environ, **QUIET, **known, "MLFLOW_TRACKING_USERNAME": user, "OMP_NUM_THREADS": "1"}
    for number, words in enumerate(
        (
            command(study, runs),
            [*UNCOLLAPSE, "verify", "faulty", "--runs", str(runs)],
            [*UNCOLLAPSE, "train", str(best), "--out", str(out), "--register", "--runs", str(runs)],
        )
    ):
        done = subprocess.run(words, capture_output=True, text=True, timeout=PATIENCE, env=environment, check=False)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        (tmp_path / f"said{number}").write_text(done.stdout + done.stderr)
    said = (tmp_path / "said0").read_text()
    assert "notification: the webhook does not answer" in said, "the webhook was tried, and failed"
    assert "registered models:/faulty-seqvae/1" in (tmp_path / "said2").read_text()
    assert found_in(tmp_path, known, user) == []
    assert found_in(tracker.folder, known, user) == [] if tracked else True
