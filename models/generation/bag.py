"""What a decoder says that predicts words without their order. Shapes: B codes, V vocabulary."""

import math

import torch
from torch import Tensor

from uncollapse.models.batch import BOS, EOS, PAD
from uncollapse.models.generation.codes import Codes
from uncollapse.models.text_vae import TextVAE


def likeliest(model: TextVAE, codes: Codes, count: int) -> Tensor:
    """The `count` likeliest words of each bag, likeliest first: (B, count), fewer where the vocabulary has fewer.

    They are no sentence: such a decoder models neither the order of the words nor where they end.
    """
    log_p = model.output.logits(model.decoder(codes.values)).log_softmax(-1)
    log_p = log_p.index_fill(1, torch.tensor([PAD, BOS, EOS], device=log_p.device), -math.inf)
    return log_p.topk(min(count, log_p.shape[1] - 3), 1).indices
