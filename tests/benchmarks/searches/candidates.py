"""How many configurations of a search have to be confirmed until one is alive on every seed, on recorded trainings.

    python -m tests.benchmarks.searches.candidates [repetitions] [trials]

The trainings are those of `record_living.py`, searched as `trials_needed.py` does. After so many trials the living ones are
put into the order in which a study confirms them; counted are the searches in which one of the first so many is alive on
each of the three recorded seeds. Beside it the order of `replicate.further`: the most used code first.
"""

import statistics
import sys
from collections.abc import Sequence

import optuna

from tests.benchmarks.searches.record_living import SPACES, Row
from tests.benchmarks.searches.trials_needed import DOUBLES, Table, tell
from uncollapse.study.config.objectives import LIVING, MARGIN, limits
from uncollapse.study.stages.choice import by_use_of_code
from uncollapse.study.stages.sampling.proposal import propose
from uncollapse.study.stages.sampling.samplers import Proposal, sampler

CONFIRMED = (1, 2, 3, 4)


def searched(table: Table, repetition: int, trials: int) -> dict[str, Row]:
    """The configurations that a search met, each with the training that it saw."""
    study, kept, found = optuna.create_study(), limits(LIVING), dict[str, Row]()
    for _ in range(trials + DOUBLES):
        if len(found) == trials:
            break
        trial = study.ask()
        study.sampler = sampler("cei", Proposal(repetition, table.space.family, trial.number, table.search, study))
        name = table.nearest(propose(trial, table.search))
        row = found.setdefault(name, table.seeds[name][len(found) % len(table.seeds[name])])
        tell(study, trial, row, None, kept)
    return found


def use(row: Row) -> float:
    """Nats of its code that the training used, on the sentences that choose."""
    return min(row.curve[name][row.kept_epoch - 1] for name in ("mi", "latent_gain"))


def orders(found: dict[str, Row]) -> tuple[list[str], list[str]]:
    """The living configurations in the order of a study's choice, and by how much their code is used."""
    living = [name for name, row in found.items() if use(row) >= MARGIN]
    points = [(found[name].curve["nll_iw"][found[name].kept_epoch - 1], -use(found[name])) for name in living]
    chosen = dict.fromkeys(living[at] for at, _ in by_use_of_code(points, living))
    return list(chosen), sorted(living, key=lambda name: -use(found[name]))


def shares(table: Table, found: Sequence[Sequence[str]]) -> str:
    """Of all searches, those in which one of the first 1, 2, ... is alive on every seed."""
    counts = [statistics.mean(any(map(table.lives, names[:many])) for names in found) for many in CONFIRMED]
    return ", ".join(f"{many}: {share:.0%}" for many, share in zip(CONFIRMED, counts, strict=True))


def main(repetitions: int, trials: int) -> None:
    for family in SPACES:
        table = Table(family)
        found = [orders(searched(table, repetition, trials)) for repetition in range(repetitions)]
        chosen, by_use = zip(*found, strict=True)
        print(f"{family}: {repetitions} searches of {trials} trials; one of the first so many is alive on all seeds")
        print(f"  as a study chooses   {shares(table, chosen)}")
        print(f"  the most used first  {shares(table, by_use)}", flush=True)


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    main(*given, *(60, 16)[len(given) :])
