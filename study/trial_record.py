"""What is recorded of a trial. Free of heavy imports."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from uncollapse.analysis.schema import with_fallbacks
from uncollapse.study.outline import PAUSE, Span, joined


@dataclass(frozen=True)
class TrialRecord:
    """Everything recorded of one trial.

    Args:
        key: of its resolved configuration, seed, corpus, length and code: identical trials share it.
        family, stage, number: its place in the study.
        configuration_id: its hash, the same for every seed.
        seed: a tuning seed (search) or a confirmation seed (replicate).
        audit: never stopped early.
        configuration: resolved: every component, written out.
        params: the searched hyperparameters by dotted name.
        state, cause: see `STATES`; the cause of a divergence, a failure or a drop, else "".
        epochs: a record an epoch: raw values by name, and `time`, when it was recorded.
        final: measures on the full validation split, replicate only.
        artifacts: small texts by file name, such as generated sentences; replicate only.
        kept_epoch: the epoch, from 1, whose weights were measured and saved; 0 for the last one.
        origin: why its configuration is tried: `base`, `start` or `sampler`; search only.
        role: why its configuration is confirmed, one of `ROLES` or several joined by +; replicate only.
        reused_from: the study that trained it, where it was taken over; else "".
        device: on which it trained last: `cpu` or the GPU's name; "" where that is not known.
        started, ended: seconds since the epoch; 0.0 where it has not happened.
    """

    key: str
    family: str
    stage: str
    number: int
    configuration_id: str
    seed: int
    audit: bool
    configuration: Mapping[str, Any]
    params: Mapping[str, Any]
    state: str
    cause: str
    epochs: tuple[Mapping[str, float], ...]
    final: Mapping[str, float]
    started: float
    ended: float
    artifacts: Mapping[str, str] = field(default_factory=dict)
    device: str = ""
    kept_epoch: int = 0
    role: str = ""
    origin: str = ""
    reused_from: str = ""

    @property
    def seconds(self) -> float:
        """Seconds of training and measuring, waiting not counted."""
        return sum(epoch["cost/seconds"] for epoch in self.epochs)

    @property
    def trained(self) -> int:
        """Epochs."""
        return len(self.epochs)

    @property
    def heard(self) -> float:
        """When its last epoch was recorded; 0.0 where there is none, or that is not known."""
        return self.epochs[-1].get("time", 0.0) if self.epochs else 0.0

    @property
    def spans(self) -> tuple[Span, ...]:
        """When its epochs were trained; for those of another study, when they were recorded here."""
        return tuple(joined(self._spans(), PAUSE))

    def _spans(self) -> Iterator[Span]:
        for epoch in self.epochs:
            if "time" in epoch:
                yield epoch["time"] - (0.0 if self.reused_from else epoch["cost/seconds"]), epoch["time"]

    @property
    def measures(self) -> dict[str, float]:
        """Every measure of the epoch that was kept, and on the sentences that report if it was measured there."""
        kept = self.epochs[(self.kept_epoch or len(self.epochs)) - 1] if self.epochs else {}
        return {**{name: value for name, value in kept.items() if "/" in name}, **self.final}


def selection(record: TrialRecord, select: str) -> float | None:
    """The value by which trials are compared: `select` on the validation subset, or its fallback."""
    return selected(record.measures, select)


def selected(measures: Mapping[str, float], select: str) -> float | None:
    """`select` on the validation subset, or the one figure of its kind that a model without it has."""
    name = selected_name(measures, select)
    return None if name is None else measures[f"subset/{name}"]


def selected_name(measures: Mapping[str, float], select: str) -> str | None:
    """The name of what `selected` returns."""
    names = with_fallbacks(select.removeprefix("valid/"))
    return next((one for one in names if f"subset/{one}" in measures), None)
