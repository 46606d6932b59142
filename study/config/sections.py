"""The sections of a study page: options, bounds, defaults and meanings. Free of heavy imports."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from uncollapse.models.configuration.bounds import Bound, Count, NonNegative, Positive, Rate, Several, Share, Size
from uncollapse.study.config import objectives
from uncollapse.study.validation.annotations import Help, Rule

Judge = Callable[[Any], str | None]
LEARN_NOTHING = ("random", "qmc", "grid")  # samplers


def _found(judge: Judge) -> Judge:
    """A judge whose sentences end with what was found."""
    return lambda value: None if (error := judge(value)) is None else f"{error}, found {value!r}"


def start_error(value: Any) -> str | None:
    """What is wrong with the form of `search.start`, as the rest of a sentence."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str | Mapping) for one in value):
        return "must be a list of exported files and of mappings {family: {component: {option: value}}}"
    return None


@dataclass(frozen=True)
class Search:
    """The search stage: equal trials per family, a sampler and early stopping per family."""

    trials: Annotated[Size, Help("trials of each family; `hours` chooses another number")] = 24
    hours: Annotated[
        Positive | None,
        Help(
            "wall-clock time of the whole study, report included: trials, epochs, configurations and seeds are then "
            "chosen from a short calibration, of the last three no more than the page says; the search goes on while "
            "there is time, and what was chosen stays when the study is run again"
        ),
    ] = None
    sampler: Annotated[
        Literal["cei", "gp", "tpe", "cmaes", "nsgaii", "random", "qmc", "grid"],
        Help(
            "what proposes: cei, constrained expected improvement, which models the bound and how far a code is from "
            "being used; gp, tpe, cmaes or nsgaii, Optuna's; random; qmc, which fills the space evenly; or grid, which "
            "crosses every `choice` and every `points` of a family's page (the last three learn nothing, so their "
            "proposals never depend on timing)"
        ),
    ] = "cei"
    start: Annotated[
        tuple[Any, ...],
        Rule("a list of exported files and of mappings {family: {component: {option: value}}}", _found(start_error)),
        Help(
            "configurations that are tried first, after the page's own: each an exported file, or components over a "
            "family's base; more may be added while the study is under way"
        ),
    ] = ()
    stop_early: Annotated[
        Literal["none", "asha"],
        Help(
            "what ends trials before `train.patience` does: none; or asha, which at a quarter and a half of a training "
            "stops what is in the worse half both by its bound and by its limits. Codes come to be used late, so that "
            "asha costs a search for living codes more than it saves; it suits language models and classifiers"
        ),
    ] = "none"
    select: Annotated[
        str | Sequence[str],
        Rule(
            "`valid/nll_iw` or `valid/nll_elbo`, or a list of it and of further measures",
            _found(objectives.select_error),
        ),
        Help(
            "the unit-weight bound of the validation subset by which trials are compared; in a list, further measures "
            "are each the higher the better: the search then looks for their Pareto front, from which is confirmed"
        ),
    ] = "valid/nll_iw"
    audit: Annotated[Share, Help("share of the trials that is never stopped early, to measure what stopping hides")] = (
        0.1
    )
    subject_to: Annotated[
        str | Mapping[str, str],
        Rule(
            'living, none, or a mapping from measures to limits, such as `{subset/mi: ">= 0.1"}`',
            _found(objectives.limits_error),
        ),
        Help(
            "what the search looks among: living, codes that are used (`mi` and `latent_gain` of the validation "
            f"subset at least {objectives.MARGIN:g} nats, a margin above the verdict's thresholds that is wide enough "
            "for another seed); none, by the bound alone, which walks into posterior collapse; or limits of one's "
            "own. Models without a code have no such limit"
        ),
    ] = objectives.LIVING
    warm_start: Annotated[
        tuple[str, ...],
        Help(
            "earlier studies, by name or folder, whose finished search trials the sampler learns from; they are no "
            "trials of this study"
        ),
    ] = ()
    reuse: Annotated[
        bool,
        Help(
            "whether a trial of either stage that another study under the same `runs` trained already (same family, "
            "configuration, seed, corpus, length, measures and code) is taken over instead of trained again"
        ),
    ] = False

    @property
    def bound(self) -> str:
        """By which a trial is compared where one figure has to be."""
        return objectives.objectives(self.select)[0]


@dataclass(frozen=True)
class Replicate:
    """The replicate stage: the best configurations of each family x the same confirmation seeds."""

    configurations: Annotated[
        Size,
        Help(
            "configurations of each family's search that are confirmed: the best bound, the knee of bound and use of "
            "the code, the most used code, then others spread over their Pareto front"
        ),
    ] = 3
    also: Annotated[
        tuple[Literal["base", "likelihood"], ...],
        Help(
            "what is confirmed besides: base, the family's page as it stands; likelihood, the search's best bound "
            "whatever its code does, so that the price of a code is a figure"
        ),
    ] = ("base",)
    seeds: Annotated[Size, Help("confirmation seeds, the same for every configuration")] = 10
    further: Annotated[
        Count,
        Help(
            "where nothing that is confirmed of a family can keep the export rule any more, so many further living "
            "configurations of its search are confirmed, one after another, the most used code first; not where "
            "configurations race, nor without limits"
        ),
    ] = 2
    racing: Annotated[
        Literal["none", "signs"],
        Help(
            "none gives every configuration every seed; signs gives no more seeds to one that can no longer be its "
            "family's best, by a sign test"
        ),
    ] = "none"


@dataclass(frozen=True)
class Train:
    """The length of every training of the study, and how its numbers are made."""

    epochs: Annotated[Size, Help("passes over the training split, at most")] = 30
    patience: Annotated[
        Count,
        Help(
            "epochs without a better bound (that of `search.select`, on the validation subset), once annealing has "
            "ended, after which a training ends; 0 for never"
        ),
    ] = 5
    keep: Annotated[
        Literal["best", "last"],
        Help(
            "whose weights are measured, probed, saved and exported: best, the epoch of the best bound among those "
            "that keep `search.subject_to` and come after annealing has ended; or last"
        ),
    ] = "best"
    batch_size: Annotated[Size, Help("sentences of an update")] = 32
    precision: Annotated[
        Literal["float32", "bfloat16"],
        Help(
            "of matrix products while training: float32, or bfloat16 (mixed: weights, sums and measures stay float32)"
        ),
    ] = "float32"
    deterministic: Annotated[bool, Help("GPU kernels that repeat their numbers; a CPU repeats them anyway")] = True


@dataclass(frozen=True)
class Evaluate:
    """What evaluations spend, and what else is asked of a confirmation run."""

    subset_sentences: Annotated[Several, Help("validation sentences that are measured after every epoch")] = 256
    subset_samples: Annotated[Size, Help("importance samples (K of `nll_iw`) for a sentence of that subset")] = 8
    subset_seed: Annotated[
        Count,
        Help(
            "draws that subset, half of the validation split at most; confirmation runs report on the sentences that "
            "are not in it, which no choice has seen"
        ),
    ] = 0
    full_samples: Annotated[Size, Help("importance samples for a sentence of a whole split")] = 64
    probes: Annotated[
        tuple[Literal["samples", "codes", "accuracy", "patterns", "order", "words", "isotropy"], ...],
        Help("what is asked once of every trained model of the replicate stage"),
    ] = ("samples", "codes")


@dataclass(frozen=True)
class Portion(Bound):
    """How much of a device one trial can ask for, of what Ray can hand out."""

    least: float = 0.0001  # Ray's smallest step

    def error(self, value: float) -> str | None:
        if (error := super().error(value)) is not None:
            return error
        return f"must be at least {self.least:g}" if 0 < value < self.least else None


@dataclass(frozen=True)
class OneGPU(Portion):
    """A GPU or a share of it: a trial trains on one, and what it reserved beyond that would lie idle."""

    def error(self, value: float) -> str | None:
        found = super().error(value)
        over = "(a trial trains on one GPU; more of them train more trials at once)"
        return f"{found} {over}" if found is not None and value > self.high else found


@dataclass(frozen=True)
class Resources:
    """What one trial occupies, and how long it may be silent."""

    cpus: Annotated[
        float,
        Portion(low=0.0, low_open=True, least=0.01),  # a hundred processes a CPU are enough
        Help("CPUs of one trial, 0.01 at least; the whole part is the number of threads"),
    ] = 1
    gpus: Annotated[
        float, OneGPU(low=0.0, high=1.0), Help("of one trial: 1, or a fraction of a GPU that trials share")
    ] = 0
    at_once: Annotated[
        Count,
        Help("trials at once, also where a cluster starts nodes when trials wait for them; 0 for as many as fit"),
    ] = 0
    epoch_seconds: Annotated[
        Positive, Help("seconds within which a trial reports again; one that does not hangs and is ended")
    ] = 3600
    weights_gb: Annotated[
        NonNegative, Help("gigabytes that the weights of confirmation runs may take on disk; 0 keeps none")
    ] = 10


@dataclass(frozen=True)
class Export:
    """The export rule: the lowest median bound among configurations that rarely collapse."""

    collapse_limit: Annotated[
        Share,
        Help(
            "the share of seeds that may collapse: among configurations of which it is sure enough that they stay "
            "below it, the one of lowest median `valid/nll_iw` is exported"
        ),
    ] = 0.5
    certainty: Annotated[
        Rate,
        Help(
            "how sure that has to be: the probability, under Jeffreys' posterior, that the collapse share is below "
            "`collapse_limit`. Three seeds without a collapse give 0.97 at a limit of 0.5; `plan` says how many seeds "
            "it takes"
        ),
    ] = 0.95


SECTIONS: Mapping[str, type] = {
    "search": Search,
    "replicate": Replicate,
    "train": Train,
    "evaluate": Evaluate,
    "resources": Resources,
    "export": Export,
}


def search_errors(page: Mapping[str, Any]) -> list[str]:
    """What does not go together; above all, what compares by one figure has no place where several are looked for."""
    search, replicate = Search(**page.get("search", {})), Replicate(**page.get("replicate", {}))
    found = _sampler_errors(search)
    if len(objectives.objectives(search.select)) == 1:
        return found
    constraint = "with several measures in search.select no trial is the better one by a single figure"
    faulty = {
        "search.stop_early": search.stop_early != "none",
        "replicate.racing": replicate.racing != "none",
    }
    return found + [f"{place}: {constraint}; say `none`" for place, error in faulty.items() if error]


def _sampler_errors(search: Search) -> list[str]:
    """What a sampler cannot do."""
    found = []
    if search.warm_start and search.sampler in LEARN_NOTHING:
        found.append(
            f"search.warm_start: {search.sampler} proposals learn from nothing; leave it out, or say sampler: cei"
        )
    if search.sampler == "cmaes" and len(objectives.objectives(search.select)) > 1:
        found.append(
            "search.sampler: cmaes compares by a single figure, and search.select has several; say nsgaii, cei, gp or "
            "tpe, or one measure"
        )
    return found
