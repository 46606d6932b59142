"""`uncollapse check`: components and pages, ours and of other packages, with the exit codes of every command."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.support import installed, models
from uncollapse.cli.main import main


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with installed.package(tmp_path, monkeypatch):
        yield


@pytest.mark.parametrize(
    "subject", [installed.KIND, "latent.laplace", "pool.max", "schedule.linear", "laplace", str(installed.PAGE)]
)
def test_what_is_sound_passes_every_check(subject: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", subject]) == 0
    *lines, total = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.startswith("passed  ") for line in lines)
    assert total == f"{subject}: {len(lines)} of {len(lines)} checks passed"


def test_a_failed_check_is_told_in_a_sentence_and_fails_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = (
        (installed.SOURCES / "laplace_latent" / "latent.py").read_text().replace("kl=lambda: kl(", "kl=lambda: 2 * kl(")
    )
    models.write(tmp_path / "made_wrong.py", text)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["check", "made_wrong:Laplace", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["subject"] == "made_wrong:Laplace"
    (failed,) = [one for one in told["checks"] if not one["passed"]]
    assert failed["check"] == "kl is not negative and equals monte carlo"
    assert failed["failure"].startswith("the KL of z is not the mean of log q - log p; it is ")
    assert told["failed"] == 1


@pytest.mark.parametrize(
    ("subject", "told"),
    [
        ("vfm", "unknown family 'vfm'; did you mean 'vmf'?"),
        ("latent.vfm", "latent.kind: unknown kind of latent 'vfm'; did you mean 'vmf'?"),
        ("gone.latent:X", "gone.latent:X: the module gone.latent is not found"),
        ("laplace_latent.latent:Laplac", "did you mean 'Laplace'?"),
        ("none.yaml", "none.yaml"),
        ("../x:Y", "is `package.module:Name`"),
    ],
)
def test_an_unknown_name_is_the_users_error(subject: str, told: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", subject]) == 2
    assert told in capsys.readouterr().err


def test_a_class_of_no_slot_is_asked_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    models.write(tmp_path / "made_other.py", "class Other:\n    def __init__(self, features, /):\n        pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert main(["check", "made_other:Other"]) == 2
    assert "say it with --slot, one of inputs, encoder, pool" in capsys.readouterr().err
    assert main(["check", "made_other:Other", "--slot", "encoder"]) == 1
    assert "failed  features have the size that it says: it raises TypeError" in capsys.readouterr().out


def test_it_draws_the_same_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    told = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        main(["check", "latent.vmf", "--variants"])
        told.append(capsys.readouterr().out)
    assert told[0] == told[1]
    assert "(of vmf-1-every-released)" in told[0]
