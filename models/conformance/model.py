"""What every whole model must do on any text, with the objective, optimizer and update rule of its configuration.

Shapes: B sentences, T steps, C code.
"""

import copy
import math
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.configuration import components
from uncollapse.models.conformance.failure import Result, demand, demand_close, failure, name_of, untouched
from uncollapse.models.conformance.small import CORPUS_INFO, batch, lengthened, padded
from uncollapse.models.objective import Objective
from uncollapse.models.text_vae import Encoded, TextVAE
from uncollapse.models.updates._base import Update
from uncollapse.models.variable import Variable

UPDATES = 50
LENGTHS = [3, 8, 5, 1]
Configuration = Mapping[str, Any]
Check = Callable[[Configuration, TextVAE, Batch], None]


def update_of(configuration: Configuration, model: TextVAE) -> Update:
    """The update rule of a resolved configuration, over a model."""
    optimization = components.build("optimizer", configuration["optimizer"], model, UPDATES)
    objective = Objective(configuration["objective"], UPDATES)
    update: Update = components.build("updates", configuration["updates"], model, objective, optimization)
    return update


def gradients_reach_every_parameter(configuration: Configuration, model: TextVAE, words: Batch) -> None:
    """The loss of a batch passes gradients to every parameter that it is meant to move."""
    update = update_of(configuration, model.eval())
    update.loss(words, model.trace(words)).backward()
    still = set(untouched((name, value.grad) for name, value in model.named_parameters())) - _idle(model)
    demand(not still, f"no gradient of the loss reaches {', '.join(sorted(still))}")


def _idle(model: TextVAE) -> set[str]:
    """Parameters that no gradient of the main loss can reach, each for a reason."""
    if not model.latent.variables:
        return {"decoder.to_state.weight"}  # it multiplies a code of zeros
    frozen = {key for key, value in model.named_parameters() if not value.requires_grad}
    apart = tuple(f"latent.{name}" for name in model.latent.latitude.apart)
    return frozen | {key for key, _ in model.named_parameters() if key.startswith(apart)}


def fifty_updates_of_its_own_optimizer_lower_its_loss(
    configuration: Configuration, model: TextVAE, words: Batch
) -> None:
    """Fifty updates on one batch keep the loss finite and lower it."""
    update = update_of(configuration, model)

    def loss() -> float:
        torch.manual_seed(0)
        model.eval()
        with torch.no_grad():
            return sum(update.objective(model.trace(words), UPDATES).item() for _ in range(8)) / 8

    before = loss()
    model.train()
    losses = [update(words)[0] for _ in range(UPDATES)]
    demand(all(map(math.isfinite, losses)), "a loss of the first fifty updates is not finite")
    after = loss()
    demand(after < before, f"fifty updates on one batch leave the loss at {after:.4g}, from {before:.4g}")


def padding_changes_nothing_down_to_the_importance_weights(
    configuration: Configuration, model: TextVAE, words: Batch
) -> None:
    """More padding changes neither the weights of given draws nor what their KL costs."""
    model.eval()
    for columns in (1, 5):
        longer = padded(words, columns)
        short, long = model.encode(words), model.encode(longer)
        variables, h = _drawn(model, short, 3)
        over_tokens = model.pool.at == "tokens"
        values = {
            key: lengthened(variable.value, columns) if over_tokens else variable.value
            for key, variable in variables.items()
        }
        far = long.pooled.expand(3, *long.pooled.shape)
        again = model.latent(far, given=values)
        weights = model.weigh(words, variables, model.code(variables, h))
        weights_long = model.weigh(longer, again, model.code(again, far))
        demand_close(weights_long, weights, "importance weights change with padding", atol=1e-3, rtol=1e-4)
        for key, variable in variables.items():
            charged, charged_long = model.per_sentence(words, variable.kl), model.per_sentence(longer, again[key].kl)
            demand_close(charged_long, charged, f"the KL of {key} changes with padding", atol=1e-3, rtol=1e-4)


def _drawn(model: TextVAE, encoded: Encoded, samples: int) -> tuple[dict[str, Variable], Tensor]:
    h = encoded.pooled.expand(samples, *encoded.pooled.shape)
    return model.latent(h), h


def the_average_kl_over_steps_knows_no_padding(configuration: Configuration, model: TextVAE, words: Batch) -> None:
    """More padding leaves the KL averaged over steps as it is, where every step has a posterior."""
    model.eval()
    short, long = model.trace(words).kl_mean, model.trace(padded(words, 4)).kl_mean
    demand(short.keys() == long.keys(), "the terms averaged over steps change with padding")
    for key in short:
        demand_close(long[key], short[key], f"the average KL of {key} changes with padding", atol=1e-4, rtol=1e-4)


def values_that_are_given_are_scored_as_when_they_were_drawn(
    configuration: Configuration, model: TextVAE, words: Batch
) -> None:
    """Given its own draws, the model weighs them as before."""
    variables, h = _drawn(model.eval(), model.encode(words), 3)
    again = model.latent(h, given={key: variable.value for key, variable in variables.items()})
    drawn, given = (model.weigh(words, found, model.code(found, h)) for found in (variables, again))
    demand_close(given, drawn, "draws that are given back are weighed otherwise", atol=1e-4, rtol=1e-4)


def no_target_is_predicted_from_itself_or_from_what_follows(
    configuration: Configuration, model: TextVAE, words: Batch
) -> None:
    """Under one fixed code, later words change no earlier prediction, and the next word changes its own."""
    if model.decoder.predicts != "words" or model.inputs.shows_bag:
        return  # there is no order, or the decoder is shown all words by design and its figures say so
    model.eval()
    words = batch([8, 8])
    pooled = model.encode(words).pooled
    code = model.code(model.latent(pooled), pooled)

    def up_to(tokens: Tensor, count: int) -> Tensor:
        """log p of the first `count` targets under one fixed code."""
        masks = {"code_mask": words.mask} if code.dim() == 3 else {}
        return model.decode(Batch(tokens, torch.full((2,), count), words.labels), code, **masks)

    for step in range(1, 8):
        other = words.tokens.clone()
        other[:, step:] = torch.where(other[:, step:] == 9, 10, 9)
        earlier = up_to(other, step), up_to(words.tokens, step)
        demand_close(*earlier, f"what follows step {step} changes what is predicted before it")
        next_one = [up_to(tokens, step + 1) - up_to(tokens, step) for tokens in (words.tokens, other)]
        demand(next_one[0] != next_one[1], f"the word after step {step} does not change its own probability")


def a_state_dict_restores_the_model_and_its_optimizer(
    configuration: Configuration, model: TextVAE, words: Batch
) -> None:
    """Model, optimizer and update rule go on from a saved state as if never saved, bit for bit."""
    model.eval()  # dropout draws would differ between the two
    twin = copy.deepcopy(model)
    update, again = update_of(configuration, model), update_of(configuration, twin)
    for _ in range(3):
        update(words)
    twin.load_state_dict(copy.deepcopy(model.state_dict()))
    again.optimization.load_state_dict(copy.deepcopy(update.optimization.state_dict()))
    again.load_state_dict(copy.deepcopy(update.state_dict()))
    losses = []
    for one in (update, again):
        torch.manual_seed(0)
        losses.append([one(words) for _ in range(3)])
    demand(losses[0] == losses[1], "losses are others after the state was saved and loaded")
    for (name, one_), other in zip(model.named_parameters(), twin.parameters(), strict=True):
        demand(torch.equal(one_, other), f"{name} is another after the state was saved and loaded")


EVERY: tuple[Check, ...] = (
    gradients_reach_every_parameter,
    fifty_updates_of_its_own_optimizer_lower_its_loss,
    padding_changes_nothing_down_to_the_importance_weights,
    the_average_kl_over_steps_knows_no_padding,
    values_that_are_given_are_scored_as_when_they_were_drawn,
    no_target_is_predicted_from_itself_or_from_what_follows,
    a_state_dict_restores_the_model_and_its_optimizer,
)


def results(configuration: Configuration) -> Iterator[Result]:
    """Every check of the model of a resolved configuration, each on a model of its own.

    Raises:
        ValueError: a component that cannot be built here.
    """
    torch.manual_seed(0)
    built = [TextVAE(configuration, CORPUS_INFO) for _ in EVERY]
    bound = (partial(check, configuration, model, batch(LENGTHS)) for check, model in zip(EVERY, built, strict=True))
    return (Result(name_of(check.func), failure(check)) for check in bound)
