"""Trials until the search has met a setting within 1 % of the best, ours against random, on a table of real results.

    python -m tests.benchmarks.search [repetitions] [most trials]

The space is that of `record_table.py` with its numbers as intervals, as pages have them; a proposal trains as the recorded setting
that is nearest hyperparameter by hyperparameter. A trial is told the figure of one of the recorded seeds, and a setting is good by its mean over all.
"""

import math
import statistics
import sys
import warnings
from collections.abc import Callable
from typing import Any

import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, TPESampler

from tests.benchmarks.record_table import EVERY, SPACE, Setting, rows
from uncollapse.analysis.statistics.medians import median_ends
from uncollapse.study.stages import samplers
from uncollapse.study.storage.fingerprints import digest

optuna.logging.set_verbosity(optuna.logging.WARNING)
SEARCH = {
    "optimizer": {"lr": {"float": [0.002, 0.064], "log": True}},
    "latent": {"size": {"choice": list(SPACE["size"])}},
    "inputs": {"word_dropout": {"float": [0.0, 0.4]}},
    "objective": {
        "kl.z": {"one_of": {kind: {"value": {"float": [0.05, 1.0], "log": True}} for kind in SPACE["kind"]}},
    },
}
Make = Callable[[int, int], BaseSampler]  # repetition, trial -> sampler


def table() -> dict[Setting, list[float]]:
    """The figures of every setting, a seed each."""
    found: dict[Setting, list[float]] = {}
    for setting, _, figures in rows(EVERY):
        found.setdefault(setting, []).append(figures["nll_iw"])
    return found


def nearest(value: float, levels: tuple[float, ...], log: bool = False) -> float:
    scale = math.log if log else float
    return min(levels, key=lambda level: abs(scale(level) - scale(value)))


def recorded(drawn: dict[str, dict]) -> Setting:
    """The setting of the table that a proposal stands for."""
    schedule = drawn["objective"]["kl.z"]
    return Setting(
        nearest(drawn["optimizer"]["lr"], SPACE["lr"], log=True),
        drawn["latent"]["size"],
        nearest(drawn["inputs"]["word_dropout"], SPACE["dropout"]),
        schedule["kind"],
        nearest(schedule["value"], SPACE["value"], log=True),
    )


def trials_to_reach(good: float, known: dict[Setting, list[float]], make: Make, repetition: int, most: int) -> float:
    """Trials until one of them has a setting whose mean is at most `good`; infinity after so many without."""
    study = optuna.create_study()
    for number in range(most):
        study.sampler = make(repetition, number)
        setting = recorded(samplers.propose(trial := study.ask(), SEARCH))
        if statistics.mean(known[setting]) <= good:
            return number + 1
        study.tell(trial, known[setting][number % len(known[setting])])
    return math.inf


def warm(known: dict[Setting, list[float]], trials: int) -> Make:
    """Ours after a random study of so many trials, whose figures are those of the first seed."""
    earlier: dict[int, list[optuna.trial.FrozenTrial]] = {}

    def make(repetition: int, number: int) -> BaseSampler:
        if repetition not in earlier:
            before = optuna.create_study()
            for at in range(trials):
                before.sampler = samplers.sampler("random", 10_000 + repetition, "family", at)
                setting = recorded(samplers.propose(trial := before.ask(), SEARCH))
                before.tell(trial, known[setting][0])
            earlier[repetition] = before.trials
        return samplers.sampler("tpe", repetition, "family", number, earlier[repetition])

    return make


def ours(kind: str) -> Make:
    return lambda repetition, number: samplers.sampler(kind, repetition, "family", number)


def tpe(**options: Any) -> Make:
    """Optuna's sampler under other settings than ours, seeded in the same way."""

    def make(repetition: int, number: int) -> BaseSampler:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return TPESampler(seed=int(digest(repetition, "family", number), 16) % 2**32, **options)

    return make


SAMPLERS: dict[str, Make] = {
    "random": ours("random"),
    "ours": ours("tpe"),
    "optuna's defaults": tpe(),
    "hyperparameters one by one": tpe(multivariate=False, n_startup_trials=8),
    "4 at random first": tpe(group=True, n_startup_trials=4),
    "16 at random first": tpe(group=True, n_startup_trials=16),
}


def main(repetitions: int, most: int) -> None:
    known = table()
    best = min(map(statistics.mean, known.values()))
    good = 1.01 * best
    many = sum(statistics.mean(figures) <= good for figures in known.values())
    print(
        f"{len(known)} settings, best mean {best:.2f} nats, {many} within 1 %; {repetitions} repetitions, {most} trials"
    )
    for name, make in {**SAMPLERS, "ours, 40 known before": warm(known, 40)}.items():
        found = [trials_to_reach(good, known, make, repetition, most) for repetition in range(repetitions)]
        finite = [min(trials, most + 1) for trials in found]
        low, high = median_ends(finite)
        missed = sum(map(math.isinf, found))
        print(
            f"{name:22} median {statistics.median(finite):5.0f} trials, 95 % {low:.0f} to {high:.0f}, "
            f"{missed} of {repetitions} never",
            flush=True,
        )


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*given, *(50, 200)[len(given) :])
