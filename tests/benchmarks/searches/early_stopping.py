"""What early stopping saves, and which trials it costs, on the recorded trainings of `record_living.py`.

    python -m tests.benchmarks.searches.early_stopping [repetitions]

The trainings of one seed arrive in a random order and are compared at the rungs with those that arrived before. Of each rule:
the share of epochs that are trained, of living trials that are not stopped, and of the best tenth of the living. A rule is
worth its epochs where it keeps a greater share of the best than it trains of the epochs.
"""

import math
import random
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from tests.benchmarks.searches.record_living import EPOCHS, SPACES, Row, annealed_by, rows
from uncollapse.analysis.schema import DECISIVE
from uncollapse.analysis.verdict_rule import DEFAULT
from uncollapse.study.config.objectives import LIVING, limits, standing
from uncollapse.study.stages import successive_halving

Place = tuple[float, float]  # what is broken of the limits, and the bound
Keeps = Callable[[Place, Sequence[Place]], bool]
KEPT = limits(LIVING)


class Rule(NamedTuple):
    """When trials are compared, and which stay."""

    rungs: Sequence[int]
    keeps: Keeps


def among(share: int, *, bound: bool) -> Keeps:
    """The first of so many parts, by the bound or by what is broken of the limits."""

    def keeps(place: Place, others: Sequence[Place]) -> bool:
        better = sum((other[1] < place[1]) if bound else (other < place) for other in others)
        return better < math.ceil((len(others) + 1) / share)

    return keeps


def either(share: int) -> Keeps:
    by_bound, by_limits = among(share, bound=True), among(share, bound=False)
    return lambda place, others: by_bound(place, others) or by_limits(place, others)


NINTHS = [math.ceil(EPOCHS / 9), math.ceil(EPOCHS / 3)]
OURS = "what `stop_early: asha` does"
RULES: Mapping[str, Rule] = {
    "never": Rule([], either(1)),
    "limits, best third, at a ninth and a third": Rule(NINTHS, among(3, bound=False)),
    "bound, best third, at a ninth and a third": Rule(NINTHS, among(3, bound=True)),
    "either, best third, at a ninth and a third": Rule(NINTHS, either(3)),
    "limits, best half, at a quarter and a half": Rule([4, 8], among(2, bound=False)),
    "bound, best half, at a quarter and a half": Rule([4, 8], among(2, bound=True)),
    OURS: Rule(successive_halving.rungs(EPOCHS), successive_halving.keeps_either),
}


def lives(row: Row) -> bool:
    return all(row.reported[name] >= getattr(DEFAULT, name) for name in DECISIVE)


class Outcome(NamedTuple):
    """Shares of what was recorded: of epochs trained, of living trials kept, of the best tenth of them kept."""

    epochs: float
    living: float
    best: float


def replay(recorded: Sequence[Row], rule: Rule, seed: int) -> Outcome:
    """The trainings in a random order under a rule."""
    order = random.Random(seed).sample(recorded, len(recorded))
    at_rung: dict[int, list[Place]] = {rung: [] for rung in rule.rungs}
    stopped = {id(row): rung for row in order if (rung := stopped_at(row, rule, at_rung))}
    trained = sum(stopped.get(id(row), len(row.curve["mi"])) for row in order)
    living = sorted(filter(lives, recorded), key=lambda row: row.reported["nll_iw"])
    best = living[: max(1, len(living) // 10)]
    kept = [sum(id(row) not in stopped for row in some) / len(some) for some in (living, best)]
    return Outcome(trained / sum(len(row.curve["mi"]) for row in order), *kept)


def stopped_at(row: Row, rule: Rule, at_rung: Mapping[int, list[Place]]) -> int | None:
    """The epoch at which a training is stopped; it is entered at every rung that it reaches once its annealing ended."""
    for rung in rule.rungs:
        if rung >= len(row.curve["mi"]):
            return None
        if rung < annealed_by(row.point) * EPOCHS:
            continue
        measures = {f"subset/{name}": curve[rung - 1] for name, curve in row.curve.items()}
        place = standing(measures, "nll_iw", KEPT)
        others = list(at_rung[rung])
        at_rung[rung].append(place)
        if not rule.keeps(place, others):
            return rung
    return None


def recovered(recorded: Sequence[Row], epoch: int) -> tuple[int, int]:
    """(collapsed after so many epochs, those of them that end alive)."""
    running = [row for row in recorded if len(row.curve["mi"]) > epoch]
    dead = [row for row in running if any(row.curve[name][epoch - 1] < getattr(DEFAULT, name) for name in DECISIVE)]
    return len(dead), sum(map(lives, dead))


def main(repetitions: int) -> None:
    for family in SPACES:
        recorded = [row for row in rows() if row.family == family and row.reported]
        alive = sum(map(lives, recorded))
        print(f"{family}: {len(recorded)} trainings, {alive} of them alive at their end")
        for epoch in (2, 4, 6, 8, 10, 12):
            dead, back = recovered(recorded, epoch)
            print(f"  after epoch {epoch:2}: {dead} collapsed, of which {back} end alive")
        for name, rule in RULES.items():
            of_seed = [[row for row in recorded if row.seed == seed] for seed in sorted({row.seed for row in recorded})]
            found = [replay(of_seed[number % len(of_seed)], rule, number) for number in range(repetitions)]
            epochs, living, best = (statistics.mean(column) for column in zip(*found, strict=True))
            print(f"  {name:44} epochs {epochs:4.0%}, living kept {living:4.0%}, best kept {best:4.0%}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60)
