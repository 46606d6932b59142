"""Weights say whose they are."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_model

from uncollapse.study.results.saved_model import save_weights, weights_of

LINEAR = torch.nn.Linear(2, 3)


def test_weights_are_those_of_their_trial(tmp_path: Path) -> None:
    path = tmp_path / "k.safetensors"
    assert not weights_of(path, "k")
    save_weights(LINEAR, path, "k")
    assert weights_of(path, "k")
    assert [file.name for file in tmp_path.iterdir()] == ["k.safetensors"]


def test_weights_that_do_not_say_whose_they_are_are_taken_as_they_lie(tmp_path: Path) -> None:
    path = tmp_path / "k.safetensors"
    save_model(LINEAR, str(path))
    assert weights_of(path, "k")


@pytest.mark.parametrize("content", ["another's", "nothing", "garbage"])
def test_weights_of_another_trial_or_of_none_are_put_aside(content: str, tmp_path: Path) -> None:
    path = tmp_path / "k.safetensors"
    if content == "another's":
        save_weights(LINEAR, path, "other")
    else:
        path.write_bytes(b"" if content == "nothing" else b"garbage" * 100)
    assert not weights_of(path, "k")
    assert [file.name for file in tmp_path.iterdir()] == ["k.safetensors.unreadable"]
