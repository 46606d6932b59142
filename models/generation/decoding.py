"""How sentences are said of codes: one choice of search or sampling with its options. Shapes: B codes, T steps."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from uncollapse.models.generation.bag import likeliest
from uncollapse.models.generation.codes import Codes
from uncollapse.models.generation.sampling import sample
from uncollapse.models.generation.search import beam, greedy
from uncollapse.models.text_vae import TextVAE

Kind = Literal["greedy", "beam", "sample"]
CUT = "…"
BAG_WORDS = 10


@dataclass(frozen=True)
class Decoding:
    """A function from a model and codes to word ids (B, T); a decoder of bags always gives its likeliest words.

    Args:
        kind: greedy, beam or sample.
        longest: words of a sentence at most.
        width, normalise: of the beam.
        temperature, top_k, seed: of the sample.
    """

    kind: Kind = "greedy"
    longest: int = 30
    width: int = 5
    normalise: float = 0.0
    temperature: float = 1.0
    top_k: int | None = None
    seed: int = 0

    def __call__(self, model: TextVAE, codes: Codes) -> Tensor:
        """(B, T) words, EOS and padding; the sentence of a row without EOS was cut off."""
        if model.decoder.predicts == "bag":
            return likeliest(model, codes, BAG_WORDS)
        if self.kind == "beam":
            return beam(model, codes, self.longest, self.width, self.normalise)
        if self.kind == "sample":
            generator = torch.Generator().manual_seed(self.seed)
            return sample(model, codes, self.longest, generator, self.temperature, self.top_k)
        return greedy(model, codes, self.longest)

    def told(self, model: TextVAE) -> str:
        """What a reader has to know of what this says."""
        if model.decoder.predicts == "bag":
            return (
                f"the {BAG_WORDS} likeliest words, likeliest first: the decoder models neither their order nor an end"
            )
        return f"{self._method()}; {CUT} marks a sentence cut off after {self.longest} words"

    def _method(self) -> str:
        if self.kind == "beam":
            score = f"log p(x | code) / length^{self.normalise:g}" if self.normalise else "log p(x | code), any length"
            return f"beam search of width {self.width} by {score}"
        if self.kind == "sample":
            among = "" if self.top_k is None else f" among the {self.top_k} likeliest"
            return f"words drawn at temperature {self.temperature:g}{among}"
        return "greedy search"
