"""The next word's distribution, whatever decoder speaks. Shapes: B sentences, T steps, t words so far, V vocabulary."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import pad

from uncollapse.models.batch import BOS, EOS, PAD, Batch
from uncollapse.models.generation.codes import Codes
from uncollapse.models.measures.checks import NotFinite
from uncollapse.models.text_vae import TextVAE

NEVER_SAID = (PAD, BOS)  # no target is ever one of these, so whatever probability they keep is not used


def log_next(model: TextVAE, codes: Codes, said: Tensor) -> Tensor:
    """log p(w | said, code) of every next word: (B, V) in nats, -inf for PAD and BOS, which are never targets.

    The whole prefix runs through the decoder again at every step, which is the same for every kind of decoder.

    Args:
        model: in eval mode; its decoder predicts words.
        codes: B of them.
        said: (B, t) the words so far, EOS and padding where a sentence has ended.

    Raises:
        NotFinite: the model gives no finite scores.
    """
    steps = said.shape[1] + 1
    embedded = model.inputs.for_decoder(_batch(codes, said))[:, :steps]
    present = torch.ones(len(said), steps, dtype=torch.bool, device=said.device)
    masks = {} if codes.mask is None else {"code_mask": codes.mask}
    scores = model.output.logits(model.decoder(embedded, present, codes.values, **masks)[:, -1])
    if not scores.isfinite().all():
        raise NotFinite("A decoder must give finite scores of the next word; some are NaN or infinite.")
    return scores.log_softmax(-1).index_fill(1, torch.tensor(NEVER_SAID, device=said.device), -math.inf)


def _batch(codes: Codes, said: Tensor) -> Batch:
    """The prefix as a batch; its last target is not known yet, and no input shows it."""
    steps = said.shape[1] + 1
    if codes.source is None:
        unknown = said.new_full((len(said), 1), EOS)
        return Batch(torch.cat([said, unknown], 1), said.new_full((len(said),), steps), codes.labels)
    source = codes.source
    tokens = pad(source.tokens, (0, max(0, steps - source.tokens.shape[1])), value=PAD)
    return Heard(tokens, source.lengths, codes.labels, said)


@dataclass(frozen=True)
class Heard(Batch):
    """Source sentences of which the decoder hears other words than their own.

    Args:
        said: (B, t) the words it has said so far.
    """

    said: Tensor | None = None

    @property
    def previous(self) -> Tensor:
        """(B, T) BOS, the words so far, then padding."""
        assert self.said is not None, "a prefix, if only of no words"
        start = self.said.new_full((len(self.said), 1), BOS)
        heard = torch.cat([start, self.said], 1)
        return pad(heard, (0, self.tokens.shape[1] - heard.shape[1]), value=PAD)
