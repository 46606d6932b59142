"""Rows of a transfer run, kept on disk as they come so that a run that was cut off goes on, and their summary."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import fmean
from typing import Any

from uncollapse.analysis.statistics.intervals import proportion
from uncollapse.study.transfer.measurements import Trial


@dataclass(frozen=True)
class Row:
    """A measurement and what came of it: figures by name, or the cause why there are none."""

    trial: Trial
    measures: Mapping[str, float] = field(default_factory=dict)
    cause: str = ""


class Kept:
    """The rows of runs in a file, a line each, under a name that holds all that decides their figures."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known = dict(self._read())

    def get(self, name: str) -> Row | None:
        """The row that was measured before under this name."""
        return self._known.get(name)

    def add(self, name: str, row: Row) -> None:
        """Keep a row."""
        self._known[name] = row
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"name": name, **asdict(row)}) + "\n")

    def _read(self) -> Iterator[tuple[str, Row]]:
        for line in self.path.read_text(encoding="utf-8").splitlines() if self.path.exists() else []:
            try:
                held = json.loads(line)
            except json.JSONDecodeError:
                continue  # the line at which a run was cut off
            yield held["name"], Row(Trial(**held["trial"]), held["measures"], held["cause"])


def summary(rows: Iterable[Row]) -> list[dict[str, Any]]:
    """One entry for all seeds of a measurement: means, the lowest and highest seed of its first figure, an interval.

    The interval of an accuracy is Wilson's, 95 %, of the mean over seeds at the number of test sentences: other
    sentences, not other seeds. That of a rank correlation is the bootstrap's over pairs, averaged over seeds.
    """
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(_place(row.trial), []).append(row)
    return [_summed(group) for group in groups.values()]


def _place(trial: Trial) -> tuple[str, ...]:
    return trial.task, trial.question, trial.how, trial.encoder, trial.vectors, trial.pairs


def _summed(group: list[Row]) -> dict[str, Any]:
    named = {key: value for key, value in asdict(group[0].trial).items() if key != "seed"}
    known = [row.measures for row in group if row.measures]
    causes = sorted({row.cause for row in group if row.cause})
    if not known:
        return {**named, "seeds": 0, "causes": causes}
    means = {name: fmean(measures[name] for measures in known) for name in known[0]}
    for prefix in ("", "dev_"):
        if f"{prefix}accuracy" in means:
            share, count = means[f"{prefix}accuracy"], int(means[f"{prefix}count"])
            low, high = map(float, proportion(share * count, count))
            means |= {f"{prefix}accuracy_low": low, f"{prefix}accuracy_high": high}
    first = next(iter(means))
    seeds = [measures[first] for measures in known]
    return {**named, "seeds": len(known), **means, "lowest": min(seeds), "highest": max(seeds), "causes": causes}
