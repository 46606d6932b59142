"""The objective: reconstruction plus named regularisers under scheduled weights. Shapes: B sentences."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from uncollapse.models.configuration import components
from uncollapse.models.configuration.terms import FLOOR, schedule_of
from uncollapse.models.trace import Trace

Schedule = Callable[[int], float]


class Objective:
    """E[-log p(x | z)] + sum over terms of weight(t) * max(floor, mean of the term), averaged over a batch.

    Args:
        settings: for each term, such as `kl.z`, a resolved schedule, and the `floor` in nats below which a batch's mean
            is not pushed (free bits for the batch; Yang et al. 2017 clip the KL so).
        updates: planned updates of the whole training, on which the schedules scale.
    """

    def __init__(self, settings: Mapping[str, Mapping[str, Any]], updates: int) -> None:
        self.weights: dict[str, Schedule] = {
            term: components.build("schedule", schedule_of(options), updates) for term, options in settings.items()
        }
        self.floors = {term: float(options.get(FLOOR.name, FLOOR.default)) for term, options in settings.items()}

    def per_sentence(self, trace: Trace, step: int) -> Tensor:
        """The loss of each sentence at update `step`: (B,) in nats."""
        weighted = [weight(step) * self._term(trace, name) for name, weight in self.weights.items()]
        return sum(weighted, trace.reconstruction)

    def _term(self, trace: Trace, name: str) -> Tensor:
        term = trace.term(name)
        return term.mean().clamp_min(self.floors[name]).expand_as(term) if self.floors[name] > 0 else term

    def __call__(self, trace: Trace, step: int) -> Tensor:
        """The loss of update `step`: a scalar in nats per sentence."""
        return self.per_sentence(trace, step).mean()
