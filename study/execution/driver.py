"""A whole study: corpus, search, replicate, report, export. Run again, it goes on where it was."""

import datetime
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from uncollapse.study.config.objectives import limits
from uncollapse.study.config.study_page import Study
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.disk_faults import disk_errors_told
from uncollapse.study.durations import duration
from uncollapse.study.execution.clock import Clock
from uncollapse.study.execution.conclude import conclude
from uncollapse.study.execution.control import Control
from uncollapse.study.execution.progress import Progress
from uncollapse.study.execution.surroundings import Memory
from uncollapse.study.execution.timekeeping import Timekeeper, timekeeper
from uncollapse.study.execution.view.screen import Screen
from uncollapse.study.output import lenient
from uncollapse.study.planning import grid_sentences
from uncollapse.study.planning.budget import expected_of
from uncollapse.study.planning.resolution import warnings
from uncollapse.study.planning.resume import begin
from uncollapse.study.stages.replicate import anything_left
from uncollapse.study.stages.reuse import reusable
from uncollapse.study.stages.warm_start import observations
from uncollapse.study.storage.digest.upkeep import Upkeep
from uncollapse.study.storage.fingerprints import code_of, code_version
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.locks import owned
from uncollapse.study.storage.recorder import Listener, Recorder
from uncollapse.study.storage.retention import Keeper, sweep
from uncollapse.study.storage.tables import recorded
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.trial_record import TrialRecord

if TYPE_CHECKING:
    from uncollapse.study.execution.machines import Machines
    from uncollapse.study.tracking.writer import Writer


@dataclass(frozen=True)
class Launch:
    """How a study is started.

    Args:
        page: as the user named it.
        address: of a Ray cluster; None starts Ray on this machine.
        cpus: that a Ray started here offers; None for all.
        reuse_workers: a worker process serves many trials.
        to_stderr: progress goes there, because the result goes to standard output as JSON.
        trouble: told of what may not mend itself while nobody looks.
        until: when the study is to have ended, report included; None for whenever it is done.
        began: seconds since 1970 from which its hours count.
        new_tracking: an MLflow database or experiment that cannot be used is put aside, and a new one is filled.
    """

    page: str
    address: str | None = None
    cpus: int | None = None
    reuse_workers: bool = True
    to_stderr: bool = False
    trouble: Callable[[str], None] = lambda sentence: None
    until: datetime.datetime | None = None
    began: float = field(default_factory=time.time)
    new_tracking: bool = False


def run(study: Study, workspace: Workspace, launch: Launch) -> dict[str, Any]:
    """Train whatever the study still lacks, then write its report and its best configurations.

    Returns:
        What happened, as plain data: paths, counts, seconds; under `failed` a sentence where every trial failed.

    Raises:
        UserError: the corpus or a changed page is wrong, not even the least of the study fits into its budget, or
            another process runs the study.
        RunError: the disk failed.
        KeyboardInterrupt: stopped by the user; nothing is lost.
    """
    console, started = Screen(stderr=launch.to_stderr), time.monotonic()
    with lenient(), disk_errors_told(), owned(workspace.folder):
        workspace.control.unlink(missing_ok=True)  # a word that an earlier process did not live to obey
        shutil.rmtree(workspace.scratch, ignore_errors=True)  # Tune's, of a process that was killed
        corpus = prepare(study.corpus, workspace.corpora, study.folder, console.say)
        keeper = timekeeper(study, workspace, launch.until, launch.began)
        begin(keeper.study, workspace, launch.page, corpus, keeper.facts())
        earlier = observations(study, workspace, console.say)
        begun, ledger, memory = workspace.recorded, Ledger(workspace.folder, study.name, write=True), Memory()
        if ledger.damage is not None:
            console.say(f"warning: {ledger.damage}")
        idle = begun and not _left(keeper, ledger, corpus)
        machines = None if idle else _machines(study, launch, memory.clock, console)
        if machines and keeper.unsettled:
            _settle(keeper, workspace, launch, corpus, machines, not begun, console)
        study, slots = keeper.study, _slots(machines, workspace)
        _announce(study, console, budgeted=keeper.asked)
        progress = Progress(study.name, study.settings(), slots, console, keeper.left, keeper.expected)
        writer = _writer(study, workspace, corpus, progress, launch.new_tracking)
        control = Control(workspace.control, progress.say)
        with progress, control.listening(), Upkeep(workspace.ledger, study.name):
            _recall(recorded(ledger), workspace, progress, writer)
            times, pace = keeper.times(ledger, recorded(ledger), machines.capacity if machines else None)
            recorder = _recorder(study, workspace, ledger, (writer, progress, *pace))
            if machines is None:
                progress.say(keeper.parting(recorded(ledger)) or "every trial has ended: nothing is left to train")
            else:
                from uncollapse.study.execution.train_stages import Run, parts_of, tune_on

                tune = tune_on(machines, corpus, workspace, launch.reuse_workers)
                reuse = reusable(study, workspace, progress.say)
                parts = parts_of(study, corpus.digest, workspace, recorder, earlier, times, reuse)
                going_on = partial(keeper.go_on, workspace=workspace)
                Run(tune, machines, workspace, control, progress, launch.trouble, memory, going_on).train(parts)
                if sentence := keeper.parting(recorded(ledger)):
                    progress.say(sentence)
        concluded = conclude(workspace, recorded(ledger), writer, progress)
        return {**concluded, "took": duration(time.monotonic() - started)}


def _slots(machines: "Machines | None", workspace: Workspace) -> Callable[[], int]:
    """How many trials run at once now; every change is written down, by which `status` knows the time left."""
    if machines is None:
        return lambda: 0
    capacity = machines.capacity

    def note(slots: int) -> None:
        workspace.write_facts({**workspace.read_facts(), "slots": slots})

    capacity.changed = note
    note(capacity())
    return lambda: capacity.known


def _announce(study: Study, console: Screen, *, budgeted: bool) -> None:
    """What a study cannot bring, which a budget has said already, and where its grid ends."""
    said = [] if budgeted else [f"warning: {sentence}" for sentence in warnings(study)]
    for sentence in [*said, *grid_sentences.sentences(study)]:
        console.say(sentence)


def _left(keeper: Timekeeper, ledger: Ledger, corpus: Corpus) -> bool:
    """Whether a study that was begun earlier has anything to train in the time it has."""
    times, _ = keeper.times(ledger, recorded(ledger))
    return anything_left(keeper.study, corpus.digest, Recorder(ledger, keeper.study.search.select), times)


def _settle(
    keeper: Timekeeper,
    workspace: Workspace,
    launch: Launch,
    corpus: Corpus,
    machines: "Machines",
    fresh: bool,
    console: Screen,
) -> None:
    """Calibrate where trials run, choose the study's numbers, and write them down before the first trial."""
    console.say("calibrating for the budget: a few updates of every family, some seconds")
    estimates = machines.calibrated(keeper.study, corpus)
    expected = expected_of(estimates, keeper.study.train.epochs)
    keeper.settle(expected, machines.capacity(), fresh, console.say)
    begin(keeper.study, workspace, launch.page, corpus, keeper.facts())


def _machines(study: Study, launch: Launch, clock: Clock, console: Screen) -> "Machines":
    """Join or start Ray, which takes seconds."""
    from uncollapse.study.execution.machines import Machines

    console.say(f"starting Ray {'here' if launch.address is None else 'at ' + launch.address} ...")
    return Machines(study, launch.address, launch.cpus, clock)


def _recorder(study: Study, workspace: Workspace, ledger: Ledger, told: tuple[Listener, ...]) -> Recorder:
    keeper = Keeper(workspace.weights, study.resources.weights_gb * 1e9, study.search.bound)
    return Recorder(ledger, study.search.select, (*told, keeper), limits(study.search.subject_to))


def _writer(study: Study, workspace: Workspace, corpus: Corpus, progress: Progress, anew: bool) -> "Writer":
    """The thread that sends to MLflow, on its way; whatever is wrong there, it is the thread that finds it."""
    from uncollapse.study.results.findings import facts_of
    from uncollapse.study.tracking.projection import Projection
    from uncollapse.study.tracking.writer import Writer

    facts, uri = {"code": code_version(code_of(study.families)), "corpus": corpus.digest}, study.tracking
    place, say = workspace.tracking_uri(uri), progress.say
    projection = Projection(place, study.name, workspace.artifacts, facts, owner=True, anew=anew, say=say)
    writer = Writer(projection, say)
    writer.start()
    writer.submit(partial(projection.describe, facts_of(workspace)))
    return writer


def _recall(earlier: Sequence[TrialRecord], workspace: Workspace, progress: Progress, writer: "Writer") -> None:
    """Take up what an earlier process left."""
    progress.recall(earlier)
    for record in earlier:
        writer(record)
    sweep(workspace.checkpoints, earlier)
