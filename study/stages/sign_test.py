"""Which configurations of a race get more seeds: a sign test that may be looked at after every seed. Pure functions."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from statistics import median
from typing import NamedTuple

from uncollapse.analysis.counted import counted

ERROR = 0.05  # probability with which the best configuration of a family may be dropped

Results = Mapping[str, Mapping[int, float | None]]


class Drop(NamedTuple):
    """After how many seeds a configuration was dropped, against which leader, and how the seeds were shared."""

    after: int
    leader: str
    wins: int
    losses: int

    def sentence(self) -> str:
        return (
            f"dropped after {counted(self.after, 'seed')}: {self.leader} was better on {self.wins} of "
            f"{self.wins + self.losses}, "
            f"e-value {e_value(self.wins, self.losses):.0f}"
        )


@dataclass(frozen=True)
class Standing:
    """How many of the seeds may be started, and which configurations are to be dropped that were not yet."""

    open: int
    dropped: Mapping[str, Drop] = field(default_factory=dict)


def e_value(wins: int, losses: int) -> float:
    """E-value of the anytime-valid sign test that the leader beats another on more than half of the seeds without ties.

    It is what a bettor holds who began with 1 and bets on the leader at even odds, half of it on winning every seed and
    half spread evenly over all chances from 1/2 to 1 (a mixture martingale: Robbins 1970, Annals of Mathematical
    Statistics 41). If the leader is in truth no better, it ever reaches x with probability at most 1 / x, however often
    one looks (Ville's inequality), and whatever the distribution of the figures.
    """
    seeds = wins + losses
    spread = sum(math.comb(seeds + 1, i) for i in range(wins + 1)) / ((seeds + 1) * math.comb(seeds, wins))
    return 0.5 * spread + (0.5 * 2**seeds if losses == 0 else 0.0)


def needed(configurations: int) -> float:
    """E-value that drops one of so many: each of the others could be the one that drops the best."""
    return (configurations - 1) / ERROR


def race(results: Results, seeds: Sequence[int], recorded: Mapping[str, int]) -> Standing:
    """Where a race stands; it follows from what is recorded, in whatever order that came.

    Args:
        results: a value, lower is better, of every configuration and seed that ended: infinity where it diverged, None
            where it failed, which says nothing.
        seeds: of the race, in their order.
        recorded: after how many seeds a configuration was dropped before; it stays so.
    """
    alive, dropped, looked = list(results), dict[str, Drop](), 0
    while looked < len(seeds):
        ahead = looked + _seeds_to_next_look(alive, results, seeds, looked)
        ahead = min([ahead, *(recorded[name] for name in alive if name in recorded)])
        if ahead == len(seeds) or not _complete(alive, results, seeds[:ahead]):
            return Standing(ahead, dropped)
        known = {name for name in alive if recorded.get(name) == ahead}
        dropped |= {name: drop for name, drop in _losing(alive, results, seeds[:ahead]) if name not in known}
        alive, looked = [name for name in alive if name not in known | dropped.keys()], ahead
    return Standing(len(seeds), dropped)


def _complete(alive: Sequence[str], results: Results, seeds: Sequence[int]) -> bool:
    return all(seed in results[name] for name in alive for seed in seeds)


def _seeds_to_next_look(alive: Sequence[str], results: Results, seeds: Sequence[int], looked: int) -> int:
    """Seeds, at least one, after which at the earliest some configuration could be dropped; no more than are left."""
    left, bar = len(seeds) - looked, needed(len(results))
    scores = {_score(results[one], results[other], seeds[:looked]) for one, other in permutations(alive, 2)}
    possible = (more for more in range(1, left) if any(e_value(wins + more, losses) >= bar for wins, losses in scores))
    return next(possible, left)


def _losing(alive: Sequence[str], results: Results, seeds: Sequence[int]) -> Iterator[tuple[str, Drop]]:
    """What the leader, the lowest median, has beaten on these seeds, which all of the living have."""
    leader = min(alive, key=lambda name: _median(results[name], seeds))
    for name in alive:
        if name != leader and beats(leader, name, results, seeds):
            yield name, Drop(len(seeds), leader, *_score(results[leader], results[name], seeds))


def beats(one: str, other: str, results: Results, seeds: Sequence[int]) -> bool:
    """Whether the e-value of these seeds is enough to drop one configuration for another."""
    return e_value(*_score(results[one], results[other], seeds)) >= needed(len(results))


def _score(one: Mapping[int, float | None], other: Mapping[int, float | None], seeds: Sequence[int]) -> tuple[int, int]:
    """On how many seeds one is better than the other, and the other than it."""
    pairs = [(a, b) for s in seeds if (a := one.get(s)) is not None and (b := other.get(s)) is not None]
    return sum(a < b for a, b in pairs), sum(b < a for a, b in pairs)


def _median(values: Mapping[int, float | None], seeds: Sequence[int]) -> float:
    known = [value for seed in seeds if (value := values[seed]) is not None]
    return median(known) if known else math.inf
