"""What every page's model must do on any text: made sentences, generated ones and real ones."""

import copy
import math
from typing import Any

import torch
from torch import Tensor

from tests.support import models
from uncollapse.models.batch import Batch
from uncollapse.models.configuration import components
from uncollapse.models.objective import Objective
from uncollapse.models.text_vae import Encoded, TextVAE
from uncollapse.models.updates._base import Update
from uncollapse.models.variable import Variable

UPDATES = 50


def gradients_reach_every_parameter(name: str, model: TextVAE, words: Batch) -> None:
    update = _update(name, model.eval())
    update.loss(words, model.trace(words)).backward()
    still = {key for key, value in model.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0}
    assert still <= _idle(name, model)


def _idle(name: str, model: TextVAE) -> set[str]:
    """Parameters that no gradient of the main loss can reach, each for a reason."""
    if not model.latent.variables:
        return {"decoder.to_state.weight"}  # it multiplies a code of zeros
    frozen = {key for key, value in model.named_parameters() if not value.requires_grad}
    return frozen | {key for key, _ in model.named_parameters() if key.startswith(models.IDLE.get(name, ("none",)))}


def fifty_updates_of_its_own_optimizer_lower_its_loss(name: str, model: TextVAE, words: Batch) -> None:
    update = _update(name, model)

    def loss() -> float:
        torch.manual_seed(0)
        model.eval()
        with torch.no_grad():
            return sum(update.objective(model.trace(words), UPDATES).item() for _ in range(8)) / 8

    before = loss()
    model.train()
    assert all(math.isfinite(update(words)[0]) for _ in range(UPDATES))
    assert loss() < before


def padding_changes_nothing_down_to_the_importance_weights(name: str, model: TextVAE, words: Batch) -> None:
    model.eval()
    for columns in (1, 5):
        longer = models.padded(words, columns)
        short, long = model.encode(words), model.encode(longer)
        variables, h = _drawn(model, short, 3)
        over_tokens = model.pool.at == "tokens"
        values = {
            key: models.lengthened(variable.value, columns) if over_tokens else variable.value
            for key, variable in variables.items()
        }
        again = model.latent(long.pooled.expand(3, *long.pooled.shape), given=values)
        weights = model.weigh(words, variables, model.code(variables, h))
        weights_long = model.weigh(longer, again, model.code(again, long.pooled.expand(3, *long.pooled.shape)))
        torch.testing.assert_close(weights_long, weights, atol=1e-3, rtol=1e-4)
        for key, variable in variables.items():
            charged, charged_long = model.per_sentence(words, variable.kl), model.per_sentence(longer, again[key].kl)
            torch.testing.assert_close(charged_long, charged, atol=1e-3, rtol=1e-4)


def _drawn(model: TextVAE, encoded: Encoded, samples: int) -> tuple[dict[str, Variable], Tensor]:
    h = encoded.pooled.expand(samples, *encoded.pooled.shape)
    return model.latent(h), h


def the_average_kl_over_steps_knows_no_padding(name: str, model: TextVAE, words: Batch) -> None:
    model.eval()
    short, long = model.trace(words).kl_mean, model.trace(models.padded(words, 4)).kl_mean
    assert short.keys() == long.keys()
    for key in short:
        torch.testing.assert_close(long[key], short[key], atol=1e-4, rtol=1e-4)


def values_that_are_given_are_scored_as_when_they_were_drawn(name: str, model: TextVAE, words: Batch) -> None:
    variables, h = _drawn(model.eval(), model.encode(words), 3)
    again = model.latent(h, given={key: variable.value for key, variable in variables.items()})
    drawn, given = (model.weigh(words, found, model.code(found, h)) for found in (variables, again))
    torch.testing.assert_close(given, drawn, atol=1e-4, rtol=1e-4)


def no_target_is_predicted_from_itself_or_from_what_follows(name: str, model: TextVAE, words: Batch) -> None:
    if model.decoder.predicts != "words" or model.inputs.shows_bag:
        return  # there is no order, or the decoder is shown all words by design and its figures say so
    model.eval()
    words = models.batch([8, 8])
    pooled = model.encode(words).pooled
    code = model.code(model.latent(pooled), pooled)

    def up_to(tokens: Tensor, count: int) -> Tensor:
        """log p of the first `count` targets under one fixed code."""
        masks = {"code_mask": words.mask} if code.dim() == 3 else {}
        return model.decode(Batch(tokens, torch.full((2,), count), words.labels), code, **masks)

    for step in range(1, 8):
        other = words.tokens.clone()
        other[:, step:] = torch.where(other[:, step:] == 9, 10, 9)
        torch.testing.assert_close(up_to(other, step), up_to(words.tokens, step))
        next_one = [up_to(tokens, step + 1) - up_to(tokens, step) for tokens in (words.tokens, other)]
        assert (next_one[0] != next_one[1]).all()


def a_state_dict_restores_the_model_and_its_optimizer(name: str, model: TextVAE, words: Batch) -> None:
    model.eval()  # dropout draws would differ between the two
    twin = copy.deepcopy(model)
    update, again = _update(name, model), _update(name, twin)
    for _ in range(3):
        update(words)
    twin.load_state_dict(copy.deepcopy(model.state_dict()))
    again.optimization.load_state_dict(copy.deepcopy(update.optimization.state_dict()))
    again.load_state_dict(copy.deepcopy(update.state_dict()))
    losses = []
    for one in (update, again):
        torch.manual_seed(0)
        losses.append([one(words) for _ in range(3)])
    assert losses[0] == losses[1]
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), twin.parameters(), strict=True))


def _update(name: str, model: TextVAE) -> Update:
    complete: dict[str, Any] = models.configuration(name)
    optimization = components.build("optimizer", complete["optimizer"], model, UPDATES)
    objective = Objective(complete["objective"], UPDATES)
    update: Update = components.build("updates", complete["updates"], model, objective, optimization)
    return update


EVERY = (
    gradients_reach_every_parameter,
    fifty_updates_of_its_own_optimizer_lower_its_loss,
    padding_changes_nothing_down_to_the_importance_weights,
    the_average_kl_over_steps_knows_no_padding,
    values_that_are_given_are_scored_as_when_they_were_drawn,
    no_target_is_predicted_from_itself_or_from_what_follows,
    a_state_dict_restores_the_model_and_its_optimizer,
)
