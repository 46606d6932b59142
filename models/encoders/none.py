"""No encoder. Shapes: B sentences, T steps, E embedding."""

from torch import Tensor, nn

from uncollapse.models.corpus_info import CorpusInfo


class None_(nn.Module):  # noqa: N801 -- `None` is a keyword
    """No features: the encoder of a language model, which has nothing to infer."""

    reads_tokens = False

    def __init__(self, embedding: int, corpus_info: CorpusInfo, /) -> None:
        super().__init__()
        self.size = 0

    def forward(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """(B, T, E) to (B, T, 0)."""
        return embedded[..., :0]
