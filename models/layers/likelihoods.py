"""What a decoder's states predict: the words in their order, the words of a bag, or the class of a sentence.

Shapes: B sentences, T steps, H state, V vocabulary, Y classes.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from uncollapse.models.batch import Batch
from uncollapse.models.corpus_info import CorpusInfo
from uncollapse.models.layers.word_losses import word_losses


class Likelihood(nn.Module):
    """From a decoder's states to log p of what is predicted."""

    logits: nn.Linear

    def forward(self, batch: Batch, states: Tensor) -> Tensor:
        """log p of each sentence from a decoder's states: (B,) in nats."""
        raise NotImplementedError

    def targets(self, batch: Batch) -> Tensor:
        """(B,) how many symbols of each sentence are predicted."""
        raise NotImplementedError


class Words(Likelihood):
    """p(x | z) = prod_t p(w_t | w_<t, z), EOS included, from one state a step."""

    def __init__(self, size: int, corpus_info: CorpusInfo) -> None:
        super().__init__()
        self.logits = nn.Linear(size, corpus_info.size)

    def forward(self, batch: Batch, states: Tensor) -> Tensor:
        """log p of each sentence from states (B, T, H): (B,) in nats."""
        mask = batch.mask
        at = mask.flatten().nonzero().squeeze(1)  # only real targets meet the vocabulary, the costliest product
        losses = self._losses(states.flatten(0, 1).index_select(0, at), batch.tokens.flatten()[at])
        return losses.new_zeros(mask.shape).masked_scatter(mask, -losses).sum(1)

    def _losses(self, states: Tensor, targets: Tensor) -> Tensor:
        if states.device.type == "cpu" and not torch.is_autocast_enabled("cpu"):
            return word_losses(states, self.logits, targets)
        return functional.cross_entropy(self.logits(states), targets, reduction="none")

    def targets(self, batch: Batch) -> Tensor:
        """(B,) how many symbols of each sentence are predicted: words and EOS."""
        return batch.lengths


class Bag(Likelihood):
    """p(x | z) = prod over the words of softmax(R z + b): their order and EOS are not modelled (Miao et al. 2016)."""

    def __init__(self, size: int, corpus_info: CorpusInfo) -> None:
        super().__init__()
        self.logits = nn.Linear(size, corpus_info.size)

    def forward(self, batch: Batch, states: Tensor) -> Tensor:
        """log p of each sentence from states (B, H): (B,) in nats."""
        log_p = functional.log_softmax(self.logits(states), -1)
        return log_p.gather(1, batch.tokens).masked_fill(~batch.words, 0.0).sum(1)

    def targets(self, batch: Batch) -> Tensor:
        """(B,) how many symbols of each sentence are predicted: words."""
        return batch.lengths - 1


class Label(Likelihood):
    """p(y | x): a classifier, for the supervised baselines; not a model of text."""

    def __init__(self, size: int, corpus_info: CorpusInfo) -> None:
        super().__init__()
        if corpus_info.classes < 2:
            raise ValueError("A decoder that predicts labels needs a corpus with two classes or more; this has none.")
        self.logits = nn.Linear(size, corpus_info.classes)

    def forward(self, batch: Batch, states: Tensor) -> Tensor:
        """log p of each sentence's class from states (B, H): (B,) in nats."""
        assert batch.labels is not None, "uncollapse.study.planning.preflight refuses a corpus without labels"
        return -functional.cross_entropy(self.logits(states), batch.labels, reduction="none")

    def targets(self, batch: Batch) -> Tensor:
        """(B,) one class a sentence."""
        return torch.ones_like(batch.lengths)


LIKELIHOODS: dict[str, Callable[[int, CorpusInfo], Likelihood]] = {"words": Words, "bag": Bag, "label": Label}
