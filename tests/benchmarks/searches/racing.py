"""Racing against the fixed grid: seeds saved, how often the winner differs, and what collapse intervals cover.

    python -m tests.benchmarks.searches.racing [races a line]

Tables are drawn from laws, or resampled from the recorded one (`record_table.py`). The winner is the lowest median over the seeds,
as in the export rule. `lost` is how often the race drops the configuration that is truly the best; `differs` how often its winner is
not the one that the whole grid has; `missed` how often each picks another than the truly best. Wilson's and Jeffreys' intervals of
a configuration are of the seeds that it got: `covers` says how often they hold the true share, under the race and on the whole grid,
and how often Wilson's does among those that were dropped, which is no promise of any interval but what a reader sees.
"""

import random
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import mean, median, variance

from tests.benchmarks.searches.record_table import BEST, EVERY, rows
from uncollapse.analysis.statistics.intervals import jeffreys, wilson
from uncollapse.study.stages.sign_test import Drop, race

Cell = tuple[float, bool]  # NLL, collapsed
Law = Callable[[random.Random, int], Cell]


@dataclass(frozen=True)
class Setup:
    """Configurations, the first being truly the best, their law, and each one's true share of collapses.

    `field` chooses, anew for every race, whom the law's numbers stand for.
    """

    name: str
    configurations: int
    seeds: int
    law: Law
    shares: Sequence[float]
    field: Callable[[random.Random], Sequence[int]] | None = None


@dataclass
class Tally:
    """What a line of the table counts."""

    saved: list[float] = field(default_factory=list)
    lost: int = 0
    differs: int = 0
    missed: dict[str, int] = field(default_factory=lambda: {"race": 0, "grid": 0})
    covers: dict[str, list[bool]] = field(
        default_factory=lambda: {name: [] for name in ("wilson", "grid", "jeffreys", "dropped")}
    )


def raced(table: Mapping[int, Sequence[Cell]], seeds: int) -> tuple[dict[int, int], dict[str, Drop]]:
    """Seeds that each configuration got, and what was dropped; decided as the replicate stage decides it."""
    results: dict[str, dict[int, float | None]] = {str(of): {} for of in table}
    dropped: dict[str, Drop] = {}
    while True:
        standing = race(results, range(seeds), {name: drop.after for name, drop in dropped.items()})
        dropped |= standing.dropped
        for of in table:
            if str(of) not in dropped:
                results[str(of)] |= {seed: table[of][seed][0] for seed in range(standing.open)}
        if standing.open == seeds:
            return {of: len(results[str(of)]) for of in table}, dropped


def winner(table: Mapping[int, Sequence[Cell]], among: Sequence[int]) -> int:
    return min(among, key=lambda of: median(nll for nll, _ in table[of]))


def play(setup: Setup, races: int) -> Tally:
    chance, tally = random.Random(setup.name), Tally()
    for _ in range(races):
        field = setup.field(chance) if setup.field else range(setup.configurations)
        table = {at: [setup.law(chance, of) for _ in range(setup.seeds)] for at, of in enumerate(field)}
        got, dropped = raced(table, setup.seeds)
        survivors = [of for of in table if str(of) not in dropped]
        by_race, by_grid = winner(table, survivors), winner(table, list(table))
        tally.saved.append(1 - sum(got.values()) / (setup.seeds * setup.configurations))
        tally.lost += "0" in dropped
        tally.differs += by_race != by_grid
        tally.missed["race"] += by_race != 0
        tally.missed["grid"] += by_grid != 0
        _cover(tally, setup, table, got)
    return tally


def _cover(tally: Tally, setup: Setup, table: Mapping[int, Sequence[Cell]], got: Mapping[int, int]) -> None:
    for of, share in enumerate(setup.shares):
        collapsed = [bad for _, bad in table[of]]
        k, n = sum(collapsed[: got[of]]), got[of]
        tally.covers["wilson"].append(_holds(WILSON[n][k], share))
        tally.covers["dropped"] += [_holds(WILSON[n][k], share)] * (n < setup.seeds)
        tally.covers["jeffreys"].append(_holds(JEFFREYS[n][k], share))
        tally.covers["grid"].append(_holds(WILSON[setup.seeds][sum(collapsed)], share))


def _holds(ends: tuple[float, float], share: float) -> bool:
    return ends[0] <= share <= ends[1]


MOST = 40
WILSON = [[(float(i.low), float(i.high)) for k in range(n + 1) for i in [wilson(k, n)]] for n in range(MOST + 1)]
JEFFREYS = [[(float(i.low), float(i.high)) for k in range(n + 1) for i in [jeffreys(k, n)]] for n in range(1, MOST + 1)]
JEFFREYS.insert(0, [(0.0, 1.0)])


def shifted(step: float) -> Law:
    """Normal seeds of deviation 1; every configuration is worse than the one before by so much."""
    return lambda chance, of: (chance.gauss(step * of, 1), False)


def collapsing(share: float, cost: float) -> Law:
    """Collapse costs likelihood (or gains it, below 0), so what stops a race says something of collapse."""

    def law(chance: random.Random, of: int) -> Cell:
        bad = chance.random() < share
        return chance.gauss(0.5 * of + cost * bad, 1), bad

    return law


def humps(chance: random.Random, of: int) -> Cell:
    """Two humps far apart; all that differs is how often a seed lands in the worse one."""
    return chance.gauss(0, 0.1) + 9 * (chance.random() < 0.3 + 0.1 * of), False


def setups() -> Iterator[Setup]:
    for configurations, seeds in ((3, 10), (3, 30), (8, 20)):
        for step in (0.0, 0.3, 1.0, 3.0):
            yield Setup(f"normal, step {step:g} sd", configurations, seeds, shifted(step), ())
        yield Setup("two humps, 30 % and 10 % more each", configurations, seeds, humps, ())
    for cost in (-9.0, 0.0, 9.0):
        for share in (0.05, 0.2, 0.5, 0.8):
            name = f"collapse of {share:.0%} costs {cost:+g} sd"
            yield Setup(name, 3, 10, collapsing(share, cost), (share,) * 3)
            yield Setup(name, 3, 30, collapsing(share, cost), (share,) * 3)


def recorded() -> Iterator[Setup]:
    """The best settings of the recorded table on its many seeds; seeds are drawn from them jointly, with return."""
    found: dict[object, list[Cell]] = {}
    for setting, _, figures in rows(BEST):
        collapsed = figures["mi"] < 0.1 or figures["latent_gain"] < 0.1
        found.setdefault(setting, []).append((figures["nll_iw"], collapsed))
    cells = sorted(found.values(), key=lambda own: median(nll for nll, _ in own))
    shares = [mean(bad for _, bad in own) for own in cells]
    for configurations, seeds in ((3, 10), (8, 10), (8, 20), (8, 30)):
        if len(cells) >= configurations:
            law: Law = lambda chance, of: chance.choice(cells[of])  # noqa: E731
            yield Setup("recorded", configurations, seeds, law, shares[:configurations])


def searched() -> Iterator[Setup]:
    """What a search of 24 random trials of one seed each chooses from the recorded table.

    Every setting has its recorded mean, and seeds that are normal with the table's deviation within settings.
    """
    found: dict[object, list[float]] = {}
    for setting, _, figures in rows(EVERY):
        found.setdefault(setting, []).append(figures["nll_iw"])
    means = sorted(map(mean, found.values()))
    sd = mean(variance(own) for own in found.values()) ** 0.5

    def law(chance: random.Random, of: int) -> Cell:
        return chance.gauss(means[of], sd), False

    def field(chance: random.Random, most: int) -> list[int]:
        tried = {of: law(chance, of)[0] for of in chance.sample(range(len(means)), 24)}
        return sorted(sorted(tried, key=lambda of: tried[of])[:most])

    for configurations, seeds in ((3, 10), (5, 10), (8, 10), (8, 20), (8, 30)):
        chosen = partial(field, most=configurations)
        yield Setup(f"recorded, searched, seeds' sd {sd:.2f}", configurations, seeds, law, (), chosen)


def main(races: int) -> None:
    print(f"{races} races a line; shares in per cent")
    print(
        f"{'law':36} conf x seeds  saved  lost  differs  missed: race, grid  "
        "covers: Wilson, grid, Jeffreys, Wilson of the dropped"
    )
    for setup in [*setups(), *recorded(), *searched()]:
        tally = play(setup, races)
        missed = " ".join(f"{tally.missed[of] / races:6.1%}" for of in ("race", "grid"))
        covers = " ".join(f"{mean(held):6.1%}" if held else "      " for held in tally.covers.values())
        print(
            f"{setup.name:36} {setup.configurations:4} x {setup.seeds:<5} {mean(tally.saved):6.1%} "
            f"{tally.lost / races:5.1%}  {tally.differs / races:6.1%}  {missed:>16}      {covers}".rstrip(),
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
