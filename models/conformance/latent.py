"""What every latent must do. Shapes: * batch (B,) or (B, T); H features; C code size; N draws.

A latent says in its `latitude` what it does otherwise by design, such as a KL that is an upper bound.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from uncollapse.models.conformance.failure import demand, demand_mean
from uncollapse.models.latents._base import Latent
from uncollapse.models.variable import Variable

FEATURES = 6
SCORES = ("log_q", "log_p", "kl")
Make = Callable[[], Latent]


def values(variables: Mapping[str, Variable]) -> dict[str, Tensor]:
    """What the variables were drawn to be."""
    return {name: variable.value for name, variable in variables.items()}


def shapes_are_those_of_the_batch(make: Make) -> None:
    """Values, scores, code and mean have the batch shape and the type of the features, and are finite."""
    latent = make()
    for batch in ((5,), (5, 3), (2, 5, 3)):
        h = torch.randn(*batch, FEATURES)
        variables = latent(h)
        for name, variable in variables.items():
            _has_the_shape(name, variable, h)
        code, mean = latent.code(values(variables), h), latent.mean(h)
        for what, found in (("code", code), ("mean", mean)):
            expected = (*batch, latent.code_size)
            demand(found.shape == expected, f"{what} is {tuple(found.shape)} and must be {expected}, (*, code_size)")
            demand(found.dtype == h.dtype, f"{what} is {found.dtype} and the features are {h.dtype}")


def _has_the_shape(name: str, variable: Variable, h: Tensor) -> None:
    batch = h.shape[:-1]
    value = variable.value
    demand(value.shape[:-1] == batch, f"{name} is {tuple(value.shape)} and must be {tuple(batch)} and its components")
    demand(value.dtype == h.dtype, f"{name} is {value.dtype} and the features are {h.dtype}")
    for kind in SCORES:
        score = getattr(variable, kind)
        demand(score.shape == batch, f"{kind} of {name} is {tuple(score.shape)} and must be {tuple(batch)}")
        demand(score.dtype == h.dtype, f"{kind} of {name} is {score.dtype} and the features are {h.dtype}")
        demand(score.isfinite(), f"{kind} of {name} is not finite")


def variables_are_those_that_the_class_names(make: Make) -> None:
    """What is drawn is what the literal attribute `variables` says, parents first."""
    latent = make()
    found = tuple(latent(torch.randn(3, FEATURES)))
    demand(found == latent.variables, f"it draws {found} and its class says variables = {latent.variables}")


def gradients_reach_every_parameter(make: Make) -> None:
    """Code and KLs together move every parameter, by finite gradients."""
    latent, h = make(), torch.randn(64, FEATURES)
    variables = latent(h)
    code = latent.code(values(variables), h)
    total = (code * torch.randn_like(code)).sum() + sum(variable.kl.sum() for variable in variables.values())
    if latent.latitude.discrete:
        total = total + sum(variable.log_q.sum() for variable in variables.values())
    named = {name: one for name, one in latent.named_parameters() if not name.startswith(latent.latitude.apart)}
    if not named:
        demand(not variables, "it draws variables, and no parameter decides how")
        return
    gradients = torch.autograd.grad(total, list(named.values()), allow_unused=True)
    for name, gradient in zip(named, gradients, strict=True):
        demand(gradient is not None, f"no gradient of code and KLs reaches {name}")
        assert gradient is not None
        demand(gradient.isfinite(), f"the gradient of {name} is not finite")
        moved = (gradient != 0).any() if latent.latitude.discrete else (gradient != 0).all()
        demand(moved, f"no gradient of code and KLs reaches some of {name}")


def the_decoder_alone_reaches_every_parameter(make: Make) -> None:
    """The code passes gradients to every parameter that is not the prior's."""
    latent, h = make(), torch.randn(256, FEATURES)
    if latent.latitude.discrete:
        return
    code = latent.code(values(latent(h)), h)
    weighed = (code**2 @ torch.randn(latent.code_size)).sum()
    for name, parameter in latent.named_parameters():
        if name.startswith(latent.latitude.prior):
            continue
        (gradient,) = torch.autograd.grad(weighed, parameter, retain_graph=True, allow_unused=True)
        demand(gradient is not None and (gradient != 0).any(), f"no gradient of the code reaches {name}")


def kl_is_not_negative_and_equals_monte_carlo(make: Make) -> None:
    """The KL is that of the densities, within 4 standard errors of 60,000 draws, and nowhere negative."""
    latent = make()
    for name, variable in latent(torch.randn(FEATURES).expand(60_000, FEATURES)).items():
        if name not in latent.latitude.sampled:
            demand(variable.kl >= 0, f"the KL of {name} is negative")
        excess = (variable.log_q - variable.log_p - variable.kl).double()
        if name in latent.latitude.upper_bound:
            most = 4 * excess.std() / len(excess) ** 0.5
            demand(excess.mean() <= most, f"the KL of {name} is no upper bound of the mean of log q - log p")
        else:
            demand_mean(excess, 0.0, f"the KL of {name} is not the mean of log q - log p", rounding=1e-4)


def scoring_own_values_gives_what_drawing_gave(make: Make) -> None:
    """Given its own draws, the latent gives the same values and scores, bit for bit."""
    latent, h = make(), torch.randn(7, 3, FEATURES)
    drawn = latent(h)
    replayed = latent(h, values(drawn))
    demand(drawn.keys() == replayed.keys(), f"it draws {tuple(drawn)} and scores {tuple(replayed)}")
    for name in drawn:
        for field in ("value", *SCORES):
            same = torch.equal(getattr(drawn[name], field), getattr(replayed[name], field))
            demand(same, f"{field} of {name} is another where the drawn values are given back")


def pairs_equal_the_double_loop(make: Make) -> None:
    """Features (N, 1) with values (1, M) are scored as N times M single ones."""
    latent, h, others = make(), torch.randn(5, FEATURES), torch.randn(4, FEATURES)
    given = values(latent(others))
    pairs = latent(h.unsqueeze(1), {name: value.unsqueeze(0) for name, value in given.items()})
    for name, variable in pairs.items():
        shape = (5, 4, given[name].shape[-1])
        demand(variable.value.shape == shape, f"{name} of 5 x 4 pairs is not {shape}")
        for i in range(5):
            for j in range(4):
                one = latent(h[i], {key: value[j] for key, value in given.items()})[name]
                for field in SCORES:
                    pair, single = getattr(variable, field)[i, j], getattr(one, field)
                    alike = torch.allclose(pair, single, rtol=1e-4, atol=1e-4)
                    demand(alike, f"{field} of {name} is another for a pair than for its two sides alone")


def many_draws_are_scored_under_one_batch(make: Make) -> None:
    """K draws of a batch, (K, B), are scored under the features of the batch, (B,), as they were drawn."""
    latent, h = make(), torch.randn(3, FEATURES)
    drawn = latent(h.expand(8, 3, FEATURES))
    for name, variable in latent(h, values(drawn)).items():
        alike = torch.allclose(variable.log_q, drawn[name].log_q, rtol=1e-4, atol=1e-4)
        demand(alike, f"log_q of {name} is another where the features are not repeated")


def mean_is_that_of_the_code(make: Make) -> None:
    """`mean` is the mean of 60,000 codes, within 4 standard errors."""
    latent, h = make(), torch.randn(FEATURES)
    rows = h.expand(60_000, FEATURES)
    codes = latent.code(values(latent(rows)), rows)
    demand_mean(codes, latent.mean(h).double(), "`mean` is not the mean of the codes", rounding=1e-4)


def state_makes_a_round_trip(make: Make) -> None:
    """A state that is saved and loaded draws and scores the same; two draws differ."""
    first, second, h = make(), make(), torch.randn(9, FEATURES)
    second.load_state_dict(first.state_dict())
    demand(torch.equal(first.mean(h), second.mean(h)), "the mean is another after the state was loaded")
    torch.manual_seed(3)
    ours = first(h)
    torch.manual_seed(3)
    theirs = second(h)
    for name in ours:
        for field in ("value", "log_q"):
            same = torch.equal(getattr(ours[name], field), getattr(theirs[name], field))
            demand(same, f"{field} of {name} is another after the state was loaded")
        demand(not torch.equal(ours[name].value, first(h)[name].value), f"two draws of {name} are the same")


def prior_draws_score_finitely_under_both(make: Make) -> None:
    """Draws of the prior have the shape and type of the posterior's and are scored finitely by both."""
    latent = make()
    drawn = latent.prior_sample((50, 2))
    variables = latent(torch.randn(50, 2, FEATURES), drawn)
    demand(drawn.keys() == variables.keys(), f"the prior draws {tuple(drawn)} and the posterior {tuple(variables)}")
    for name, variable in variables.items():
        ours, theirs = drawn[name], variable.value
        demand(ours.shape == theirs.shape, f"{name} of the prior is {tuple(ours.shape)}")
        demand(ours.dtype == torch.float32, f"{name} of the prior is {ours.dtype} and must be float32")
        demand(variable.log_p.isfinite(), f"log_p of a prior draw of {name} is not finite")
        demand(variable.log_q.isfinite(), f"log_q of a prior draw of {name} is not finite")


def the_prior_scores_its_own_draws_highest_on_average(make: Make) -> None:
    """The mean of log p - log q over 20,000 draws of the prior is not negative, within 4 standard errors."""
    latent = make()
    for name, variable in latent(torch.randn(FEATURES), latent.prior_sample((20_000,))).items():
        gain = (variable.log_p - variable.log_q).double()
        least = -4 * gain.std() / len(gain) ** 0.5
        demand(gain.mean() >= least, f"the posterior scores the prior's own draws of {name} higher than the prior does")


def modes_and_gradients_do_not_change_a_draw(make: Make) -> None:
    """Training mode draws what evaluation without gradients draws."""
    latent, h = make(), torch.randn(9, FEATURES)
    torch.manual_seed(5)
    trained = latent.train()(h)
    torch.manual_seed(5)
    with torch.inference_mode():
        evaluated = latent.eval()(h)
    for name, variable in trained.items():
        alike = torch.allclose(variable.value, evaluated[name].value, atol=1e-6)
        demand(alike, f"a draw of {name} is another in evaluation than in training")


EVERY: tuple[Callable[[Make], None], ...] = (
    shapes_are_those_of_the_batch,
    variables_are_those_that_the_class_names,
    gradients_reach_every_parameter,
    the_decoder_alone_reaches_every_parameter,
    kl_is_not_negative_and_equals_monte_carlo,
    scoring_own_values_gives_what_drawing_gave,
    pairs_equal_the_double_loop,
    many_draws_are_scored_under_one_batch,
    mean_is_that_of_the_code,
    state_makes_a_round_trip,
    prior_draws_score_finitely_under_both,
    the_prior_scores_its_own_draws_highest_on_average,
    modes_and_gradients_do_not_change_a_draw,
)
