"""What the analysis reads: stages, states, measures and their units, columns, a study's records. Light to import."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

SEARCH, REPLICATE = "search", "replicate"
STAGES = (SEARCH, REPLICATE)

FINISHED, STOPPED, DIVERGED, FAILED, DROPPED, RUNNING, MISSING = STATES = (
    "finished",
    "stopped",
    "diverged",
    "failed",
    "dropped",
    "running",
    "missing",
)
ENDED = (FINISHED, STOPPED, DIVERGED, FAILED, DROPPED)  # the last one never began: see its cause

OUT_OF_TIME = "the time of the search was over"  # cause of a trial that a budget of hours stopped

# Why a configuration is confirmed; one that is for several reasons has them joined by +.
BEST, KNEE, INFORMATIVE, FRONT, FURTHER, NEAREST, BASE, LIKELIHOOD = ROLES = (
    "best",
    "knee",
    "informative",
    "front",
    "further",
    "nearest",
    "base",
    "likelihood",
)

# Why a configuration is tried in a search: its page's own, stated by the study, or proposed.
START, SAMPLER = "start", "sampler"

# What a trial's likelihood is called, best first. Only the first two say the same thing of two models.
LIKELIHOODS = ("nll_exact", "nll_iw", "nll_exact_given_bag", "nll_iw_given_bag", "nll_label")
WITHOUT_LATENT = ("nll_exact", "nll_exact_given_bag", "nll_label")
DECISIVE = ("mi", "latent_gain")  # by which posterior collapse is judged
FALLBACKS = ("nll_exact", "nll_exact_given_bag", "nll_label", "nll_dual")

SWAPS = {
    "swap": "adjacent pairs of words are swapped",
    "swap_anywhere": "words are swapped with any of theirs, as the released code of Xu & Durrett (2018) means to",
}

MEASURES: Mapping[str, tuple[str, str]] = {
    "nll_exact": ("nats per sentence", "exact -log p(x); language models only"),
    "nll_label": ("nats per sentence", "-log p(class | sentence); classifiers only"),
    "accuracy": ("share", "sentences whose likeliest class is their own; classifiers only"),
    "nll_published": (
        "nats per sentence",
        "the paper's own figure where that is no bound of -log p(x); its page says how it is made",
    ),
    "nll_dual": ("nats per sentence", "reconstruction + kl_dual: no bound, since a dual estimate lies below the KL"),
    "kl_dual": ("nats per sentence", "the critic's dual estimate of the KL, at most the KL"),
    "nll_exact_given_bag": ("nats per sentence", "-log p(x | bag of x): the decoder sees the sentence's own words"),
    "nll_elbo_given_bag": ("nats per sentence", "one-sample bound of -log p(x | bag of x)"),
    "nll_iw_given_bag": ("nats per sentence", "importance-weighted bound of -log p(x | bag of x)"),
    "ppl_given_bag": ("per token", "exp of the NLL given the bag / words and EOS"),
    "nll_elbo": ("nats per sentence", "one-sample bound, every KL in full and under weight 1"),
    "nll_iw": ("nats per sentence", "importance-weighted bound with K samples"),
    "ppl": ("per token", "exp(sum of nll_iw, or nll_exact / words and EOS)"),
    "ppl_words": ("per word", "exp(sum of the same / words), EOS not counted, as some papers do"),
    "ppl_bos_words_eos": ("per symbol", "exp(sum of the same / words, BOS and EOS), as others do"),
    "reconstruction": ("nats per sentence", "-log p(x | one posterior sample)"),
    "kl": ("nats per sentence", "KL of all latent variables"),
    "kl_z": ("nats per sentence", "KL of z"),
    "kl_gamma": ("nats per sentence", "KL of gamma"),
    "mi": (
        "nats",
        "mutual information I_q(x; latents) over the set, at most log N; per token where every token has a code",
    ),
    "active_units": ("dimensions", "posterior means with variance above 0.01"),
    "mi_batch": (
        "nats",
        "mutual information within batches of 32, at most log 32 = 3.47; the batches of He et al. 2019 hold "
        "sentences of one length",
    ),
    **{f"active_units_at_{at}": ("dimensions", f"the same above {at}") for at in (0.001, 0.02, 0.1)},
    "active_units_on_sphere": ("dimensions", "codes of length one: posterior means with variance above 0.01 / size"),
    "latent_gain": ("nats per sentence", "log p(x | own code) - log p(x | another sentence's code)"),
    "hoyer_sample": ("0 to 1", "Average Hoyer of posterior samples"),
    "hoyer_mean": ("0 to 1", "Average Hoyer of posterior means"),
    "hoyer_sample_centred": ("0 to 1", "Average Hoyer of posterior samples, dimensions centred"),
    "hoyer_mean_centred": ("0 to 1", "Average Hoyer of posterior means, dimensions centred"),
    "dims_dropped": ("share", "dimensions left out of hoyer_sample because they do not vary"),
    "class_accuracy": (
        "share",
        "classes predicted from five posterior samples of a frozen code by a head of two layers of 32",
    ),
    "class_accuracy_low": ("share", "lower end of its 95 % Wilson interval over sentences"),
    "class_accuracy_high": ("share", "upper end of its 95 % Wilson interval over sentences"),
    "class_accuracy_posterior": ("share", "classes predicted from [mu, sigma^2] by three layers, as Long et al. 2019"),
    "class_majority": ("share", "sentences of the commonest class: what accuracy is without looking"),
    "class_separation": ("0 to 1/4", "variance between classes of the share of sentences with a component on"),
    "class_separation_chance": ("0 to 1/4", "the same for shuffled classes"),
    "nll_iw_shuffled": ("nats per sentence", "nll_iw when the encoder alone reads the words in random order"),
    "shuffle_cost": ("nats per sentence", "nll_iw_shuffled - nll_iw, with the same draws"),
    **{
        f"{move}_cosine_{share}": ("-1 to 1", f"cosine of the code's mean after {share} % of {what}")
        for move, what in SWAPS.items()
        for share in (10, 20, 30, 40, 50, 60)
    },
    "code_to_words": ("-1 to 1", "cosine of the words' mean embedding and its prediction from the code"),
    "code_to_words_control": ("-1 to 1", "the same learned from other sentences' words"),
    "words_to_code": ("-1 to 1", "cosine of the code and its prediction from the words' mean embedding"),
    "words_to_code_control": ("-1 to 1", "the same learned from other sentences' codes"),
    "random_pair_cosine": ("-1 to 1", "mean cosine of the vectors of two words of different sentences"),
    "self_similarity": ("-1 to 1", "mean cosine of the same word in different sentences"),
    "intra_sentence_similarity": ("-1 to 1", "mean cosine of a word with the mean of its sentence"),
    "cosine": ("-1 to 1", "mean cosine of the encoder features of two sentences"),
}

SPLIT_OF_STAGE = {"search": "subset", "replicate": "valid"}

TRIAL_COLUMNS = (
    "key",
    "family",
    "stage",
    "number",
    "configuration",
    "seed",
    "state",
    "cause",
    "audit",
    "epochs",
    "kept_epoch",
    "origin",
    "role",
    "reused_from",
    "seconds",
)
CURVE_COLUMNS = ("key", "epoch", "updates")

MEASURE_COLUMNS = tuple(
    name for name in MEASURES if not name.startswith("kl_")
)  # the KL of each variable is found in the tables


def with_fallbacks(measure: str) -> tuple[str, ...]:
    """A measure and, best first, those by which a model without it is compared."""
    return (measure, f"{measure}_given_bag", *FALLBACKS)


@dataclass(frozen=True)
class Records:
    """Everything recorded of one study, as plain tables.

    study: JSON-able facts. All keys are optional: name, created, code_version, packages, corpus {name, digest, facts},
        families (names in order), epochs, thresholds {mi, latent_gain, partial, version}, iw_samples_subset,
        iw_samples_valid, subset_sentences, valid_sentences, select ("subset/nll_iw"), resources, settings, commands,
        outside (components of other packages: slot, kind, fingerprint of their code),
        export_rule {limit, certainty, medians: [[measure, sign, bound]]} (see `comparison.export_rule`),
        budget (of hours: in `words`, the page's numbers under `asked`, those `chosen`, `used_hours` so far),
        damaged (a sentence for each thing that the ledger has lost),
        unconfirmed (why nothing is confirmed, by family; "" where nothing speaks against it).
    trials: one row per planned trial, missing ones included: `TRIAL_COLUMNS`, `param.<path>`, `<split>/<measure>`.
    curves: one row per trial and epoch: `CURVE_COLUMNS` and `<split>/<measure>`.
    texts: small texts that a trial left, by its key and the file's name.
    """

    study: Mapping[str, Any]
    trials: "pd.DataFrame"
    curves: "pd.DataFrame"
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
