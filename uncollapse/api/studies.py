"""Studies: loaded, planned, run and exported as the command line does it, with its refusals as exceptions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from uncollapse.study.config import study_page
from uncollapse.study.config.study_page import Study
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.errors import UserError
from uncollapse.study.planning.able import only_able
from uncollapse.study.storage.workspace import Workspace

if TYPE_CHECKING:
    from uncollapse.study.planning.calibration import Estimate

CALIBRATING = "calibrating: a few updates of every family on the real corpus"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What a study would do; `str(plan)` is what `uncollapse plan` prints.

    Args:
        data: trials, slots, rungs, the resolution that the seeds buy and, where it was calibrated, the cost, and what
            `search.hours` chooses or, without it, what would cut hours.
        text: the same for people.
    """

    data: Mapping[str, Any]
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class RunResult:
    """What a run left behind.

    Args:
        folder: of the study; `records(folder)` reads it.
        report: its page.
        best: the exported configuration of each family that has one.
        refused: why each other family has none.
        took: wall-clock time, in words.
    """

    folder: Path
    report: Path
    best: Mapping[str, Path]
    refused: Mapping[str, str]
    took: str


def load_study(page: str | Path | Mapping[str, Any], folder: str | Path | None = None) -> Study:
    """A study from its page.

    Args:
        page: a YAML file's path, or the page itself as a mapping.
        folder: from which a mapping's relative paths start; the working directory where it is left out.

    Raises:
        UserError: every error of the page at once.
    """
    if isinstance(page, Mapping):
        return only_able(study_page.parse(page, Path(folder or Path.cwd()).resolve(), "the study"))
    return only_able(study_page.load(Path(page)))


def plan(
    study: Study,
    runs: str | Path = "runs",
    address: str | None = None,
    cpus: int | None = None,
    calibrate: bool = False,
    say: Say = lambda sentence: None,
) -> Plan:
    """What would run, where, and what the seeds will be able to say; starts no trial.

    Args:
        study: from `load_study`.
        runs: the folder of all studies.
        address: of a Ray cluster; None for this machine.
        cpus: that Ray would offer here; None for all.
        calibrate: train a few updates of every family, so that the plan states hours, disk and memory.
        say: told of progress.

    Raises:
        UserError: every error of the study's surroundings.
    """
    from uncollapse.study.planning import costs
    from uncollapse.study.planning import plan as planning
    from uncollapse.study.planning.hours import within_hours
    from uncollapse.study.planning.preflight import errors

    workspace = Workspace(Path(runs).resolve(), study.name)
    if found := errors(study, workspace, address, cpus):
        raise UserError(found)
    slots = _slots(study, workspace, address, cpus)
    added: dict[str, Any] = {}
    if calibrate:
        from uncollapse.study.corpora.prepare import prepare

        say(CALIBRATING)
        corpus = prepare(study.corpus, workspace.corpora, study.folder, say)
        study, estimates, added = within_hours(study, workspace, _estimates(study, corpus, address), slots)
        added["cost"] = costs.cost(study, corpus, estimates, slots)
    data = planning.outline(study, slots) | added
    return Plan(data, planning.text(study, data))


def _slots(study: Study, workspace: Workspace, address: str | None, cpus: int | None) -> int:
    """Trials that fit at once; on a cluster also whether a worker reaches the study's folder."""
    if address is None:
        from uncollapse.study.planning.preflight import local_cpus

        return max(1, int((cpus or local_cpus()) // study.resources.cpus))
    from uncollapse.study.execution import cluster
    from uncollapse.study.libraries import configure_libraries

    configure_libraries()
    cluster.connect(address, None)
    resources = cluster.resources_of(study)
    slots = cluster.fitting(resources)
    if slots < 1:
        raise UserError(cluster.too_small(resources))
    if found := cluster.seen_from_a_worker(workspace, resources):
        raise UserError(found)
    return slots


def _estimates(study: Study, corpus: Corpus, address: str | None) -> "list[Estimate]":
    if address is None:
        from uncollapse.study.planning.calibration import calibrate

        return list(calibrate(study, corpus))
    from uncollapse.study.execution import cluster

    return cluster.calibrated(study, corpus)


def run(
    study: Study,
    runs: str | Path = "runs",
    address: str | None = None,
    cpus: int | None = None,
    reuse_workers: bool = True,
) -> RunResult:
    """Search, confirm, report and export; run again, it goes on where it was.

    Args:
        study: from `load_study`.
        runs: the folder of all studies.
        address: of a Ray cluster; None starts Ray on this machine.
        cpus: that a Ray started here offers; None for all.
        reuse_workers: a worker process serves many trials.

    Raises:
        UserError: every error that can be known first; nothing has started then.
        RunError: the run itself failed; what is recorded is kept.
        KeyboardInterrupt: stopped; nothing is lost.
    """
    from uncollapse.study.execution import driver
    from uncollapse.study.libraries import configure_libraries
    from uncollapse.study.planning.preflight import errors

    configure_libraries()
    workspace = Workspace(Path(runs).resolve(), study.name)
    if found := errors(study, workspace, address, cpus):
        raise UserError(found)
    launch = driver.Launch(page=study.name, address=address, cpus=cpus, reuse_workers=reuse_workers)
    return _result(workspace, driver.run(study, workspace, launch))


def export(folder: str | Path, force: bool = False) -> dict[str, Path]:
    """Write the best configuration of every family again; returns the files by family.

    Args:
        folder: of a study, such as `runs/my`.
        force: where no configuration keeps the rule, the lowest median all the same; the file says so.

    Raises:
        UserError: no family has a configuration that may be exported, with every reason.
    """
    from uncollapse.study.results import findings
    from uncollapse.study.results.export import export as write
    from uncollapse.study.results.refusals import nothing
    from uncollapse.study.storage.tables import records

    workspace = Workspace.at(Path(folder))
    workspace.read_facts()
    known = records(workspace.folder, workspace.study)
    done = write(workspace, findings.find(workspace, known), known, force)
    if not done.files:
        raise UserError(nothing(done.refused))
    return {path.stem: path for path in done.files}


def _result(workspace: Workspace, done: Mapping[str, Any]) -> RunResult:
    best = {path.stem: path for path in map(Path, done["best"])}
    refused = {family: one["why"] for family, one in done["not_exported"].items()}
    return RunResult(workspace.folder, Path(done["report"]), best, refused, done["took"])
