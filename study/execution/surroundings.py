"""What surrounds a stage on its way: machines, people, what is remembered between its lives, and how a life ends."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from uncollapse.study.execution.clock import Clock


@dataclass(frozen=True)
class Surroundings:
    """What a dispatcher asks of the machines.

    Args:
        capacity: trials that fit at once, now.
        shortage: the sentence for trials that wait and find no place; raises `Lost` where only another Ray helps.
        kill: ends the process that trains a trial, by Tune's name of the trial.
    """

    capacity: Callable[[], int]
    shortage: Callable[[int], str]
    kill: Callable[[str], None]


class Told(NamedTuple):
    """Who hears of a running study.

    Args:
        say: told of what goes wrong and what is done about it.
        trouble: told of what may not mend itself.
    """

    say: Callable[[str], None]
    trouble: Callable[[str], None]


@dataclass(frozen=True)
class Memory:
    """What is known of a run however often its stages are begun again.

    Args:
        deaths: of each trial's process since its last epoch.
        on_cpu: hosts that were said to train on the CPU for want of a GPU.
        clock: of this machine.
    """

    deaths: Counter[str] = field(default_factory=Counter)
    on_cpu: set[str] = field(default_factory=set)
    clock: Clock = field(default_factory=Clock)


class Lost(RuntimeError):
    """Ray Tune has ended by itself, as it does in Ray 2.60 when a node runs out of memory."""


class Unplaced(Exception):
    """The user stops the study while no trial has found a place: there is nothing to wait for."""
