"""A GRU of our own: outputs and every gradient are torch's."""

import pytest
import torch
from torch import Tensor, nn

from models.gru import faster, run_gru


def gradients(outputs: Tensor, wanted: list[Tensor]) -> tuple[Tensor, ...]:
    torch.manual_seed(5)
    return torch.autograd.grad((outputs * torch.randn_like(outputs)).sum(), wanted)


@pytest.mark.parametrize(("rows", "steps", "size"), [(1, 1, 3), (4, 7, 5), (3, 2, 16)])
@pytest.mark.parametrize("started", [True, False])
def test_outputs_and_gradients_are_those_of_torch(rows: int, steps: int, size: int, started: bool) -> None:
    torch.manual_seed(rows)
    gru = nn.GRU(6, size, batch_first=True).double()
    entering = torch.randn(rows, steps, 6, dtype=torch.float64, requires_grad=True)
    state = torch.randn(1, rows, size, dtype=torch.float64, requires_grad=True) if started else None
    wanted = [entering, *([state] if state is not None else []), *gru.parameters()]
    expected, found = gru(entering, state)[0], run_gru(gru, entering, state)
    torch.testing.assert_close(found, expected)
    for one, other in zip(gradients(found, wanted), gradients(expected, wanted), strict=True):
        torch.testing.assert_close(one, other)


def test_it_stands_in_where_it_can() -> None:
    words = torch.zeros(2, 3, 6)
    assert faster(nn.GRU(6, 4), words)
    assert not faster(nn.LSTM(6, 4), words)
    assert not faster(nn.GRU(6, 4, num_layers=2), words)
    assert not faster(nn.GRU(6, 4, bidirectional=True), words)
    with torch.no_grad():
        assert not faster(nn.GRU(6, 4), words)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert not faster(nn.GRU(6, 4), words)
