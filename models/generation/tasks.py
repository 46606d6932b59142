"""What a model is asked to say: reconstructions, variations, prior samples and what lies between two sentences.

Each puts the model into eval mode, needs no gradient, refuses what the model cannot do with `CannotGenerate`, and
leaves the global generator and the model's mode as they were. `decode` is a function of `models.generation.search`,
`.sampling` or `.bag` with its options bound. Shapes: B sentences, T steps, K draws or steps, N codes.
"""

from collections.abc import Callable

from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.evaluation.encoding import measuring
from uncollapse.models.generation import abilities, posterior
from uncollapse.models.generation.abilities import refuse
from uncollapse.models.generation.codes import Codes
from uncollapse.models.generation.interpolation import between
from uncollapse.models.text_vae import TextVAE

Decode = Callable[[TextVAE, Codes], Tensor]


def reconstruct(model: TextVAE, batch: Batch, decode: Decode, seed: int = 0) -> Tensor:
    """What is said of each sentence's posterior mean: (B, T)."""
    with measuring(model, seed):
        refuse(model, abilities.RECONSTRUCT)
        return decode(model, posterior.at_mean(model, batch))


def vary_sentence(model: TextVAE, batch: Batch, draws: int, decode: Decode, seed: int = 0) -> Tensor:
    """What is said of K posterior draws of each sentence (VAT, Table 1): (B, K, T)."""
    with measuring(model, seed):
        refuse(model, abilities.VARY)
        said = decode(model, posterior.drawn(model, batch, draws))
        return said.view(len(batch.tokens), draws, said.shape[1])


def vary_token(model: TextVAE, batch: Batch, position: int, draws: int, decode: Decode, seed: int = 0) -> Tensor:
    """What is said when the latent of one token is drawn and the others stay at their mean (VAT, Table 2): (K, T).

    Args:
        batch: one sentence.
        position: of the token, from 0; its EOS counts as its last.
    """
    with measuring(model, seed):
        refuse(model, abilities.VARY_TOKEN)
        tokens = int(batch.lengths[0])
        if not 0 <= position < tokens:
            raise ValueError(
                f"The token to vary is one of the {tokens} of the sentence, EOS the last; found {position}."
            )
        return decode(model, posterior.redrawn(model, batch, position, draws))


def from_prior(
    model: TextVAE,
    count: int,
    decode: Decode,
    seed: int = 0,
    lengths: Tensor | None = None,
    labels: Tensor | None = None,
) -> Tensor:
    """What is said of N codes from the prior: (N, T); arguments as `models.generation.posterior.from_prior`."""
    with measuring(model, seed):
        refuse(model, abilities.PRIOR)
        return decode(model, posterior.from_prior(model, count, lengths, labels))


def interpolate(model: TextVAE, batch: Batch, steps: int, decode: Decode, seed: int = 0) -> Tensor:
    """What is said on the way between the mean codes of two sentences, both included: (K, T); see `between`."""
    with measuring(model, seed):
        refuse(model, abilities.INTERPOLATE)
        sphere = posterior.on_sphere(model)
        return decode(model, between(posterior.at_mean(model, batch), steps, sphere))
