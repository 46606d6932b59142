"""What every latent must do. A new file in models/latents is picked up by being there."""

import importlib
import inspect
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.support.statistics import assert_mean
from uncollapse.models import latents
from uncollapse.models.variable import Variable

FEATURES, SIZE = 6, 4
FOLDER = Path(latents.__file__).parent
KINDS = sorted(path.stem for path in FOLDER.glob("*.py") if not path.stem.startswith("_"))
VARIANTS: dict[str, list[dict[str, object]]] = {
    "gaussian": [{"prior_scale": 0.3, "initial_scale": 0.2}],
    "vmf": [{"kappa": 2.0}],
    "planar_flow": [{"flows": 6}],
    "sparse_prior": [{"gamma": 0.5, "spike": 0.3}],
    "variational_sparse": [{"pseudo_sharpness": 1.0}],
    "spike_slab": [{"kl": "sample"}, {"slab_sees_gamma": True}, {"alpha": 0.5, "beta": 2.0, "temperature": 0.1}],
}
CASES = [(kind, settings) for kind in KINDS for settings in [{}, *VARIANTS.get(kind, [])]]
# The charged KL of these variables is an upper bound of the true one, as their files state.
UPPER_BOUNDS = {("spike_slab", "gamma"), ("spike_slab", "z"), ("variational_sparse", "z")}
# ... and of these the value at hand of log q - log p, which may be negative.
SAMPLED = {("spike_slab", "sample", "z"), ("sparse_prior", None, "z"), ("planar_flow", None, "z")}
# Parameters of the prior, which reach the loss through the KL and not through the decoder.
OF_THE_PRIOR = {"variational_sparse": ("selector", "pseudo_inputs"), "implicit": ("critic",)}
# Parameters that a rule's own loss moves.
TRAINED_APART = {"implicit": ("critic",), "autoregressive_bernoulli": ("predicted_loss",)}
# Latents whose draws carry no gradient: it comes through log q, by the rule that trains them.
DISCRETE = {"autoregressive_bernoulli"}

cases = pytest.mark.parametrize(("kind", "settings"), CASES)


def build(kind: str, settings: dict[str, object]) -> Any:
    module = importlib.import_module(f"uncollapse.models.latents.{kind}")
    classes = [item for name, item in vars(module).items() if inspect.isclass(item) and named(name, kind)]
    assert len(classes) == 1
    latent: type[Any] = classes[0]
    size = {"size": SIZE} if "size" in inspect.signature(latent).parameters else {}
    return latent(FEATURES, **{**size, **settings})


def named(name: str, kind: str) -> bool:
    return not name.startswith("_") and name.replace("_", "").lower() == kind.replace("_", "").lower()


def values(variables: dict[str, Variable]) -> dict[str, Tensor]:
    return {name: variable.value for name, variable in variables.items()}


@cases
@pytest.mark.parametrize("batch", [(5,), (5, 3), (2, 5, 3)])
def test_shapes(kind: str, settings: dict[str, object], batch: tuple[int, ...]) -> None:
    latent, h = build(kind, settings), torch.randn(*batch, FEATURES)
    variables = latent(h)
    for variable in variables.values():
        assert variable.value.shape[:-1] == batch
        assert variable.value.dtype == h.dtype
        for score in (variable.log_q, variable.log_p, variable.kl):
            assert score.shape == batch
            assert score.dtype == h.dtype
            assert score.isfinite().all()
    code, mean = latent.code(values(variables), h), latent.mean(h)
    assert code.shape == mean.shape == (*batch, latent.code_size)
    assert code.dtype == mean.dtype == h.dtype


@cases
def test_gradients_reach_every_parameter(kind: str, settings: dict[str, object]) -> None:
    latent, h = build(kind, settings), torch.randn(64, FEATURES)
    variables = latent(h)
    code = latent.code(values(variables), h)
    total = (code * torch.randn_like(code)).sum() + sum(variable.kl.sum() for variable in variables.values())
    if kind in DISCRETE:
        total = total + sum(variable.log_q.sum() for variable in variables.values())
    apart = TRAINED_APART.get(kind, ("none",))
    parameters = {name: one for name, one in latent.named_parameters() if not name.startswith(apart)}
    if not parameters:
        assert not variables
        return
    for name, gradient in zip(parameters, torch.autograd.grad(total, list(parameters.values())), strict=True):
        assert gradient.isfinite().all(), name
        assert (gradient != 0).all() or (kind in DISCRETE and (gradient != 0).any()), name


@cases
def test_the_decoder_alone_reaches_every_parameter(kind: str, settings: dict[str, object]) -> None:
    if kind in DISCRETE:
        pytest.skip("its draws carry no gradient")
    latent, h = build(kind, settings), torch.randn(256, FEATURES)
    code = latent.code(values(latent(h)), h)
    for name, parameter in latent.named_parameters():
        if name.startswith(OF_THE_PRIOR.get(kind, ("none",))):
            continue
        assert (
            torch.autograd.grad((code**2 @ torch.randn(latent.code_size)).sum(), parameter, retain_graph=True)[0] != 0
        ).any()


@cases
def test_kl_is_not_negative_and_equals_monte_carlo(kind: str, settings: dict[str, object]) -> None:
    latent = build(kind, settings)
    variables = latent(torch.randn(FEATURES).expand(60_000, FEATURES))
    for name, variable in variables.items():
        sampled = (kind, settings.get("kl"), name) in SAMPLED
        assert sampled or (variable.kl >= 0).all()
        excess = (variable.log_q - variable.log_p - variable.kl).double()
        if (kind, name) in UPPER_BOUNDS and not sampled:
            assert excess.mean() <= 4 * excess.std() / len(excess) ** 0.5
        else:
            assert_mean(excess, 0.0, rounding=1e-4)


@cases
def test_scoring_own_values_gives_what_drawing_gave(kind: str, settings: dict[str, object]) -> None:
    latent, h = build(kind, settings), torch.randn(7, 3, FEATURES)
    drawn = latent(h)
    replayed = latent(h, values(drawn))
    assert drawn.keys() == replayed.keys()
    for name in drawn:
        for field in ("value", "log_q", "log_p", "kl"):
            assert torch.equal(getattr(drawn[name], field), getattr(replayed[name], field)), (name, field)


@cases
def test_pairs_equal_the_double_loop(kind: str, settings: dict[str, object]) -> None:
    latent, h, others = build(kind, settings), torch.randn(5, FEATURES), torch.randn(4, FEATURES)
    given = values(latent(others))
    pairs = latent(h.unsqueeze(1), {name: value.unsqueeze(0) for name, value in given.items()})
    for name, variable in pairs.items():
        assert variable.value.shape == (5, 4, given[name].shape[-1])
        for i in range(5):
            for j in range(4):
                one = latent(h[i], {key: value[j] for key, value in given.items()})[name]
                for field in ("log_q", "log_p", "kl"):
                    assert torch.allclose(getattr(variable, field)[i, j], getattr(one, field), rtol=1e-4, atol=1e-4)


@cases
def test_many_draws_are_scored_under_one_batch(kind: str, settings: dict[str, object]) -> None:
    latent, h = build(kind, settings), torch.randn(3, FEATURES)
    drawn = latent(h.expand(8, 3, FEATURES))
    scored = latent(h, values(drawn))
    for name, variable in scored.items():
        assert torch.allclose(variable.log_q, drawn[name].log_q, rtol=1e-4, atol=1e-4)


@cases
def test_mean_is_that_of_the_code(kind: str, settings: dict[str, object]) -> None:
    latent, h = build(kind, settings), torch.randn(FEATURES)
    rows = h.expand(60_000, FEATURES)
    assert_mean(latent.code(values(latent(rows)), rows), latent.mean(h).double(), rounding=1e-4)


@cases
def test_state_makes_a_round_trip(kind: str, settings: dict[str, object]) -> None:
    first, second, h = build(kind, settings), build(kind, settings), torch.randn(9, FEATURES)
    second.load_state_dict(first.state_dict())
    assert torch.equal(first.mean(h), second.mean(h))
    torch.manual_seed(3)
    ours = first(h)
    torch.manual_seed(3)
    theirs = second(h)
    for name in ours:
        assert torch.equal(ours[name].value, theirs[name].value)
        assert torch.equal(ours[name].log_q, theirs[name].log_q)
        assert not torch.equal(ours[name].value, first(h)[name].value)


@cases
def test_prior_draws_score_finitely_under_both(kind: str, settings: dict[str, object]) -> None:
    latent = build(kind, settings)
    drawn = latent.prior_sample((50, 2))
    variables = latent(torch.randn(50, 2, FEATURES), drawn)
    assert drawn.keys() == variables.keys()
    for name, variable in variables.items():
        assert drawn[name].shape == variable.value.shape
        assert drawn[name].dtype == torch.float32
        assert variable.log_p.isfinite().all()
        assert variable.log_q.isfinite().all()


@cases
def test_the_prior_scores_its_own_draws_highest_on_average(kind: str, settings: dict[str, object]) -> None:
    latent = build(kind, settings)
    scored = latent(torch.randn(FEATURES), latent.prior_sample((20_000,)))
    for variable in scored.values():
        gain = (variable.log_p - variable.log_q).double()
        assert gain.mean() >= -4 * gain.std() / len(gain) ** 0.5


@cases
def test_modes_and_gradients_do_not_change_a_draw(kind: str, settings: dict[str, object]) -> None:
    latent, h = build(kind, settings), torch.randn(9, FEATURES)
    torch.manual_seed(5)
    trained = latent.train()(h)
    torch.manual_seed(5)
    with torch.inference_mode():
        evaluated = latent.eval()(h)
    assert all(torch.allclose(trained[name].value, evaluated[name].value, atol=1e-6) for name in trained)
