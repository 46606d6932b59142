"""Every measure of one model on one set of sentences.

Shapes: B sentences of a batch, N sentences of the set, H features, C code, K importance samples.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from uncollapse.models.batch import Batch
from uncollapse.models.evaluation.encoding import measuring
from uncollapse.models.evaluation.forward_pass import Gathered, gather
from uncollapse.models.measures.activity import active_units_by_threshold, variance_on_sphere
from uncollapse.models.measures.geometry import pairwise_cosine
from uncollapse.models.measures.information import joint_log_q, mi_batch, mutual_information
from uncollapse.models.measures.likelihood import importance_weighted_nll, perplexities, perplexity
from uncollapse.models.measures.sparsity import average_hoyer
from uncollapse.models.text_vae import TextVAE

LARGEST_EXPONENT = 700.0
USUAL = 0.01  # variance of a posterior mean above which a unit counts as active (Burda et al. 2016)
UNITS = 10_000  # codes compared by the mutual information, whose cost is quadratic; the whole split below that


def evaluate(model: TextVAE, batches: Sequence[Batch], samples: int, seed: int) -> dict[str, float]:
    """Measure a model without training it.

    Args:
        model: on any device; its mode is restored.
        batches: the set, in an order that makes neighbours strangers; two sentences or more in each batch.
        samples: K of `nll_iw`.
        seed: of the posterior draws; the global generator is left as it was.

    Returns:
        Measures by name, in nats, averaged over sentences. With a code for every token, `mi`, `active_units`,
        the Hoyer measures and `cosine` are over tokens. Where the decoder is shown a bag of the sentence's own words
        no figure is a likelihood of the sentence, and the names end in `_given_bag`.
    """
    with measuring(model, seed):
        gathered = gather(model, batches, samples)
        found = _latent_measures(model, gathered) if model.latent.variables else _exact(model, gathered)
    return _named(found, model.inputs.shows_bag)


def _named(found: dict[str, float], shows_bag: bool) -> dict[str, float]:
    if not shows_bag:
        return found
    return {f"{name}_given_bag" if name.startswith(("nll", "ppl")) else name: value for name, value in found.items()}


def _exact(model: TextVAE, gathered: Gathered) -> dict[str, float]:
    nll = torch.cat(gathered.reconstruction)
    if model.decoder.predicts == "label":
        return {"nll_label": float(nll.mean()), "accuracy": float(torch.cat(gathered.correct).double().mean())}
    return {"nll_exact": float(nll.mean()), **_perplexity(nll, gathered)}


def _perplexity(nll: Tensor, gathered: Gathered) -> dict[str, float]:
    """Perplexities under every counting convention; `ppl` counts what is predicted: words and EOS, or a bag's words.

    All are left out beyond the range of a float: a bound may be that loose while its KL is not yet weighed.
    """
    total, sentences = float(nll.double().sum()), len(nll)
    if not total / max(gathered.words, 1) < LARGEST_EXPONENT:
        return {}
    habits = perplexities(total, sentences, gathered.words)
    others = {"ppl_words": habits["words"], "ppl_bos_words_eos": habits["words_bos_eos"]}
    return {"ppl": perplexity(total, gathered.targets), **(others if gathered.targets > gathered.words else {})}


def _latent_measures(model: TextVAE, gathered: Gathered) -> dict[str, float]:
    nll_iw = importance_weighted_nll(torch.cat(gathered.log_weights, dim=1))
    means = torch.cat(gathered.means)
    return {
        **_bound(model, gathered),
        "nll_iw": float(nll_iw.mean()),
        **_perplexity(nll_iw, gathered),
        "reconstruction": float(torch.cat(gathered.reconstruction).mean()),
        **_active(model, means),
        "latent_gain": float(torch.cat(gathered.gain).mean()),
        **_sparsity(torch.cat(gathered.codes), means),
        "cosine": pairwise_cosine(torch.cat(gathered.features)),
    }


def _bound(model: TextVAE, gathered: Gathered) -> dict[str, float]:
    """The one-sample bound with what it charges; a dual estimate of the KL makes no bound and is named for what it is.

    Without a density there is no mutual information either.
    """
    kl = {name: float(torch.cat(values).mean()) for name, values in gathered.kl.items()}
    total = float(torch.cat(gathered.bound).mean())
    published = {"nll_published": float(torch.cat(gathered.published).mean())} if gathered.published else {}
    if model.latent.kl_is_dual:
        return {"nll_dual": total, "kl_dual": sum(kl.values()), **published}
    by_variable = {f"kl_{name}": value for name, value in kl.items()}
    return {"nll_elbo": total, "kl": sum(kl.values()), **by_variable, **information(model, gathered), **published}


def information(model: TextVAE, gathered: Gathered) -> dict[str, float]:
    """Mutual information over the set, and as it is usually reported, within batches of 32."""
    values = {name: torch.cat(parts)[:UNITS] for name, parts in gathered.values.items()}
    features = torch.cat(gathered.features)[:UNITS]
    log_q = joint_log_q(model.latent, features, values)
    return {"mi": mutual_information(log_q, len(features)), "mi_batch": mi_batch(log_q, len(features))}


def _active(model: TextVAE, means: Tensor) -> dict[str, float]:
    """Active units at the usual threshold and at others; on a sphere also relative to the room that there is."""
    counts = active_units_by_threshold(means)
    found = {"active_units" if at == USUAL else f"active_units_at_{at:g}": float(n) for at, n in counts.items()}
    if model.latent.on_sphere:
        room = variance_on_sphere(means.shape[1])
        found["active_units_on_sphere"] = float(active_units_by_threshold(means, (USUAL,), room)[USUAL])
    return found


def _sparsity(samples: Tensor, means: Tensor) -> dict[str, float]:
    drawn = average_hoyer(samples, centred=False)
    return {
        "hoyer_sample": drawn.value,
        "hoyer_mean": average_hoyer(means, centred=False).value,
        "hoyer_sample_centred": average_hoyer(samples, centred=True).value,
        "hoyer_mean_centred": average_hoyer(means, centred=True).value,
        "dims_dropped": drawn.dims_dropped,
    }
