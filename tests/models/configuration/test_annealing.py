"""The end of annealing is asked of plain functions and without torch."""

import subprocess
import sys

import pytest

from uncollapse.models.configuration.annealing import end_of_annealing


@pytest.mark.parametrize("jump", [0, 1, 50, 100])
def test_a_step_function_ends_at_its_step(jump: int) -> None:
    assert end_of_annealing(lambda t: float(t >= jump), 100) == jump


def test_a_return_to_the_last_value_does_not_count_until_it_stays() -> None:
    assert end_of_annealing(lambda t: 0.0 if t in (10, 40) else 1.0, 100) == 41


def test_tolerance_is_relative() -> None:
    for scale in (1e-3, 1.0, 1e3):
        assert end_of_annealing(lambda t, scale=scale: scale * min(1.0, t / 100), 200, tolerance=0.1) == 90


def test_no_torch_is_needed() -> None:
    code = "import uncollapse.models.configuration.annealing, uncollapse.models.configuration.constraints, uncollapse.models.configuration.resolve, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
