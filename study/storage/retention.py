"""What stays on disk: checkpoints of running trials, and the weights of confirmation runs within a stated budget.

What was put aside because it could not be read goes with what was made anew in its place: a checkpoint when its trial
has ended, weights when the budget has no room for them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import median

from uncollapse.analysis.schema import ENDED, FINISHED, REPLICATE
from uncollapse.analysis.whole_file import UNREADABLE, aside
from uncollapse.study.trial_record import TrialRecord, selection

SUFFIX = ".safetensors"


def discard(checkpoint: Path) -> None:
    """Remove what an ended trial leaves on disk."""
    partial = checkpoint.with_name(checkpoint.name + ".partial")
    for path in (checkpoint, aside(checkpoint), checkpoint.with_suffix(".lock"), hang_note(checkpoint), partial):
        path.unlink(missing_ok=True)


def hang_note(checkpoint: Path) -> Path:
    """The file in which a trial's process says where it hung when it ended itself."""
    return checkpoint.with_suffix(".hang")


def sweep(checkpoints: Path, records: Iterable[TrialRecord]) -> None:
    """Remove what trials left that ended while nobody could tidy up, as when a driver was killed in between."""
    for record in records:
        if record.state in ENDED:
            discard(checkpoints / f"{record.key}.pt")


def fits(weights: Path, key: str) -> bool:
    """Whether a file can be read as weights, and they are those of a trial.

    Weights that an earlier version of this program kept do not say whose they are, and are taken as they lie.
    """
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="numpy") as file:
            return (file.metadata() or {}).get("whose", key) == key
    except SafetensorError:
        return False


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
        room, put_aside = self.budget, list(self.folder.glob(f"*{SUFFIX}{UNREADABLE}"))
        if sum(sizes.values()) + sum(path.stat().st_size for path in put_aside) <= room:
            return
        for path in put_aside:
            path.unlink(missing_ok=True)
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
            values[record.family, record.configuration_id].append(value)
    rank = _ranks({place: median(found) for place, found in values.items()})
    last = len(rank)
    return [
        record.key
        for record in sorted(
            kept, key=lambda one: (rank.get((one.family, one.configuration_id), last), one.seed, one.family, one.key)
        )
    ]


def _ranks(medians: Mapping[tuple[str, str], float]) -> dict[tuple[str, str], int]:
    """The place of every configuration within its family, 0 for the lowest median."""
    of_family: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for place in sorted(medians, key=lambda one: medians[one]):
        of_family[place[0]].append(place)
    return {place: at for places in of_family.values() for at, place in enumerate(places)}
