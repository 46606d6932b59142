"""What stands beside every input word. Shapes: B sentences, T steps, E embedding, D context."""

from torch import Tensor, nn

from uncollapse.models.batch import Batch
from uncollapse.models.corpus_info import CorpusInfo


class LabelContext(nn.Module):
    """An embedding of the sentence's class (Xu & Durrett 2018, Section 5.1)."""

    def __init__(self, corpus_info: CorpusInfo, size: int) -> None:
        super().__init__()
        if corpus_info.classes < 2:
            raise ValueError("inputs.label_size: a corpus with two classes or more is needed, and this has none")
        self.table = nn.Embedding(corpus_info.classes, size)

    def forward(self, batch: Batch) -> Tensor:
        """The classes of a batch to (B, D)."""
        assert batch.labels is not None, (
            "uncollapse.study.planning.corpus_compatibility refuses a corpus without labels"
        )
        return self.table(batch.labels)


class BagContext(nn.Module):
    """A linear map of the mean embedding of a sentence's words."""

    def __init__(self, embedding: int, size: int) -> None:
        super().__init__()
        self.project = nn.Linear(embedding, size)

    def forward(self, embedded: Tensor, words: Tensor) -> Tensor:
        """Embeddings (B, T, E), counted where `words` (B, T) is true, to (B, D)."""
        mean = embedded.masked_fill(~words.unsqueeze(-1), 0.0).sum(1) / words.sum(1, keepdim=True).clamp_min(1)
        return self.project(mean)
