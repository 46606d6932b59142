"""What every kind of inputs must do. Shapes: B sentences, T steps."""

from collections.abc import Callable
from typing import Any

from uncollapse.models.batch import Batch
from uncollapse.models.conformance.failure import demand, demand_close, untouched
from uncollapse.models.conformance.small import VOCABULARY, batch

Make = Callable[[], Any]


def what_is_read_has_the_size_that_it_says(make: Make) -> None:
    """Encoder and decoder read (B, T, encoder_size) and (B, T, decoder_size)."""
    inputs, words = make().eval(), batch([3, 7, 5])
    for side in ("encoder", "decoder"):
        expected = (3, 7, getattr(inputs, f"{side}_size"))
        found = tuple(getattr(inputs, f"for_{side}")(words).shape)
        demand(found == expected, f"what the {side} reads is {found} and must be {expected}, by its size")


def gradients_reach_every_parameter(make: Make) -> None:
    """What both sides read passes gradients to all parameters."""
    inputs, words = make().eval(), batch([3, 7, 5])
    (inputs.for_encoder(words).sum() + inputs.for_decoder(words).sum()).backward()
    still = untouched((name, value.grad) for name, value in inputs.named_parameters() if value.requires_grad)
    demand(not still, f"no gradient reaches {', '.join(still)}")


def the_decoder_never_reads_the_word_it_predicts(make: Make) -> None:
    """Another word at a step changes nothing that the decoder reads up to that step."""
    inputs, words = make().eval(), batch([3, 7, 5])
    if inputs.shows_bag:
        return  # the decoder is shown all words by design, and its figures say so
    before = inputs.for_decoder(words)
    for step in range(7):
        tokens = words.tokens.clone()
        tokens[:, step:] = VOCABULARY - 1
        after = inputs.for_decoder(Batch(tokens, words.lengths, words.labels))
        sentence = f"at step {step} the decoder reads the word that it is to predict"
        demand_close(after[:, : step + 1], before[:, : step + 1], sentence)


EVERY: tuple[Callable[[Make], None], ...] = (
    what_is_read_has_the_size_that_it_says,
    gradients_reach_every_parameter,
    the_decoder_never_reads_the_word_it_predicts,
)
