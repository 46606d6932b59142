"""The figures of a report, for the runs of configurations and of the study, against what MLflow holds of them."""

import math
from collections.abc import Iterable, Mapping, Sequence

from uncollapse.analysis.mlflow_runs.sources import Run, Source
from uncollapse.analysis.schema import ENDED
from uncollapse.study.trial_record import TrialRecord

Figure = tuple[str, Mapping[str, float], Mapping[str, str], float]  # run, metrics, artifacts, seconds since 1970
Stored = Mapping[tuple[str, int], float]  # by metric and epoch


def due(found: Iterable[TrialRecord]) -> bool:
    """Whether a study has come to its end, at which its figures are sent."""
    states = [record.state for record in found]
    return bool(states) and all(state in ENDED for state in states)


def lacking(place: Source, runs: Sequence[Run], figures: Sequence[Figure]) -> dict[str, list[str]]:
    """What MLflow lacks, or has another value of, a sentence each by the name of the run."""
    by_name = {run.tag("run"): run for run in runs}
    stored = latest(place, [by_name[name] for name, *_ in figures if name in by_name])
    lines: dict[str, list[str]] = {}
    for name, metrics, *_ in figures:
        if name not in by_name:
            lines[name] = [f"{name}: in the report, not in MLflow"]
        elif wrong := _wrong(name, metrics, stored.get(by_name[name].id, {})):
            lines[name] = wrong
    return lines


def _wrong(name: str, metrics: Mapping[str, float], stored: Stored) -> list[str]:
    return [
        f"{name}: {key} is {value!r} in the report and {stored.get((key, 0))!r} in MLflow"
        for key, value in metrics.items()
        if math.isfinite(value) and stored.get((key, 0)) != value
    ]


def latest(place: Source, runs: Sequence[Run]) -> dict[str, dict[tuple[str, int], float]]:
    """What MLflow holds of some runs: (metric, epoch) to value by run; of a value recorded twice, the later."""
    stored: dict[str, dict[tuple[str, int], float]] = {}
    for run, name, step, _, value in sorted(place.values(runs), key=lambda one: one[3]):
        stored.setdefault(run, {})[name, step] = value
    return stored
