"""What every encoder must do. Shapes: B sentences, T steps, E embedding, H features."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from uncollapse.models.batch import Batch
from uncollapse.models.conformance.failure import demand, demand_close, untouched
from uncollapse.models.conformance.small import VOCABULARY, batch

EMBEDDING = 5
Make = Callable[[], nn.Module]


def entering(encoder: nn.Module, words: Batch) -> Tensor:
    """What the encoder reads of sentences: random embeddings (B, T, E), or the words (B, T) where it embeds them."""
    if encoder.reads_tokens:
        return words.tokens
    table = torch.randn(VOCABULARY, EMBEDDING, generator=torch.Generator().manual_seed(0))
    return table[words.tokens]


def features_have_the_size_that_it_says(make: Make) -> None:
    """(B, T, E) becomes (B, T, size)."""
    words, encoder = batch([3, 7, 5]), make().eval()
    found = encoder(entering(encoder, words), words.mask).shape
    demand(
        found == (3, 7, encoder.size), f"features are {tuple(found)} and must be (3, 7, {encoder.size}), by its size"
    )


def gradients_reach_every_parameter_and_every_word(make: Make) -> None:
    """Features of the steps pass gradients to all parameters, and to the embedding of each word."""
    words, encoder = batch([3, 7, 5]), make().eval()
    read = entering(encoder, words)
    read = read if encoder.reads_tokens else read.requires_grad_()
    features = encoder(read, words.mask)
    if not encoder.size:
        demand(not list(encoder.parameters()), "it has parameters and no features")
        return
    (features * torch.randn_like(features))[words.mask].sum().backward()
    still = untouched((name, value.grad) for name, value in encoder.named_parameters() if value.requires_grad)
    demand(not still, f"no gradient reaches {', '.join(still)}")
    if read.grad is not None:
        demand(read.grad[words.words].abs().sum(-1) > 0, "no gradient reaches some words")


def a_sentence_in_a_batch_has_the_features_it_has_alone(make: Make) -> None:
    """Neither other sentences nor their padding change a sentence's features."""
    words, encoder = batch([3, 7, 1, 5]), make().eval()
    read = entering(encoder, words)
    together = encoder(read, words.mask)
    for row, length in enumerate(words.lengths):
        alone = encoder(read[row : row + 1, :length], words.mask[row : row + 1, :length])
        demand_close(together[row, :length], alone[0], "a sentence has other features alone than in a batch")


def what_stands_in_the_padding_does_not_matter(make: Make) -> None:
    """Other values after the end of a sentence leave its features as they are."""
    words, encoder = batch([3, 7, 5]), make().eval()
    read, there = entering(encoder, words), words.mask
    mask = there if encoder.reads_tokens else there.unsqueeze(-1)
    other = torch.where(mask, read, torch.full_like(read, 9))
    before, after = encoder(read, there)[there], encoder(other, there)[there]
    demand_close(before, after, "features change with what stands in the padding")


EVERY: tuple[Callable[[Make], None], ...] = (
    features_have_the_size_that_it_says,
    gradients_reach_every_parameter_and_every_word,
    a_sentence_in_a_batch_has_the_features_it_has_alone,
    what_stands_in_the_padding_does_not_matter,
)
