"""What a model can generate, and what it cannot and why."""

from collections.abc import Mapping

import torch

from uncollapse.models.batch import EOS, UNK, Batch
from uncollapse.models.text_vae import TextVAE

RECONSTRUCT, VARY, VARY_TOKEN, PRIOR, INTERPOLATE = TASKS = (
    "reconstruction",
    "variation",
    "variation of a token",
    "prior samples",
    "interpolation",
)


class CannotGenerate(ValueError):
    """A model is asked for what it cannot do; the sentence says why."""


def refuse(model: TextVAE, task: str) -> None:
    """Raise `CannotGenerate` where the model cannot do `task`, one of `TASKS`."""
    if (why := cannot(model).get(task)) is not None:
        raise CannotGenerate(f"{task}: {why}")


def cannot(model: TextVAE) -> Mapping[str, str]:
    """For each of `TASKS` that the model cannot do, the reason as half a sentence."""
    if model.decoder.predicts == "label":
        return dict.fromkeys(TASKS, "the model is a classifier, whose decoder predicts a class and says no words")
    if not model.latent.variables:
        return _without_latent(model)
    return _of_tokens(model) | _with_bag(model)


def hears_labels(model: TextVAE, classes: int) -> bool:
    """Whether the inputs show encoder or decoder the sentence's class, seen on one sentence with two classes.

    Args:
        model: in eval mode.
        classes: of the corpus.
    """
    if classes < 2:
        return False
    first, second = (_of_class(label, model.output.logits.weight.device) for label in (0, 1))
    parts = (model.inputs.for_encoder, model.inputs.for_decoder)
    return any(not torch.equal(part(first), part(second)) for part in parts)


def _of_class(label: int, device: torch.device) -> Batch:
    return Batch(torch.tensor([[UNK, EOS]]), torch.tensor([2]), torch.tensor([label])).to(device)


def _without_latent(model: TextVAE) -> dict[str, str]:
    if not _reads_features(model):
        why = "the model is a language model, in which no code stands for a sentence"
        return dict.fromkeys((RECONSTRUCT, VARY, VARY_TOKEN, INTERPOLATE), why)
    why = "the model is an autoencoder without a latent variable, with no distribution to draw codes from"
    return dict.fromkeys((VARY, VARY_TOKEN, PRIOR), why) | _with_bag(model)


def _reads_features(model: TextVAE) -> bool:
    """Whether codes without variables are features, and not the zeros of a language model."""
    like = model.output.logits.weight.new_ones(1, model.encoder.size)
    return not torch.equal(model.latent.code({}, like), model.latent.code({}, 2 * like))


def _of_tokens(model: TextVAE) -> dict[str, str]:
    if model.pool.at == "tokens":
        return {}
    return {VARY_TOKEN: "the model has one code for a whole sentence, so that no token has a latent to draw again"}


def _with_bag(model: TextVAE) -> dict[str, str]:
    if not model.inputs.shows_bag:
        return {}
    seen = "the decoder is shown the bag of the very words that it is to say"
    return {
        PRIOR: f"{seen}, and a code from the prior comes with none",
        INTERPOLATE: f"{seen}, and between two sentences there is none",
    }
