"""When a training ends, and which epoch's weights it keeps: rules over what was measured, so that a resumed training
finds both again from its history."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from uncollapse.models.configuration.annealing import annealed_by
from uncollapse.study.config.objectives import Limit, limits, objectives, standing


@dataclass(frozen=True)
class Stopping:
    """How a training ends.

    Args:
        patience: epochs without a better one, once annealing has ended, after which it ends; 0 for never.
        keep: whose weights are measured and saved, the best epoch's or the last one's.
        bound: of the validation subset, under weight 1, by which epochs are compared; lower is better.
        limits: an epoch that keeps them is better than one that does not, whatever its bound: by the bound alone the
            best epoch is often one whose code is not used yet, or not any more.
    """

    patience: int = 0
    keep: Literal["best", "last"] = "last"
    bound: str = "nll_iw"
    limits: tuple[Limit, ...] = ()

    @classmethod
    def of(cls, train: Mapping[str, Any], search: Mapping[str, Any]) -> "Stopping":
        """What the sections `train` and `search` of a page say; a file from before they did says nothing."""
        compared = objectives(search.get("select", "nll_iw"))[0]
        kept = limits(search.get("subject_to", {}))
        return cls(train.get("patience", 0), train.get("keep", "last"), compared, kept)

    def decides(self) -> dict[str, Any]:
        """What of it decides a training's numbers; nothing where it runs to its end and keeps the end."""
        if not self.patience and self.keep == "last":
            return {}
        return {**vars(self), "limits": [str(limit) for limit in self.limits]}


class Watch:
    """One training's epochs, compared as they end.

    Args:
        stopping: the rule.
        first: the first epoch that counts, from 1: before the annealing has ended a VAE is not what it will be.
        patience: of the rule, or more where the updates take turns.
    """

    def __init__(self, stopping: Stopping, first: int, patience: int) -> None:
        self.stopping, self.first, self.patience = stopping, first, patience
        self.epoch, self.best_epoch = 0, 0
        self.best = (True, math.inf)

    def note(self, measures: Mapping[str, float]) -> bool:
        """Take the next epoch in; whether it is the best so far."""
        self.epoch += 1
        if self.epoch < self.first:
            return False
        broken, value = standing(measures, self.stopping.bound, self.stopping.limits)
        now = (broken > 0, value)
        if self.best_epoch and not now < self.best:
            return False
        self.best, self.best_epoch = now, self.epoch
        return True

    @property
    def holds(self) -> bool:
        """Whether the epoch that has just ended is the one to keep."""
        return self.stopping.keep == "best" and 0 < self.best_epoch == self.epoch

    @property
    def over(self) -> bool:
        """Whether the training has waited for a better epoch for long enough."""
        return bool(self.patience and self.best_epoch) and self.epoch - self.best_epoch >= self.patience

    @property
    def kept_epoch(self) -> int:
        """The epoch, from 1, whose weights are kept; the last one before any counts."""
        return self.best_epoch if self.stopping.keep == "best" and self.best_epoch else self.epoch


def watch(stopping: Stopping, configuration: Mapping[str, Any], epochs: int) -> Watch:
    """The watch over a training of so many epochs at most; where decoder and encoder take turns, both get theirs."""
    updates = configuration["updates"]
    turns = 2 * updates["epochs"] if updates["kind"] == "alternating" else 0
    first = max(1, turns, math.ceil(annealed_by(configuration) * epochs))
    return Watch(stopping, min(first, epochs), max(stopping.patience, turns) if stopping.patience else 0)
