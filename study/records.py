"""What is recorded of a trial, and the names, units and meanings of its measures. Free of heavy imports."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
ENDED = (FINISHED, STOPPED, DIVERGED, FAILED, DROPPED)  # the last one never began: a race gave up its configuration

# What a trial's likelihood is called, best first. Only the first two say the same thing of two models.
LIKELIHOODS = ("nll_exact", "nll_iw", "nll_exact_given_bag", "nll_iw_given_bag", "nll_label")
WITHOUT_LATENT = ("nll_exact", "nll_exact_given_bag", "nll_label")
STAND_INS = ("nll_exact", "nll_exact_given_bag", "nll_label", "nll_dual")

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
    "mi_batch": ("nats", "mutual information within batches of 32, as He et al. 2019 report it: at most log 32 = 3.47"),
    **{f"active_units_at_{at}": ("dimensions", f"the same above {at}") for at in (0.001, 0.02, 0.1)},
    "active_units_on_sphere": ("dimensions", "codes of length one: posterior means with variance above 0.01 / size"),
    "latent_gain": ("nats per sentence", "log p(x | own code) - log p(x | another sentence's code)"),
    "hoyer_sample": ("0 to 1", "Average Hoyer of posterior samples"),
    "hoyer_mean": ("0 to 1", "Average Hoyer of posterior means"),
    "hoyer_sample_centred": ("0 to 1", "Average Hoyer of posterior samples, dimensions centred"),
    "hoyer_mean_centred": ("0 to 1", "Average Hoyer of posterior means, dimensions centred"),
    "dims_dropped": ("share", "dimensions left out of hoyer_sample because they do not vary"),
    "class_accuracy": ("share", "classes told from five draws of a frozen code by a head of two layers of 32"),
    "class_accuracy_low": ("share", "lower end of its 95 % Wilson interval over sentences"),
    "class_accuracy_high": ("share", "upper end of its 95 % Wilson interval over sentences"),
    "class_accuracy_posterior": ("share", "classes told from [mu, sigma^2] by three layers, as Long et al. 2019"),
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


@dataclass(frozen=True)
class TrialRecord:
    """Everything recorded of one trial.

    Args:
        key: of its resolved configuration, seed, corpus, length and code: identical trials share it.
        family, stage, number: its place in the study.
        configuration: hash of the resolved configuration, the same for every seed.
        seed: a tuning seed (search) or a confirmation seed (replicate).
        audit: never stopped early.
        settings: the resolved configuration.
        params: the searched knobs by dotted name.
        state, cause: see `STATES`; the cause of a divergence, a failure or a drop, else "".
        epochs: a record an epoch: raw values by name, and `time`, when it was recorded.
        final: measures on the full validation split, replicate only.
        artifacts: small texts by file name, such as generated sentences; replicate only.
        device: on which it trained last: `cpu` or the GPU's name; "" where that is not known.
        started, ended: seconds since the epoch; 0.0 where it has not happened.
    """

    key: str
    family: str
    stage: str
    number: int
    configuration: str
    seed: int
    audit: bool
    settings: Mapping[str, Any]
    params: Mapping[str, Any]
    state: str
    cause: str
    epochs: tuple[Mapping[str, float], ...]
    final: Mapping[str, float]
    started: float
    ended: float
    artifacts: Mapping[str, str] = field(default_factory=dict)
    device: str = ""

    @property
    def seconds(self) -> float:
        """Seconds of training and measuring, waiting not counted."""
        return sum(epoch["cost/seconds"] for epoch in self.epochs)

    @property
    def measures(self) -> dict[str, float]:
        """The last value of every measure: of the last epoch, and on the full split if there is one."""
        last = {name: value for name, value in (self.epochs[-1] if self.epochs else {}).items() if "/" in name}
        return {**last, **self.final}


def selection(record: TrialRecord, select: str) -> float | None:
    """The value by which trials are compared: `select` on the validation subset, or what stands for it."""
    return selected(record.measures, select)


def selected(measures: Mapping[str, float], select: str) -> float | None:
    """`select` on the validation subset, or the one figure of its kind that a model without it has."""
    name = selected_name(measures, select)
    return None if name is None else measures[f"subset/{name}"]


def selected_name(measures: Mapping[str, float], select: str) -> str | None:
    """The name of what `selected` returns."""
    name = select.removeprefix("valid/")
    names = (name, f"{name}_given_bag", *STAND_INS)
    return next((one for one in names if f"subset/{one}" in measures), None)
