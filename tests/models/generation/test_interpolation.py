"""Ways between codes, on lines, arcs and token by token. Shapes: S tokens, C code, K codes."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize, pad

from uncollapse.models.generation.abilities import CannotGenerate
from uncollapse.models.generation.codes import Codes
from uncollapse.models.generation.interpolation import arc, between, mixed


def two_tokenwise(first: Tensor, second: Tensor) -> Codes:
    """Two sentences' codes (S_1, C) and (S_2, C), padded with what must never be read."""
    longest = max(len(first), len(second))
    values = [pad(codes, (0, 0, 0, longest - len(codes)), value=math.nan) for codes in (first, second)]
    mask = torch.arange(longest) < torch.tensor([[len(first)], [len(second)]])
    return Codes(torch.stack(values), mask)


def test_a_straight_way_has_equal_steps() -> None:
    ends = Codes(torch.randn(2, 4), labels=torch.tensor([2, 0]))
    found = between(ends, 5, sphere=False)
    torch.testing.assert_close(found.values[[0, -1]], ends.values)
    torch.testing.assert_close(found.values.diff(dim=0), (ends.values[1] - ends.values[0]).expand(4, 4) / 4)
    assert found.labels is not None
    assert found.labels.tolist() == [2, 2, 2, 0, 0]


def test_an_arc_stays_on_the_sphere_and_has_equal_angles() -> None:
    ends = normalize(torch.randn(2, 7), dim=-1)
    found = between(Codes(ends), 6, sphere=True).values
    torch.testing.assert_close(found.norm(dim=-1), torch.ones(6))
    torch.testing.assert_close(found[[0, -1]], ends)
    angles = (found[1:] * found[:-1]).sum(-1).arccos()
    torch.testing.assert_close(angles, (ends[0] @ ends[1]).arccos().expand(5) / 5, atol=1e-4, rtol=0)


def test_an_arc_lies_in_the_plane_of_its_ends() -> None:
    a, b = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])
    shares = torch.tensor([1 / 3, 1 / 2])
    expected = torch.tensor([[math.cos(math.pi / 6), math.sin(math.pi / 6), 0], [math.sqrt(0.5), math.sqrt(0.5), 0]])
    torch.testing.assert_close(mixed(a, b, shares, sphere=True), expected)


@pytest.mark.parametrize("angle", [0.0, 1e-6, 1e-4, 1e-2])
def test_a_short_arc_is_its_chord(angle: float) -> None:
    a = torch.tensor([1.0, 0.0]).double()
    b = torch.tensor([math.cos(angle), math.sin(angle)]).double()
    found = arc(a, b, torch.tensor([[0.5]]))
    torch.testing.assert_close(found[0], normalize(a + b, dim=0), atol=1e-8, rtol=0)


def test_opposite_points_have_no_shortest_arc() -> None:
    a = normalize(torch.randn(5), dim=0)
    with pytest.raises(CannotGenerate, match="no shortest arc"):
        arc(a, -a, torch.tensor([0.5]))


@pytest.mark.parametrize("turned", [False, True])
def test_token_by_token_words_meet_words_and_eos_meets_eos(turned: bool) -> None:
    short, long = torch.randn(3, 2), torch.randn(5, 2)
    found = between(two_tokenwise(*((long, short) if turned else (short, long))), 5, sphere=False)
    assert found.mask is not None
    rows = [values[mask] for values, mask in zip(found.values, found.mask, strict=True)]
    rows = rows[::-1] if turned else rows
    assert [len(row) for row in rows] == [3, 4, 4, 4, 5]  # 3, 3.5, 4, 4.5, 5, halves to the even number
    torch.testing.assert_close(rows[0], short)
    torch.testing.assert_close(rows[4], long)
    middle = torch.stack([(short[0] + long[0]) / 2, (short[1] + long[1]) / 2, long[2], (short[2] + long[4]) / 2])
    torch.testing.assert_close(rows[2], middle)


def test_token_by_token_on_the_sphere_every_code_has_length_one() -> None:
    first, second = normalize(torch.randn(4, 3), dim=-1), normalize(torch.randn(6, 3), dim=-1)
    found = between(two_tokenwise(first, second), 4, sphere=True)
    assert found.mask is not None
    torch.testing.assert_close(found.values[found.mask].norm(dim=-1), torch.ones(int(found.mask.sum())))
