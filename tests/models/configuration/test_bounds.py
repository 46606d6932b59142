"""Bounds judge numbers in sentence fragments."""

import math
import subprocess
import sys
import typing

import pytest

from uncollapse.models.configuration import bounds
from uncollapse.models.configuration.bounds import Bound


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("Positive", [1e-9, 5], {0.0: "must be greater than 0"}),
        ("NonNegative", [0, 2.5], {-1e-9: "must be at least 0"}),
        ("Share", [0, 1], {1.1: "must be at most 1", -0.1: "must be at least 0"}),
        ("Fraction", [1e-3, 1], {0: "must be greater than 0", 2: "must be at most 1"}),
        ("Rate", [0, 0.99], {1.0: "must be less than 1"}),
        ("Concentration", [1e-3, 1e4], {0: "must be at least 0.001", 2e4: "must be at most 10000"}),
        ("Shape", [0.05, 30], {0.01: "must be at least 0.05"}),
        ("Count", [0, 3], {-1: "must be at least 0"}),
        ("Size", [1], {0: "must be at least 1"}),
        ("SphereSize", [2], {1: "must be at least 2"}),
    ],
)
def test_names_carry_their_bound(name: str, good: list[float], bad: dict[float, str]) -> None:
    bound = typing.get_args(getattr(bounds, name))[1]
    assert [bound.error(value) for value in good] == [None] * len(good)
    assert {value: bound.error(value) for value in bad} == bad


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_no_bound_admits_what_is_not_finite(value: float) -> None:
    assert Bound().error(value) == "must be a finite number"


def test_bounds_do_not_import_torch() -> None:
    code = "import uncollapse.models.configuration.bounds, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
