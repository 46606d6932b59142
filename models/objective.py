"""The objective: reconstruction plus named regularisers under scheduled weights. Shapes: B sentences."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from models import parts
from models.trace import Trace

Schedule = Callable[[int], float]


class Objective:
    """E[-log p(x | z)] + sum over terms of weight(t) * term, averaged over the sentences of a batch.

    Args:
        settings: for each term, such as `kl.z`, a resolved schedule.
        updates: planned updates of the whole training, on which the schedules scale.
    """

    def __init__(self, settings: Mapping[str, Mapping[str, Any]], updates: int) -> None:
        self.weights: dict[str, Schedule] = {
            term: parts.build("schedule", schedule, updates) for term, schedule in settings.items()
        }

    def __call__(self, trace: Trace, step: int) -> Tensor:
        """The loss of update `step`: a scalar in nats per sentence."""
        terms = trace.terms
        weighted = [weight(step) * terms[name] for name, weight in self.weights.items()]
        return sum(weighted, trace.reconstruction).mean()
