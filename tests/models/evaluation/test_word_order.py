"""What an encoder loses with the order of the words."""

import pytest
import torch

from tests.support import models
from uncollapse.models.evaluation.word_order import shuffled_nll, swap_sensitivity
from uncollapse.models.text_vae import TextVAE


def batches() -> list:
    return [models.batch([6, 8, 5], seed=1), models.batch([7, 9], seed=2)]


class OrderBlind(torch.nn.Module):
    """The mean of the words, at every step."""

    reads_tokens = False

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def forward(self, embedded: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        kept = embedded.masked_fill(~mask.unsqueeze(-1), 0.0)
        return kept.sum(1, keepdim=True).expand_as(embedded) / mask.sum(1).view(-1, 1, 1)


def blind() -> TextVAE:
    model = models.model("seqvae", encoder={"hidden": 12})
    model.encoder = OrderBlind(12)
    return model


def test_an_encoder_that_is_blind_to_order_loses_nothing() -> None:
    found = shuffled_nll(blind(), batches(), samples=3, seed=0)
    assert found["shuffle_cost"] == pytest.approx(0.0, abs=1e-4)
    assert all(value == pytest.approx(1.0, abs=1e-5) for value in swap_sensitivity(blind(), batches(), 0).values())


@pytest.mark.parametrize("name", ["seqvae", "vat", "vmf"])
def test_an_encoder_that_reads_in_order_notices(name: str) -> None:
    model = models.model(name)
    found = swap_sensitivity(model, batches(), seed=0)
    moves, shares = ("swap", "swap_anywhere"), (10, 20, 30, 40, 50, 60)
    assert list(found) == [f"{move}_cosine_{share}" for move in moves for share in shares]
    assert found["swap_cosine_60"] < found["swap_cosine_10"] <= 1.0
    assert found["swap_anywhere_cosine_60"] < 1.0
    assert shuffled_nll(model, batches(), samples=3, seed=0)["shuffle_cost"] != 0.0
