"""Trials of other studies that this one takes over instead of training them again (`search.reuse`).

What is taken over is what this study would have trained: a trial's key is made from its family, resolved configuration,
seed, corpus, length, measures and code, and such a training gives the same numbers bit for bit wherever the kind of
device and the number of threads are the same. So nothing changes in who chooses and who measures: tuning seeds and
confirmation seeds are disjoint in every study, hence a trial of the search takes over only trials of searches and a
confirmation run only confirmation runs; this study's search never sees a confirmation run of another, and the seeds of
its confirmation stay the same for every configuration, trained or taken over. Early stopping is this study's own: of a
trial that it would have stopped, only the epochs up to there are taken.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from uncollapse.analysis.schema import DIVERGED, FINISHED
from uncollapse.analysis.whole_file import replaced
from uncollapse.study.config.study_page import Study
from uncollapse.study.errors import UserError
from uncollapse.study.storage.retention import SUFFIX, fits
from uncollapse.study.storage.tables import read
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.trial_record import TrialRecord

Say = Callable[[str], None]
WHOLE = (FINISHED, DIVERGED)  # ends that a trial's key decides; others came of what was around it


class Reusable(NamedTuple):
    """A trial that another study trained.

    study: that trained it.
    record: of it there.
    weights: where they lie if they were kept.
    say: told where they are not this trial's.
    """

    study: str
    record: TrialRecord
    weights: Path
    say: Say

    def hand_over(self, folder: Path) -> None:
        """Copy the weights that were kept, whole or not at all; those that are not of this trial stay where they are.

        It is the copy that is looked at, since the other study may write meanwhile.
        """
        if not self.weights.exists():
            return
        folder.mkdir(parents=True, exist_ok=True)
        with (
            suppress(_NotItsOwn),
            replaced(folder / self.weights.name, folder / f"{self.record.key}.partial") as partial,
        ):
            shutil.copyfile(self.weights, partial)
            if not fits(partial, self.record.key):
                self.say(
                    f"reuse: {self.weights}: the weights of trial {self.record.key} are expected, and these are of "
                    "another or cannot be read; they are left alone, and the trial is taken over without weights"
                )
                raise _NotItsOwn


class _NotItsOwn(Exception):
    """Weights that are not those of the trial after which they are named."""


Reuse = Mapping[str, Reusable]  # by the trials' keys


def reusable(study: Study, workspace: Workspace, say: Say = lambda sentence: None) -> dict[str, Reusable]:
    """Whole trials of this study's families in other studies under the same `runs`; none where they are not asked for.

    Args:
        study: checked.
        workspace: of it, begun.
        say: told how many there are, and why a study is left out.
    """
    if not study.search.reuse:
        return {}
    facts, found = workspace.read_facts(), dict[str, Reusable]()
    for path in sorted(workspace.runs.glob("*/study.json")):
        place = Workspace.at(path.parent)
        if place.folder.resolve() == workspace.folder.resolve():
            continue
        try:
            for one in _trials_of(place, facts, say):
                found.setdefault(one.record.key, one)
        except UserError as error:
            say(f"reuse: {path.parent.name} is left out: {'; '.join(error.errors)}")
    counts = Counter(one.study for one in found.values())
    told = ", ".join(f"{counts[name]} of {name}" for name in sorted(counts)) or "none"
    say(f"reuse: trials of other studies that are taken over where this one comes to them: {told}")
    return found


def _trials_of(place: Workspace, facts: Mapping[str, Any], say: Say) -> Iterator[Reusable]:
    there = place.read_facts()
    families = there["settings"]["families"].keys() & facts["settings"]["families"].keys()
    if there["corpus"]["digest"] != facts["corpus"]["digest"] or not families:
        return
    if differs := _rounds_differently(there["settings"], facts["settings"]):
        say(f"reuse: {place.folder.name} is left out: {differs}, so its numbers round differently")
        return
    on_gpu = facts["settings"]["resources"]["gpus"] > 0
    for record in read(place.folder, there["study"], lambda sentence: say(f"reuse: {sentence}")).records:
        wanted = record.family in families and record.state in WHOLE
        if wanted and (record.device != "cpu" if on_gpu else record.device in ("", "cpu")):
            weights = place.weights / f"{record.key}{SUFFIX}"
            yield Reusable(record.reused_from or place.folder.name, record, weights, say)


def _rounds_differently(there: Mapping[str, Any], here: Mapping[str, Any]) -> str:
    """What decides how sums round and is no part of a trial's key; "" where it is the same."""
    pairs = {
        "its number of threads (resources.cpus)": [max(1, int(one["resources"]["cpus"])) for one in (there, here)],
        "its kind of device (resources.gpus)": [one["resources"]["gpus"] > 0 for one in (there, here)],
        "its train.deterministic": [one["train"].get("deterministic", True) for one in (there, here)],
    }
    return " and ".join(f"{name} is another" for name, (before, now) in pairs.items() if before != now)
