"""The sections of a study page: options, defaults, and what is wrong with what was given. Free of heavy imports."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, get_type_hints

from uncollapse.models.configuration import components
from uncollapse.models.configuration.bounds import Bound, Count, NonNegative, Positive, Several, Share, Size
from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.study.config import objectives


@dataclass(frozen=True)
class Search:
    """The search stage: equal trials per family, a sampler and early stopping per family.

    Args:
        trials: per family.
        sampler: tpe, or random (seeded by trial, so that its proposals never depend on timing).
        stop_early: asha, or none.
        select: the unit-weight bound of the validation subset by which trials are compared; or a list of it and further
            measures, each the higher the better: the search then looks for their front, from which is confirmed.
        warm_start: earlier studies, by name or folder, whose finished search trials the tpe sampler learns from; they
            are no trials of this study.
        subject_to: limits that measures of the validation subset have to keep, such as {subset/mi: ">= 0.1"}; whatever
            breaks one is neither confirmed nor, by its median on the whole split, exported.
        audit: share of the trials that is never stopped early, to measure what stopping hides.
    """

    trials: Size = 24
    sampler: Literal["tpe", "random"] = "tpe"
    stop_early: Literal["asha", "none"] = "asha"
    select: str | Sequence[str] = "valid/nll_iw"
    audit: Share = 0.1
    subject_to: Mapping[str, str] = field(default_factory=dict)
    warm_start: tuple[str, ...] = ()

    @property
    def bound(self) -> str:
        """What stands for a trial where one figure has to."""
        return objectives.objectives(self.select)[0]


@dataclass(frozen=True)
class Replicate:
    """The replicate stage: the best `configurations` of each family x the same confirmation `seeds`.

    Args:
        racing: none gives every configuration every seed; signs gives no more seeds to one that can no longer be its
            family's best, by the test of `study.stages.sign_test`.
    """

    configurations: Size = 3
    seeds: Size = 10
    racing: Literal["none", "signs"] = "none"


@dataclass(frozen=True)
class Train:
    """The length of every training of the study, and how its numbers are made.

    Args:
        epochs: passes over the training split.
        batch_size: sentences of an update.
        precision: of matrix products while training: float32, or bfloat16 (mixed: weights, sums and measures stay
            float32).
        deterministic: GPU kernels that repeat their numbers; a CPU repeats them anyway.
    """

    epochs: Size = 10
    batch_size: Size = 32
    precision: Literal["float32", "bfloat16"] = "float32"
    deterministic: bool = True


@dataclass(frozen=True)
class Evaluate:
    """What evaluations spend, see `study.training.training.Effort`, and what else is asked of a confirmation run.

    Args:
        probes: of `study.training.probes`, run once on the trained model.
    """

    subset_sentences: Several = 256
    subset_samples: Size = 8
    full_samples: Size = 64
    probes: tuple[Literal["samples", "codes", "accuracy", "patterns", "order", "words", "isotropy"], ...] = (
        "samples",
        "codes",
    )


@dataclass(frozen=True)
class Portion(Bound):
    """How much of a device one trial can ask for: of a GPU what Ray can hand out, and beyond the first only whole."""

    least: float = 0.0001  # Ray's smallest step
    whole: bool = False

    def error(self, value: float) -> str | None:
        if (error := super().error(value)) is not None:
            return error
        if 0 < value < self.least:
            return f"must be at least {self.least:g}"
        return "must be a whole number where it is more than 1" if self.whole and value > 1 and value % 1 else None


@dataclass(frozen=True)
class Resources:
    """What one trial occupies, and how long it may be silent.

    Args:
        cpus: of one trial; its whole part is the number of threads.
        gpus: of one trial; fractions are allowed.
        at_once: trials at once, also where a cluster starts nodes when trials wait for them; 0 for as many as fit.
        epoch_seconds: within which a trial reports again; one that does not hangs and is ended.
        weights_gb: that the weights of confirmation runs may take on disk; 0 keeps none.
    """

    cpus: Annotated[float, Portion(low=0.0, low_open=True, least=0.01)] = 1  # a hundred processes a CPU are enough
    gpus: Annotated[float, Portion(low=0.0, whole=True)] = 0
    at_once: Count = 0
    epoch_seconds: Positive = 3600
    weights_gb: NonNegative = 10


@dataclass(frozen=True)
class Export:
    """The export rule: lowest median `valid/nll_iw` among configurations whose upper collapse bound is at most this."""

    collapse_limit: Share = 0.5


SECTIONS: Mapping[str, type] = {
    "search": Search,
    "replicate": Replicate,
    "train": Train,
    "evaluate": Evaluate,
    "resources": Resources,
    "export": Export,
}
OWN_ERRORS: Mapping[tuple[str, str], Callable[[Any], str | None]] = {
    ("search", "subject_to"): objectives.limits_error,
    ("search", "select"): objectives.select_error,
}


def section_errors(name: str, kind: type, given: Any) -> list[str]:
    """Every error of one section of a page; `kind` is the dataclass that it becomes."""
    hints = get_type_hints(kind, include_extras=True)
    if not isinstance(given, Mapping):
        return [f"{name}: a mapping of {', '.join(hints)}, found {given!r}"]
    found = []
    for key, value in given.items():
        if key not in hints:
            found.append(f"{name}.{key}: {unknown(f'key of {name}', key, hints)}")
        elif (error := OWN_ERRORS.get((name, key), components.Option(key, hints[key], None).error)(value)) is not None:
            found.append(f"{name}.{key}: {error}, found {value!r}")
    return found


def search_errors(page: Mapping[str, Any]) -> list[str]:
    """What does not go together; above all, what compares by one figure has no place where several are looked for."""
    search, replicate = Search(**page.get("search", {})), Replicate(**page.get("replicate", {}))
    if search.warm_start and search.sampler == "random":
        return ["search.warm_start: random proposals learn from nothing; leave it out, or say sampler: tpe"]
    if len(objectives.objectives(search.select)) == 1:
        return []
    constraint = "with several measures in search.select no trial is the better one by a single figure"
    faulty = {
        "search.stop_early": search.stop_early != "none",
        "replicate.racing": replicate.racing != "none",
    }
    return [f"{place}: {constraint}; say `none`" for place, error in faulty.items() if error]
