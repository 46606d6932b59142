"""A search space as a grid, counted and read place by place."""

import itertools
from typing import Any

import pytest

from uncollapse.search_spaces import grid, space

SEARCH: dict[str, Any] = {
    "latent": {
        "kappa": {"float": [5.0, 200.0], "log": True, "points": [20, 80]},
        "size": {"choice": [25, 50]},
        "fixed": 3,
    },
    "objective": {
        "kl.z": {
            "one_of": {
                "constant": {"value": {"float": [0.0, 1.0], "points": [0.5, 1.0]}},
                "cyclical": {"cycles": {"int": [1, 6], "points": [2, 4, 6]}, "value": {"choice": [1.0]}},
                "none": None,
            }
        }
    },
}


def test_branches_are_crossed_only_where_they_are_taken() -> None:
    parts = [("constant", 0.5), ("constant", 1.0), ("cyclical", 2), ("cyclical", 4), ("cyclical", 6), ("none", None)]
    option = {"constant": "value", "cyclical": "cycles"}
    expected = []
    for kappa, size, (kind, value) in itertools.product([20.0, 80.0], ["25", "50"], parts):
        one = {"latent.kappa": kappa, "latent.size": size, "objective.kl.z.kind": kind}
        one |= {f"objective.kl.z.{kind}.{option[kind]}": value} if kind in option else {}
        one |= {"objective.kl.z.cyclical.value": "1.0"} if kind == "cyclical" else {}
        expected.append(one)
    assert grid.size(SEARCH) == len(expected) == 24
    assert [grid.point(SEARCH, place) for place in range(24)] == expected
    assert all(grid.holds(SEARCH, one) for one in expected)
    assert not grid.holds(SEARCH, expected[0] | {"latent.kappa": 21.0})
    assert not grid.holds(SEARCH, {})


def test_a_grid_of_any_size_is_read_without_being_written_out() -> None:
    search = {"latent": {f"h{number}": {"choice": list(range(10))} for number in range(40)}}
    assert grid.size(search) == 10**40
    assert set(grid.point(search, 10**40 - 1).values()) == {"9"}


def test_what_states_nothing_is_named_inside_branches_and_shared_spaces_too() -> None:
    search = {"latent": {"kappa": {"float": [5.0, 200.0]}}, "objective": {"kl.z": {"space": "annealing"}}}
    names = grid.without_points(search)
    assert names[0] == "latent.kappa"
    assert {"objective.kl.z.constant.value", "objective.kl.z.cyclical.cycles"} <= set(names)
    assert "objective.kl.z.linear.start" not in names  # a choice
    stated = {"objective": {"kl.z": {"space": "annealing", "value": {"float": [0.05, 1.0], "points": [1.0]}}}}
    assert "objective.kl.z.constant.value" not in grid.without_points(stated)


@pytest.mark.parametrize(
    ("leaf", "error"),
    [
        ({"float": [0.0, 1.0], "points": [0.5, 1.5]}, "search.a.b.points: every point lies from 0.0 to 1.0, found 1.5"),
        ({"int": [1, 4], "points": [1.5]}, "search.a.b.points: a list of at least one number without a fraction"),
        ({"float": [0.0, 1.0], "points": []}, "search.a.b.points: a list of at least one number, found []"),
        ({"float": [0.0, 1.0], "points": [0.5, 0.5]}, "search.a.b.points: every point once"),
        ({"float": [0.0, 1.0], "points": 0.5}, "search.a.b.points: a list of at least one number"),
        ({"float": [0.0, 1.0], "points": [True]}, "search.a.b.points: a list of at least one number"),
        ({"choice": [1, 2], "points": [1]}, "search.a.b.points: only choice may stand here"),
    ],
)
def test_points_lie_inside_their_range(leaf: dict[str, Any], error: str) -> None:
    (found,) = space.errors({"a": {"b": leaf}})
    assert found.startswith(error)
    assert space.errors({"a": {"b": {"float": [0.0, 1.0], "points": [0, 1, 0.5]}}}) == []
