"""What every decoder must do. Shapes: B sentences, T steps, E embedding, C code.

A decoder of words reads (embedded, mask, code); one that predicts a bag or a label reads the code alone.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from uncollapse.models.conformance.failure import demand, demand_close, untouched
from uncollapse.models.conformance.small import batch

EMBEDDING, CODE = 5, 4
LENGTHS = [3, 7, 5]
Make = Callable[[], nn.Module]


def words_and_code() -> tuple[Tensor, Tensor, Tensor]:
    """Embedded words (B, T, E), where there are any (B, T), and a code a sentence (B, C)."""
    words = batch(LENGTHS)
    return torch.randn(3, 7, EMBEDDING), words.mask, torch.randn(3, CODE)


def states_have_the_size_that_it_says(make: Make) -> None:
    """(B, T, E) and a code become (B, T, size); a code alone becomes (B, size)."""
    decoder = make().eval()
    embedded, mask, code = words_and_code()
    if decoder.predicts == "words":
        found, expected = tuple(decoder(embedded, mask, code).shape), f"(3, 7, {decoder.size})"
    else:
        found, expected = tuple(decoder(code).shape), f"(3, {decoder.size})"
    demand(str(found) == expected, f"what it gives is {found} and must be {expected}, by its size")


def no_step_sees_a_later_word(make: Make) -> None:
    """Another word at a step changes no state before that step."""
    decoder = make().eval()
    if decoder.predicts != "words":
        return
    embedded, mask, code = words_and_code()
    before = decoder(embedded, mask, code)
    for step in range(7):
        other = embedded.clone()
        other[:, step] += 1.0
        after = decoder(other, mask, code)
        demand_close(
            after[:, :step], before[:, :step], f"a state before step {step} sees the word of step {step}", atol=1e-6
        )
        moved = (after[:, step] - before[:, step]).abs().sum(-1)
        demand(moved > 1e-5, f"the state of step {step} does not see the word of step {step}")


def padding_changes_nothing(make: Make) -> None:
    """More padding leaves the states of words as they are."""
    decoder = make().eval()
    if decoder.predicts != "words":
        return
    embedded, mask, code = words_and_code()
    longer = torch.cat([embedded, torch.randn(3, 2, EMBEDDING)], 1)
    there = torch.cat([mask, torch.zeros(3, 2, dtype=torch.bool)], 1)
    short, long = decoder(embedded, mask, code), decoder(longer, there, code)
    demand_close(long[:, :7][mask], short[mask], "states change with padding")


def gradients_reach_every_parameter(make: Make) -> None:
    """States pass gradients to all parameters."""
    decoder = make().eval()
    embedded, mask, _ = words_and_code()
    if decoder.predicts == "words":
        attends = any(isinstance(module, nn.MultiheadAttention) for module in decoder.modules())
        code = torch.randn(3, 7, CODE) if attends else torch.randn(3, CODE)  # of one code attention cannot choose
        hidden = decoder(embedded, mask, code)[mask]
    else:
        hidden = decoder(torch.randn(64, CODE))
    if not list(decoder.parameters()):
        return
    (hidden * torch.randn_like(hidden)).sum().backward()
    still = untouched((name, value.grad) for name, value in decoder.named_parameters())
    demand(not still, f"no gradient reaches {', '.join(still)}")


EVERY: tuple[Callable[[Make], None], ...] = (
    states_have_the_size_that_it_says,
    no_step_sees_a_later_word,
    padding_changes_nothing,
    gradients_reach_every_parameter,
)
