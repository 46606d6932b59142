"""Codes between the codes of two sentences. Shapes: S tokens, C code, K codes, * further axes."""

import math

import torch
from torch import Tensor

from uncollapse.models.generation.abilities import CannotGenerate
from uncollapse.models.generation.codes import Codes

SMALLEST_ANGLE = 1e-4  # radians; below it an arc and its chord agree to a float's precision


def between(ends: Codes, steps: int, sphere: bool) -> Codes:
    """Codes at equal shares of the way between two sentences, both included: K = `steps` codes.

    On the sphere they lie on the shortest arc, elsewhere on a straight line (Bowman et al. 2016). With a code for every
    token the number of tokens goes from the first sentence's to the second's, rounded; EOS is mixed with EOS, and words
    with words where both sentences have one; beyond the shorter sentence the words' codes are the longer one's own
    (VAT, Table 3, pads the two to one length instead). A label is that of the nearer sentence.

    Args:
        ends: the codes of two sentences.
        steps: K, two or more.
        sphere: whether codes have length one.
    """
    assert len(ends) == 2, len(ends)
    assert steps >= 2, steps
    shares = torch.linspace(0, 1, steps, device=ends.values.device)
    labels = None if ends.labels is None else ends.labels[(shares > 0.5).long()]
    if ends.mask is None:
        return Codes(mixed(ends.values[0], ends.values[1], shares, sphere), labels=labels)
    first, second = (values[mask] for values, mask in zip(ends.values, ends.mask, strict=True))
    rows = [_tokens(first, second, share, sphere) for share in shares]
    values = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    lengths = torch.tensor([len(row) for row in rows], device=values.device)
    there = torch.arange(values.shape[1], device=values.device) < lengths.unsqueeze(1)
    return Codes(values, there, labels)


def mixed(first: Tensor, second: Tensor, shares: Tensor, sphere: bool) -> Tensor:
    """(K, *, C) between two (*, C), at shares (K,) of the way."""
    shares = shares.view(-1, *[1] * first.dim())
    return arc(first, second, shares) if sphere else torch.lerp(first, second, shares)


def arc(first: Tensor, second: Tensor, shares: Tensor) -> Tensor:
    """[sin((1 - t) w) a + sin(t w) b] / sin w for unit vectors a and b at angle w, t = `shares` broadcast.

    `CannotGenerate` for opposite vectors, between which every great circle is as short.
    """
    a, b = first.double(), second.double()
    angle = (a * b).sum(-1, keepdim=True).clamp(-1, 1).arccos()
    if (angle > math.pi - SMALLEST_ANGLE).any():
        raise CannotGenerate("interpolation: the codes are opposite points of a sphere, with no shortest arc between")
    wide = angle.clamp_min(SMALLEST_ANGLE)
    on_arc = (((1 - shares) * wide).sin() * a + (shares * wide).sin() * b) / wide.sin()
    return torch.where(angle < SMALLEST_ANGLE, torch.lerp(a, b, shares.double()), on_arc).to(first.dtype)


def _tokens(first: Tensor, second: Tensor, share: Tensor, sphere: bool) -> Tensor:
    """Codes (S, C) of all tokens at one share of the way between (S_1, C) and (S_2, C), EOS last in each."""
    shorter, longer = sorted((first, second), key=len)
    both = len(shorter) - 1
    count = round(len(first) + float(share) * (len(second) - len(first)))
    words = mixed(first[:both], second[:both], share.view(1), sphere)[0]
    end = mixed(first[-1:], second[-1:], share.view(1), sphere)[0]
    return torch.cat([words, longer[both : count - 1], end])
