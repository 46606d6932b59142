"""Attention pooling. Shapes: B sentences, T steps, H features."""

from torch import Tensor, nn


class Attention(nn.Module):
    """Mean of the steps of each sentence, weighted by a softmax of one learned score a step.

    Long et al. 2019 tried it beside their pools and report it worse, without numbers.
    """

    at = "features"

    def __init__(self, features: int, /) -> None:
        super().__init__()
        self.score = nn.Linear(features, 1, bias=False)  # a bias would cancel in the softmax

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """(B, T, H) to (B, H)."""
        scores = self.score(features).squeeze(-1).masked_fill(~mask, float("-inf"))
        return (scores.softmax(1).unsqueeze(-1) * features.masked_fill(~mask.unsqueeze(-1), 0.0)).sum(1)
