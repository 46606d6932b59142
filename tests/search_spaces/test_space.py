"""Search spaces: drawing, listing hyperparameters, visiting corners, refusing what is malformed."""

import random
from typing import Any

import pytest

from uncollapse.search_spaces import space
from uncollapse.search_spaces.space import Choice, Distribution, Interval

SEARCH: dict[str, Any] = {
    "latent": {"size": {"choice": [8, 16]}, "kappa": {"float": [5.0, 200.0], "log": True}},
    "decoder": {"layers": {"int": [1, 3]}, "inject": {"choice": [["state"], ["state", "input"]]}},
    "objective": {
        "kl.z": {"one_of": {"constant": {"value": {"float": [0.1, 1.0]}}, "linear": {"span": {"choice": [1, 2]}}}}
    },
}


def first(name: str, leaf: Distribution) -> Any:
    return leaf.extremes[0]


def test_leaves_are_distributions() -> None:
    assert space.distribution({"float": [1, 2], "log": True}) == Interval(1, 2, log=True, whole=False)
    assert space.distribution({"int": [1, 9]}) == Interval(1, 9, log=False, whole=True)
    assert space.distribution({"choice": ["a", "b"]}) == Choice(("a", "b"))
    assert space.distribution({"size": {"int": [1, 9]}}) is None


def test_a_value_that_a_page_fixes_is_no_hyperparameter() -> None:
    search = {"latent": {"kind": "vmf", "kappa": {"float": [5, 50]}}}
    assert [name for name, _ in space.hyperparameters(search)] == ["latent.kappa"]
    assert space.draw(search, first) == {"latent": {"kind": "vmf", "kappa": 5.0}}


def test_distributions_describe_themselves() -> None:
    assert str(Interval(0.001, 1, log=True, whole=False)) == "0.001 to 1, log"
    assert str(Interval(1, 6, log=False, whole=True)) == "1 to 6, whole"
    assert str(Choice((["state"], ["state", "input"], False))) == "state | state+input | False"


def test_a_list_is_recorded_by_its_items_and_used_as_a_list() -> None:
    assert Choice((["state", "input"], ["state"])).names == {"state+input": ["state", "input"], "state": ["state"]}


def test_hyperparameters_have_dotted_names_conditional_ones_included() -> None:
    assert [name for name, _ in space.hyperparameters(SEARCH)] == [
        "latent.size",
        "latent.kappa",
        "decoder.layers",
        "decoder.inject",
        "objective.kl.z.kind",
        "objective.kl.z.constant.value",
        "objective.kl.z.linear.span",
    ]


@pytest.mark.parametrize("kind", ["constant", "linear"])
def test_a_draw_asks_for_the_hyperparameters_of_the_chosen_kind_only(kind: str) -> None:
    asked: dict[str, Distribution] = {}

    def ask(name: str, leaf: Distribution) -> Any:
        asked[name] = leaf
        return kind if name.endswith(".kind") else leaf.extremes[-1]

    settings = space.draw(SEARCH, ask)
    assert settings["latent"] == {"size": 16, "kappa": 200.0}
    assert settings["decoder"] == {"layers": 3, "inject": ["state", "input"]}
    own = {"constant": {"value": 1.0}, "linear": {"span": 2}}[kind]
    assert settings["objective"] == {"kl.z": {"kind": kind, **own}}
    assert {name for name in asked if name.startswith("objective")} == {
        "objective.kl.z.kind",
        *(f"objective.kl.z.{kind}.{name}" for name in own),
    }
    assert all(leaf == dict(space.hyperparameters(SEARCH))[name] for name, leaf in asked.items())


def test_a_shared_space_stands_for_its_page() -> None:
    branches = space.expand({"space": "annealing"})["one_of"]
    assert set(branches) == {"constant", "linear", "logistic", "cyclical"}
    assert all("value" in options for options in branches.values())
    assert space.expand({"one_of": {}}) == {"one_of": {}}
    assert space.expand(3) == 3


def test_an_option_beside_a_shared_space_replaces_it_in_every_branch() -> None:
    wide = {"float": [0.001, 1.0], "log": True}
    before = space.expand({"space": "annealing"})["one_of"]
    branches = space.expand({"space": "annealing", "value": wide})["one_of"]
    assert all(options["value"] == wide for options in branches.values())
    for kind, options in branches.items():
        assert {key: leaf for key, leaf in options.items() if key != "value"} == {
            key: leaf for key, leaf in before[kind].items() if key != "value"
        }
    assert space.expand({"space": "annealing"})["one_of"] == before


def test_corners_reach_both_ends_of_every_hyperparameter() -> None:
    reached: dict[str, set[str]] = {}
    for settings in space.corners(SEARCH):
        kind = settings["objective"]["kl.z"]["kind"]
        for slot, options in settings.items():
            for key, value in options.items():
                if slot == "objective":
                    reached.setdefault("objective.kl.z.kind", set()).add(kind)
                    for name, inner in value.items():
                        reached.setdefault(f"objective.kl.z.{kind}.{name}", set()).add(str(inner))
                else:
                    reached.setdefault(f"{slot}.{key}", set()).add(str(value))
    for name, leaf in space.hyperparameters(SEARCH):
        assert {str(extreme) for extreme in leaf.extremes} <= reached[name], name


def test_corners_of_a_choice_are_all_of_its_values() -> None:
    sizes = [one["latent"]["size"] for one in space.corners({"latent": {"size": {"choice": [8, 16, 32]}}})]
    assert set(sizes) == {8, 16, 32}


def test_settings_drawn_at_random_lie_inside() -> None:
    generator = random.Random(0)

    def ask(name: str, leaf: Distribution) -> Any:
        if isinstance(leaf, Choice):
            return generator.choice(leaf.values)
        if leaf.whole:
            return generator.randint(int(leaf.low), int(leaf.high))
        return generator.uniform(leaf.low, leaf.high)

    kinds = set()
    for _ in range(50):
        settings = space.draw({"objective": {"kl.z": {"space": "annealing"}}}, ask)["objective"]["kl.z"]
        kinds.add(settings["kind"])
        assert 0.05 <= settings["value"] <= 1.0
    assert kinds == {"constant", "linear", "logistic", "cyclical"}


@pytest.mark.parametrize("search", [{}, SEARCH, {"latent": {"size": 8}}, {"objective": {"kl": {"space": "annealing"}}}])
def test_sound_spaces_have_no_errors(search: Any) -> None:
    assert space.errors(search) == []


@pytest.mark.parametrize(
    ("node", "error"),
    [
        ({"choice": []}, ".choice: a list of at least one value, found []"),
        ({"choice": 8}, ".choice: a list of at least one value, found 8"),
        ({"choice": [8, 8]}, ".choice: every value once, found [8, 8]"),
        ({"choice": [8], "log": True}, ".log: only choice may stand here, found 'log'"),
        ({"float": [1]}, ".float: [low, high], two numbers, found [1]"),
        ({"float": ["1", 2]}, ".float: [low, high], two numbers, found ['1', 2]"),
        ({"float": [False, True]}, ".float: [low, high], two numbers, found [False, True]"),
        ({"float": {"low": 1}}, ".float: [low, high], two numbers, found {'low': 1}"),
        ({"float": [2, 1]}, ".float: low is below high, found [2, 1]"),
        ({"float": [float("nan"), 1]}, ".float: low is below high, found [nan, 1]"),
        ({"float": [0, 1], "log": True}, ".float: on a log scale low is above 0, found 0"),
        ({"float": [0, 1], "lgo": True}, ".lgo: only float, log, points may stand here, found 'lgo'"),
        ({"int": [1.0, 2]}, ".int: [low, high], two numbers without a fraction, found [1.0, 2]"),
        ({"one_of": []}, ".one_of: maps each kind to its options, found []"),
        ({"one_of": {}}, ".one_of: maps each kind to its options, found {}"),
        ({"one_of": {"linear": {"a": {"choice": []}}}}, ".linear.a.choice: a list of at least one value, found []"),
        ({"space": "anealing"}, ".space: the one space that a page may name is `annealing`, found 'anealing'"),
        ({"space": "seqvae"}, ".space: the one space that a page may name is `annealing`, found 'seqvae'"),
        ({"space": "annealing", "value": {"float": [1, 0]}}, ".value.float: low is below high, found [1, 0]"),
    ],
)
def test_errors_name_the_place_the_law_and_the_offence(node: Any, error: str) -> None:
    assert space.errors({"latent": {"size": node}}) == [f"search.latent.size{error}"]


def test_all_errors_are_found_at_once() -> None:
    search = {"latent": {"size": {"choice": []}, "kappa": {"float": [3, 2]}}, "decoder": {"hidden": {"int": [1]}}}
    assert len(space.errors(search)) == 3


@pytest.mark.parametrize("search", [3, "latent", ["latent"]])
def test_a_space_is_a_mapping(search: Any) -> None:
    assert space.errors(search) == [f"search: a search space is a mapping, found {search!r}"]


def test_a_floor_joins_every_schedule_of_the_shared_space() -> None:
    node = {"space": "annealing", "floor": {"float": [0.0, 8.0]}}
    assert space.errors({"kl.z": node}) == []
    names = [name for name, _ in space.hyperparameters({"kl.z": node}) if name.endswith(".floor")]
    assert names == [f"kl.z.{kind}.floor" for kind in ("constant", "linear", "logistic", "cyclical")]
