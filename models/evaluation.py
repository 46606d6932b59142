"""Every measure of one model on one set of sentences.

Shapes: B sentences of a batch, N sentences of the set, T steps, H features, C code, K importance samples.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.batch import Batch
from models.measures.activity import active_units
from models.measures.geometry import pairwise_cosine
from models.measures.information import joint_log_q, mutual_information
from models.measures.likelihood import importance_weighted_nll, perplexity
from models.measures.sparsity import average_hoyer
from models.text_vae import Encoded, TextVAE

ROWS = 512  # sequences decoded at once by importance sampling
LARGEST_EXPONENT = 700.0
UNITS = 10_000  # codes compared by the mutual information, whose cost is quadratic; the whole split below that


@dataclass
class Gathered:
    """What one pass over the set leaves: a row a sentence, or a row a token where every token has a code."""

    bound: list[Tensor]
    reconstruction: list[Tensor]
    log_weights: list[Tensor]
    kl: dict[str, list[Tensor]]
    gain: list[Tensor]
    features: list[Tensor]
    values: dict[str, list[Tensor]]
    codes: list[Tensor]
    means: list[Tensor]
    tokens: int = 0


def evaluate(model: TextVAE, batches: Sequence[Batch], samples: int, seed: int) -> dict[str, float]:
    """Measure a model without training it.

    Args:
        model: on any device; its mode is restored.
        batches: the set, in an order that makes neighbours strangers; two sentences or more in each batch.
        samples: K of `nll_iw`.
        seed: of the posterior draws; the global generator is left as it was.

    Returns:
        Measures by name, in nats, averaged over sentences. With a code for every token, `mi`, `active_units`,
        the Hoyer measures and `cosine` are over tokens.
    """
    training = model.training
    model.eval()
    with torch.inference_mode(), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        gathered = _gather(model, batches, samples)
        exact = not model.latent.variables
        found = _exact(gathered) if exact else _latent_measures(model, gathered)
    model.train(training)
    return found


def _gather(model: TextVAE, batches: Sequence[Batch], samples: int) -> Gathered:
    kept = Gathered([], [], [], {}, [], [], {}, [], [])
    for batch in batches:
        encoded = model.encode(batch)
        variables = model.latent(encoded.pooled)
        code = model.latent.code(variables, encoded.pooled)
        log_likelihood = model.decode(batch, code)
        kept.reconstruction.append(-log_likelihood)
        kept.tokens += int(batch.lengths.sum())
        if not variables:
            continue
        kl = {name: model.per_sentence(batch, variable.kl) for name, variable in variables.items()}
        kept.bound.append(torch.stack([-log_likelihood, *kl.values()]).sum(0))
        kept.gain.append(log_likelihood - _with_another_code(model, batch, code))
        kept.log_weights.append(_log_weights(model, batch, encoded, samples))
        _extend(kept.kl, kl)
        _extend(kept.values, {name: _units(model, batch, variable.value) for name, variable in variables.items()})
        kept.features.append(_units(model, batch, encoded.pooled))
        kept.codes.append(_units(model, batch, code))
        kept.means.append(_units(model, batch, model.latent.mean(encoded.pooled)))
    return kept


def _extend(lists: dict[str, list[Tensor]], new: Mapping[str, Tensor]) -> None:
    for name, value in new.items():
        lists.setdefault(name, []).append(value)


def _units(model: TextVAE, batch: Batch, values: Tensor) -> Tensor:
    """(B, D), or the rows of (B, T, D) that are not padding."""
    return values[batch.mask] if model.pool.at == "tokens" else values


def _with_another_code(model: TextVAE, batch: Batch, code: Tensor) -> Tensor:
    """log p(x | code of the next sentence of the batch): (B,)."""
    assert len(code) > 1, "a sentence alone in its batch has no stranger to borrow from"
    mask = batch.mask.roll(1, 0) if model.pool.at == "tokens" else None
    return model.decode(batch, code.roll(1, 0), mask)


def _log_weights(model: TextVAE, batch: Batch, encoded: Encoded, samples: int) -> Tensor:
    """(K, B), in chunks that fit."""
    chunk = max(1, ROWS // len(batch.tokens))
    return torch.cat([model.log_weights(batch, encoded, count) for count in _chunks(samples, chunk)])


def _chunks(total: int, size: int) -> Iterator[int]:
    for start in range(0, total, size):
        yield min(size, total - start)


def _exact(gathered: Gathered) -> dict[str, float]:
    nll = torch.cat(gathered.reconstruction)
    return {"nll_exact": float(nll.mean()), **_perplexity(float(nll.double().sum()), gathered.tokens)}


def _perplexity(total: float, tokens: int) -> dict[str, float]:
    """`ppl`, left out beyond the range of a float: a bound may be that loose while its KL is not yet weighed."""
    return {"ppl": perplexity(total, tokens)} if total / tokens < LARGEST_EXPONENT else {}


def _latent_measures(model: TextVAE, gathered: Gathered) -> dict[str, float]:
    nll_iw = importance_weighted_nll(torch.cat(gathered.log_weights, dim=1))
    kl = {name: float(torch.cat(values).mean()) for name, values in gathered.kl.items()}
    means = torch.cat(gathered.means)
    return {
        "nll_elbo": float(torch.cat(gathered.bound).mean()),
        "nll_iw": float(nll_iw.mean()),
        **_perplexity(float(nll_iw.double().sum()), gathered.tokens),
        "reconstruction": float(torch.cat(gathered.reconstruction).mean()),
        "kl": sum(kl.values()),
        **{f"kl_{name}": value for name, value in kl.items()},
        "mi": _information(model, gathered),
        "active_units": float(active_units(means)),
        "latent_gain": float(torch.cat(gathered.gain).mean()),
        **_sparsity(torch.cat(gathered.codes), means),
        "cosine": pairwise_cosine(torch.cat(gathered.features)),
    }


def _information(model: TextVAE, gathered: Gathered) -> float:
    values = {name: torch.cat(parts)[:UNITS] for name, parts in gathered.values.items()}
    features = torch.cat(gathered.features)[:UNITS]
    return mutual_information(joint_log_q(model.latent, features, values), len(features))


def _sparsity(samples: Tensor, means: Tensor) -> dict[str, float]:
    drawn = average_hoyer(samples, centred=False)
    return {
        "hoyer_sample": drawn.value,
        "hoyer_mean": average_hoyer(means, centred=False).value,
        "hoyer_sample_centred": average_hoyer(samples, centred=True).value,
        "hoyer_mean_centred": average_hoyer(means, centred=True).value,
        "dims_dropped": drawn.dims_dropped,
    }
