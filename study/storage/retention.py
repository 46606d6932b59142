"""What stays on disk: checkpoints of running trials, and the weights of confirmation runs within a stated budget."""

import os
import shutil
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

import yaml

from uncollapse.analysis.schema import ENDED, FINISHED, REPLICATE
from uncollapse.study.execution.worker import discard
from uncollapse.study.storage.workspace import write_whole
from uncollapse.study.trial_record import TrialRecord, selection

SUFFIX = ".safetensors"


def sweep(checkpoints: Path, records: Iterable[TrialRecord]) -> None:
    """Remove what trials left that ended while nobody could tidy up, as when a driver was killed in between."""
    for record in records:
        if record.state in ENDED:
            discard(checkpoints / f"{record.key}.pt")


class Keeper:
    """Keeps the weights of confirmation runs, those of each family's best configurations first.

    Args:
        folder: holds `<key>.safetensors`.
        budget: bytes that all of them may take together.
        select: the measure by which configurations are compared.
    """

    def __init__(self, folder: Path, budget: float, select: str) -> None:
        self.folder, self.budget, self.select = folder, budget, select
        self.finished: dict[str, TrialRecord] = {}

    def __call__(self, record: TrialRecord) -> None:
        """Listen to the recorder: a confirmation run has ended, and what it left may be too much."""
        if record.stage != REPLICATE or record.state != FINISHED or record.key in self.finished:
            return
        self.finished[record.key] = record
        sizes = {path.stem: path.stat().st_size for path in self.folder.glob("*" + SUFFIX)}
        room = self.budget
        if sum(sizes.values()) <= room:
            return
        for key in preferred(self.finished.values(), self.select):
            room -= sizes.pop(key, 0)
            if room < 0:
                (self.folder / f"{key}{SUFFIX}").unlink(missing_ok=True)


def preferred(records: Iterable[TrialRecord], select: str) -> list[str]:
    """Keys of finished runs: every family's best configuration first, then every second best, seed by seed."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    kept = list(records)
    for record in kept:
        if (value := selection(record, select)) is not None:
            values[record.family, record.configuration].append(value)
    rank = _ranks({place: median(found) for place, found in values.items()})
    last = len(rank)
    return [
        record.key
        for record in sorted(
            kept, key=lambda one: (rank.get((one.family, one.configuration), last), one.seed, one.family, one.key)
        )
    ]


def _ranks(medians: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], int]:
    """The place of every configuration within its family, 0 for the lowest median."""
    of_family: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for place in sorted(medians, key=lambda one: medians[one]):
        of_family[place[0]].append(place)
    return {place: at for places in of_family.values() for at, place in enumerate(places)}


def hand_over(files: Iterable[Path], weights: Path, records: Iterable[TrialRecord]) -> list[Path]:
    """Put the confirmed weights of every exported configuration beside its file, as folders that `generate` reads.

    Args:
        files: that `export` wrote.
        weights: the folder that a `Keeper` keeps.
        records: of the study.

    Returns:
        `best/<family>/confirmed/seed-<n>` for every seed whose weights were kept.
    """
    finished = [record for record in records if record.stage == REPLICATE and record.state == FINISHED]
    made = []
    for file in files:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        place = file.with_suffix("") / "confirmed"
        shutil.rmtree(place, ignore_errors=True)  # of a configuration that was the best before
        for record in finished:
            kept = weights / f"{record.key}{SUFFIX}"
            own = (record.family, record.configuration) == (content["family"], content["from"]["configuration"])
            if own and kept.exists():
                made.append(_folder(place / f"seed-{record.seed}", {**content, "seed": record.seed}, kept))
    return made


def _folder(place: Path, content: Mapping[str, object], kept: Path) -> Path:
    from uncollapse.study.results.saved_model import CONFIGURATION, WEIGHTS  # loads torch

    place.mkdir(parents=True)
    write_whole(place / CONFIGURATION, yaml.safe_dump(dict(content), sort_keys=False, width=120))
    try:
        os.link(kept, place / WEIGHTS)  # the same bytes under two names
    except OSError:
        shutil.copyfile(kept, place / WEIGHTS)
    return place
