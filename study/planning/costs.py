"""What a study costs: hours, disk and memory, from a calibration where its trials would run."""

import os
from collections.abc import Sequence
from typing import Any

from uncollapse.analysis.counted import counted
from uncollapse.analysis.schema import REPLICATE, SEARCH
from uncollapse.study.config.study_page import Study, planned
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.durations import duration
from uncollapse.study.planning import gpu_packing
from uncollapse.study.planning.calibration import Estimate

LEDGER = (7_000, 1_000)  # bytes of a trial and of an epoch of 25 measures, as measured
TRACKED = (15_000, 6_400)  # the same in MLflow's SQLite


def cost(study: Study, corpus: Corpus, estimates: Sequence[Estimate], slots: int) -> dict[str, Any]:
    """Seconds and bytes of a whole study.

    Args:
        study: checked.
        corpus: of it, prepared.
        estimates: of every family, from `study.planning.calibration`.
        slots: trials that run at once.
    """
    rows = [vars(estimate) for estimate in estimates]
    trials = planned(study.settings())
    total = sum(
        row["search_seconds"] * trials[SEARCH].get(row["family"], 0)
        + row["replicate_seconds"] * trials[REPLICATE][row["family"]]
        for row in rows
    )
    return {
        "families": rows,
        "training_seconds": total,
        "wall_seconds": total / slots,
        **_disk(study, rows, trials, slots),
        "sentences": {name: corpus.facts["splits"][name]["sentences"] for name in ("train", "valid")},
        "vocabulary": len(corpus.vocabulary),
        "memory": gpu_packing.advice(rows, study.resources.gpus, slots, _host_bytes()),
    }


def _disk(study: Study, rows: list[dict[str, Any]], trials: Any, slots: int) -> dict[str, Any]:
    """Bytes by what they are for, at most."""
    size = {row["family"]: 4 * row["parameters"] for row in rows}
    weights = sum(count * size[family] for family, count in trials[REPLICATE].items())
    count = sum(sum(counts.values()) for counts in trials.values())

    def grown(trial: int, epoch: int) -> int:
        return count * (trial + epoch * study.train.epochs)

    return {
        "checkpoint_bytes": max(row["checkpoint_bytes"] for row in rows) * slots,
        "weights_bytes": min(weights, study.resources.weights_gb * 1e9),
        "ledger_bytes": grown(*LEDGER),
        "tracking_bytes": 0 if study.tracking else grown(*TRACKED),
    }


def _host_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def lines(found: dict[str, Any] | None, weights_gb: float) -> list[str]:
    """The lines of `plan` about cost."""
    if found is None:
        return ["cost       not calibrated"]
    rows = [
        f"  {row['family']:<10} {row['search_seconds']:>8.1f} s a search trial, "
        f"{row['replicate_seconds']:>8.1f} s a confirmation run, {row['parameters'] / 1e6:.2f} M parameters"
        for row in found["families"]
    ]
    return [
        f"cost       about {duration(found['wall_seconds'])} ({duration(found['training_seconds'])} of training, "
        "before early stopping), with every searched hyperparameter in the middle of its range",
        *rows,
        f"disk       {megabytes(found['checkpoint_bytes'])} of checkpoints at a time, "
        f"{megabytes(found['weights_bytes'])} of confirmed weights (at most resources.weights_gb: {weights_gb:g}), "
        f"{megabytes(found['ledger_bytes'])} of ledger, {megabytes(found['tracking_bytes'])} of MLflow's database",
        *found["memory"],
        f"corpus     {found['sentences']['train']:,} training and {found['sentences']['valid']:,} validation "
        f"sentences, {counted(found['vocabulary'], 'word')}",
    ]


def megabytes(size: float) -> str:
    return f"{size / 1e6:,.0f} MB"
