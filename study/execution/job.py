"""What a worker is given: the job of one trial, and where its files lie."""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from uncollapse.study.config.families import reachable
from uncollapse.study.config.study_page import Study
from uncollapse.study.execution.running_code import stamp
from uncollapse.study.storage.outside import python_path
from uncollapse.study.storage.retention import SUFFIX
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.trial_record import TrialRecord


@dataclass(frozen=True)
class Jobs:
    """The jobs of one stage.

    Args:
        common: what all of them share.
        place: of a trial's files, by its key: its checkpoint, and its weights or "" where none are kept.
    """

    common: Mapping[str, Any]
    place: Callable[[str], Mapping[str, str]]

    def of(self, record: TrialRecord) -> str:
        """A trial's job, as JSON."""
        own = {**self.place(record.key), **stamp(record.configuration)}
        return json.dumps(job_of(record, {**self.common, **own}))

    def checkpoint(self, key: str) -> Path:
        return Path(self.place(key)["checkpoint"])


def jobs_of(study: Study, workspace: Workspace, full: bool) -> Jobs:
    """The jobs of the search or, where `full`, of the confirmation, which measures everything and keeps weights."""
    keep = full and study.resources.weights_gb > 0
    return Jobs(common_job(study, full), partial(place_of, workspace, keep))


def job_of(record: TrialRecord, common: Mapping[str, Any]) -> dict[str, Any]:
    """What a worker needs to train a trial."""
    own = {"key": record.key, "stage": record.stage, "seed": record.seed, "configuration": record.configuration}
    return {**common, **own}


def common_job(study: Study, full: bool) -> dict[str, Any]:
    """What all jobs of a stage share."""
    return {
        "train": asdict(study.train),
        "search": {"select": study.search.bound, "subject_to": study.search.subject_to},
        "evaluate": asdict(study.evaluate),
        "threads": max(1, int(study.resources.cpus)),
        "gpus": study.resources.gpus,
        "epoch_seconds": study.resources.epoch_seconds,
        "full": full,
        "python_path": python_path(chain.from_iterable(map(reachable, study.families))),
    }


def place_of(workspace: Workspace, keep: bool, key: str) -> dict[str, str]:
    """Where a trial's files lie."""
    weights = str(workspace.weights / f"{key}{SUFFIX}") if keep else ""
    return {"checkpoint": str(workspace.checkpoints / f"{key}.pt"), "weights": weights}
