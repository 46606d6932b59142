"""What earlier studies found, as observations of this one's sampler; never trials of this study nor its results."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from optuna.trial import FrozenTrial

from uncollapse.analysis.counted import counted
from uncollapse.analysis.schema import FINISHED, SEARCH
from uncollapse.study.config import objectives
from uncollapse.study.config.families import Family
from uncollapse.study.config.study_page import Study
from uncollapse.study.errors import UserError
from uncollapse.study.stages.sampling.proposal import observation
from uncollapse.study.storage.fingerprints import Code, code_changes, code_of
from uncollapse.study.storage.ledger import Ledger, record_of
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.trial_record import TrialRecord

Say = Callable[[str], None]
SAME = ("train", "evaluate")  # sections that decide what a figure means


def observations(study: Study, workspace: Workspace, say: Say = lambda sentence: None) -> dict[str, list[FrozenTrial]]:
    """Finished search trials of `search.warm_start` that this study could have drawn itself, by family.

    Only what had ended when this study began counts, so that a restart knows what the first start knew.

    Raises:
        UserError: a study that is not there, or whose figures mean something else.
    """
    facts = workspace.read_facts()
    began = datetime.fromisoformat(facts["created"]).timestamp()
    found: dict[str, list[FrozenTrial]] = {family.name: [] for family in study.families}
    places = [_place(name, study.folder, workspace.runs) for name in study.search.warm_start]
    code = code_of(study.families)
    if errors := [f"search.warm_start: {error}" for place in places for error in _errors(place, facts, code)]:
        raise UserError(errors)
    for place in places:
        ledger = Ledger(place.folder, place.read_facts()["study"])
        if ledger.damage is not None:
            say(f"warm start: warning: {ledger.damage}")
        for family in study.families:
            rows = list(_told(study, ledger, family, began))
            known = [row for row in rows if row is not None]
            found[family.name] += known
            what = f"{len(known)} of {counted(len(rows), 'finished trial')} of {place.folder.name}"
            say(f"warm start: {family.name} learns from {what} that lie within its space")
    return found


def _place(name: str, folder: Path, runs: Path) -> Workspace:
    """A study by its name under the same runs, or by its folder."""
    path = runs / name if "/" not in name else (folder / name).resolve()
    return Workspace(path.parent, path.name)


def _errors(place: Workspace, facts: Mapping[str, Any], code: Code) -> list[str]:
    try:
        earlier = place.read_facts()
    except UserError as error:
        return list(error.errors)
    name, found = place.folder.name, []
    if earlier["corpus"]["digest"] != facts["corpus"]["digest"]:
        found.append(f"{name} has another corpus ({earlier['corpus']['name']}), and figures of two do not compare")
    if changed := code_changes(earlier["code"], code):
        found.append(f"{name} was trained by other code: {'; '.join(changed)}")
    for section in SAME:
        before, now = earlier["settings"][section], facts["settings"][section]
        different = [key for key in now if key != "probes" and before.get(key) != now[key]]
        found += [f"{name} has {section}.{key}: {before.get(key)!r} and this study {now[key]!r}" for key in different]
    return [f"{error}; leave it out" for error in found]


def _told(study: Study, ledger: Ledger, family: Family, began: float) -> Iterator[FrozenTrial | None]:
    """An observation for every finished search trial of a family; None where this study could not have drawn it."""
    for record in map(record_of, ledger.trials(SEARCH, family.name)):
        if record.state != FINISHED or record.ended >= began:
            continue
        yield observation(family, record, *_figures(study, record))


def _figures(study: Study, record: TrialRecord) -> tuple[list[float], dict[str, float]]:
    """What the sampler is told of a trial: its objectives, and by how much it breaks each limit."""
    values = objectives.values(record, study.search.select)
    assert values is not None, record.key
    return values, objectives.excesses(record.measures, objectives.limits(study.search.subject_to))
