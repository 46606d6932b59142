"""Sinusoidal positions against their formula."""

import math

import pytest
import torch

from uncollapse.models.layers.positions import sinusoidal


@pytest.mark.parametrize("size", [1, 6, 7])
def test_against_the_formula(size: int) -> None:
    found = sinusoidal(9, size, torch.device("cpu"))
    assert found.shape == (9, size)
    for t in range(9):
        for h in range(size):
            angle = t / 10_000 ** (2 * (h // 2) / size)
            expected = math.cos(angle) if h % 2 else math.sin(angle)
            assert found[t, h].item() == pytest.approx(expected, abs=1e-5)


def test_a_longer_sentence_has_the_same_beginning() -> None:
    device = torch.device("cpu")
    torch.testing.assert_close(sinusoidal(20, 8, device)[:5], sinusoidal(5, 8, device))
