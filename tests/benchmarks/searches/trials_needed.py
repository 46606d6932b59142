"""Trials, and seconds of training, until a search has met a configuration near the best living one, on real trainings.

    python -m tests.benchmarks.searches.trials_needed [repetitions] [most trials]

The trainings are those of `record_living.py`. A space has the table's numbers as intervals, as pages have them, and a
proposal trains as the recorded configuration that is nearest, hyperparameter by hyperparameter; one that is known already
costs nothing and is told again. A trial is told what one of the recorded seeds reached on the sentences that choose. A
configuration is good if on the sentences that report no seed of it collapsed and its mean bound lies within 1 % of the
best of those.
"""

import math
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import optuna
from optuna.trial import TrialState

from tests.benchmarks.searches.early_stopping import OURS, RULES, Place, Rule, stopped_at
from tests.benchmarks.searches.record_living import SPACES, Row, named, rows
from uncollapse.analysis.schema import DECISIVE
from uncollapse.analysis.statistics.medians import median_ends
from uncollapse.analysis.verdict_rule import DEFAULT
from uncollapse.study.config.objectives import LIVING, NONE, Limit, excesses, limits
from uncollapse.study.stages.sampling.proposal import propose
from uncollapse.study.stages.sampling.samplers import Proposal, sampler

optuna.logging.set_verbosity(optuna.logging.ERROR)
LR = {"float": [0.0018, 0.08], "log": True}
SEARCH: Mapping[str, Mapping[str, Any]] = {
    "seqvae": {
        "optimizer": {"lr": LR},
        "latent": {"size": {"choice": [4, 16]}},
        "inputs": {"word_dropout": {"float": [0.0, 0.4]}},
        "objective": {
            "kl.z": {
                "one_of": {kind: {"value": {"float": [0.02, 1.0], "log": True}} for kind in ("constant", "linear")}
            }
        },
    },
    "vmf": {
        "optimizer": {"lr": LR},
        "latent": {"size": {"choice": [5, 10, 25]}, "kappa": {"float": [3.5, 226.0], "log": True}},
        "decoder": {"dropout": {"float": [0.0, 0.4]}},
    },
}


class Way(NamedTuple):
    """How to search: what proposes, among what, and how trials are stopped early."""

    sampler: str
    subject_to: str
    stopping: Rule = RULES["never"]


WAYS = {
    "cei, living": Way("cei", LIVING),
    "cei, living, asha": Way("cei", LIVING, RULES[OURS]),
    "tpe, living": Way("tpe", LIVING),
    "tpe, bound alone": Way("tpe", NONE),
    "random": Way("random", NONE),
    "qmc": Way("qmc", NONE),
}
DOUBLES = 1000  # proposals in a row that are known already, after which a search has nothing more to say


class Table:
    """The recorded trainings of a family."""

    def __init__(self, family: str) -> None:
        self.space, self.search = SPACES[family], SEARCH[family]
        self.seeds: dict[str, list[Row]] = {}
        for row in rows():
            if row.family == family:
                self.seeds.setdefault(named(row.point), []).append(row)
        living = {name: self.mean(name) for name in self.seeds if self.lives(name)}
        self.best = min(living.values())
        self.living, self.good = len(living), {name for name, mean in living.items() if mean <= 1.01 * self.best}

    def mean(self, name: str) -> float:
        return statistics.mean(row.reported.get("nll_iw", math.inf) for row in self.seeds[name])

    def lives(self, name: str) -> bool:
        """Whether no seed of a configuration collapsed or diverged."""
        measures = [row.reported for row in self.seeds[name]]
        return all(one and all(one[name] >= getattr(DEFAULT, name) for name in DECISIVE) for one in measures)

    def nearest(self, drawn: Mapping[str, Any]) -> str:
        """The recorded configuration that a proposal trains as."""
        given = flat(drawn)
        return named({name: nearest(levels, given[name]) for name, levels in self.space.levels.items()})


def nearest(levels: tuple[Any, ...], value: Any) -> Any:
    """The level next to a number, by factors where there is no zero among them."""
    if not isinstance(value, float):
        return value
    scale: Callable[[float], float] = math.log if min(levels) > 0 else float
    return min(levels, key=lambda level: abs(scale(level) - scale(value)))


def flat(drawn: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Settings by dotted name."""
    found: dict[str, Any] = {}
    for key, value in drawn.items():
        found |= flat(value, f"{before}{key}.") if isinstance(value, Mapping) else {f"{before}{key}": value}
    return found


class Reached(NamedTuple):
    """How long a search took; infinite where it never got there."""

    trials: float
    epochs: float
    seconds: float


NEVER = Reached(math.inf, math.inf, math.inf)


class Spent:
    """What a search has trained so far."""

    def __init__(self) -> None:
        self.ended: dict[str, int | None] = {}  # where each configuration was stopped, in the order of their trials
        self.epochs, self.seconds, self.doubles = 0, 0.0, 0

    def train(self, name: str, row: Row, stopped: int | None) -> None:
        epochs = stopped or len(row.curve["mi"])
        self.ended[name], self.doubles = stopped, 0
        self.epochs += epochs
        self.seconds += row.seconds * epochs / len(row.curve["mi"])


def reach(table: Table, way: Way, repetition: int, most: int) -> Reached:
    """Search until a good configuration is met, and trained to its end."""
    study, kept, spent = optuna.create_study(), limits(way.subject_to), Spent()
    at_rung: dict[int, list[Place]] = {rung: [] for rung in way.stopping.rungs}
    rows_of: dict[str, Row] = {}
    while len(spent.ended) < most and spent.doubles < DOUBLES:
        trial = study.ask()
        study.sampler = sampler(
            way.sampler, Proposal(repetition, table.space.family, trial.number, table.search, study)
        )
        name = table.nearest(propose(trial, table.search))
        if name in spent.ended:
            spent.doubles += 1
        else:
            rows_of[name] = table.seeds[name][len(spent.ended) % len(table.seeds[name])]
            spent.train(name, rows_of[name], stopped_at(rows_of[name], way.stopping, at_rung))
            if name in table.good and not spent.ended[name]:
                return Reached(len(spent.ended), spent.epochs, spent.seconds)
        tell(study, trial, rows_of[name], spent.ended[name], kept)
    return NEVER


def tell(study: optuna.Study, trial: optuna.Trial, row: Row, stopped: int | None, kept: Sequence[Limit]) -> None:
    """Tell the sampler what a study would: the measures of the epoch that counts, the last one where it was stopped."""
    epoch = stopped or row.kept_epoch
    measures = {f"subset/{measure}": curve[epoch - 1] for measure, curve in row.curve.items()}
    for limit, excess in excesses(measures, kept).items():
        trial.set_constraint(limit, excess)
    if stopped:
        trial.report(measures["subset/nll_iw"], stopped)
        study.tell(trial, state=TrialState.PRUNED)
    else:
        study.tell(trial, measures["subset/nll_iw"])


def main(repetitions: int, most: int) -> None:
    for family in SPACES:
        table = Table(family)
        print(
            f"{family}: {len(table.seeds)} configurations, {table.living} of them living, the best at {table.best:.2f} nats, "
            f"{len(table.good)} good; {repetitions} repetitions of at most {most} trials"
        )
        for name, way in WAYS.items():
            found = [reach(table, way, repetition, most) for repetition in range(repetitions)]
            print(f"  {name:18} {line(found, most)}", flush=True)


def line(found: list[Reached], most: int) -> str:
    """Medians with intervals; a search that never got there counts as longer than all."""
    trials = [min(one.trials, most + 1) for one in found]
    low, high = median_ends(trials)
    epochs, seconds = (statistics.median(column) for column in list(zip(*found, strict=True))[1:])
    missed = sum(math.isinf(one.trials) for one in found)
    return (
        f"median {statistics.median(trials):5.0f} trials, 95 % {low:.0f} to {high:.0f}, {epochs:5.0f} epochs, {seconds:6.0f} s of training, "
        f"{missed} of {len(found)} never"
    )


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*given, *(100, 200)[len(given) :])
