"""A whole study: corpus, search, replicate, report, export. Run again, it goes on where it was."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from uncollapse.study.config.objectives import limits
from uncollapse.study.config.study_page import Study, planned
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.errors import RunError, UserError
from uncollapse.study.execution.clock import Clock
from uncollapse.study.execution.control import PAUSE, STOP, Control
from uncollapse.study.execution.progress import Progress, duration
from uncollapse.study.planning.resume import begin
from uncollapse.study.storage.fingerprints import code_version
from uncollapse.study.storage.ledger import Ledger
from uncollapse.study.storage.locks import owned
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.storage.retention import SUFFIX, Keeper, sweep
from uncollapse.study.storage.tables import recorded
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.training.corpus_info import corpus_info_of
from uncollapse.study.trial_record import TrialRecord

if TYPE_CHECKING:
    from uncollapse.analysis.findings import Findings
    from uncollapse.study.execution.cluster import Capacity
    from uncollapse.study.tracking.writer import Writer

LOSSES = 5  # ends of Ray Tune without progress, after which the run fails
SET_BACK = 10.0  # seconds by which a clock may be corrected unnoticed
PATIENCE = 120.0  # seconds that the end of a study waits for a tracking server


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
    """

    page: str
    address: str | None = None
    cpus: int | None = None
    reuse_workers: bool = True
    to_stderr: bool = False
    trouble: Callable[[str], None] = lambda sentence: None


def run(study: Study, workspace: Workspace, launch: Launch) -> dict[str, Any]:
    """Train whatever the study still lacks, then write its report and its best configurations.

    Returns:
        What happened, as plain data: paths, counts, seconds.

    Raises:
        UserError: the corpus or a changed page is wrong, or another process runs the study.
        RunError: the disk failed.
        KeyboardInterrupt: stopped by the user; nothing is lost.
    """
    from uncollapse.study.stages.stage import anything_left
    from uncollapse.study.stages.warm_start import observations

    console, started = Console(stderr=launch.to_stderr), time.monotonic()
    with owned(workspace.folder):
        workspace.control.unlink(missing_ok=True)  # a word that an earlier process did not live to obey
        corpus = prepare(study.corpus, workspace.corpora, study.folder, lambda sentence: console.print(sentence))
        begin(study, workspace, launch.page, corpus)
        earlier = observations(study, workspace, lambda sentence: console.print(sentence, soft_wrap=True))
        begun, ledger = workspace.recorded, Ledger(workspace.folder, study.name, write=True)
        idle = begun and not anything_left(study, corpus.digest, Recorder(ledger, study.search.select))
        capacity = None if idle else _machines(study, launch, console)
        slots = capacity() if capacity else 0
        progress = Progress(planned(study.settings()), study.search.bound, slots, console)
        writer = _writer(study, workspace, corpus, progress)
        control = Control(workspace.control, progress.say)
        with progress, control.listening():
            _recall(recorded(ledger), workspace, progress, writer)
            keeper = Keeper(workspace.weights, study.resources.weights_gb * 1e9, study.search.bound)
            recorder = Recorder(
                ledger, study.search.select, (writer, progress, keeper), limits(study.search.subject_to)
            )
            if capacity is None:
                progress.say("every trial has ended: nothing is left to train")
            else:
                _Run(study, corpus, recorder, workspace, launch, capacity, control, progress, earlier).train()
        return {**_conclude(workspace, writer, progress), "took": duration(time.monotonic() - started)}


def _machines(study: Study, launch: Launch, console: Console) -> "Capacity":
    """Join or start Ray; raises UserError where not even one trial fits."""
    from uncollapse.study.execution import cluster

    console.print(f"starting Ray {'here' if launch.address is None else 'at ' + launch.address} ...")
    cluster.connect(launch.address, launch.cpus)
    resources = cluster.resources_of(study)
    capacity = cluster.Capacity(resources, study.resources.at_once)
    if capacity() < 1:
        raise UserError(cluster.too_small(resources))
    return capacity


def _writer(study: Study, workspace: Workspace, corpus: Corpus, progress: Progress) -> "Writer":
    """The thread that sends to MLflow, on its way."""
    from uncollapse.study.results.findings import facts_of
    from uncollapse.study.tracking.projection import Projection
    from uncollapse.study.tracking.writer import Writer

    facts = {"code": code_version(), "corpus": corpus.digest}
    projection = Projection(workspace.tracking_uri(study.tracking), study.name, workspace.artifacts, facts)
    writer = Writer(projection, progress.say)
    writer.start()
    writer.submit(partial(projection.describe, facts_of(workspace)))
    return writer


def _recall(earlier: list[TrialRecord], workspace: Workspace, progress: Progress, writer: "Writer") -> None:
    """Take up what an earlier process left."""
    progress.recall(earlier)
    for record in earlier:
        writer(record)
    sweep(workspace.checkpoints, earlier)


@dataclass
class _Run:
    """The two stages that train, each as often as the user pauses it."""

    study: Study
    corpus: Corpus
    recorder: Recorder
    workspace: Workspace
    launch: Launch
    capacity: Callable[[], int]
    control: Control
    progress: Progress
    earlier: Mapping[str, Any]  # what the sampler knows from other studies
    deaths: Counter[str] = field(default_factory=Counter)
    on_cpu: set[str] = field(default_factory=set)
    clock: Clock = field(default_factory=Clock)
    losses: int = 0

    def train(self) -> None:
        from uncollapse.study.execution.worker import Text
        from uncollapse.study.stages.stage import ReplicateStage, SearchStage

        text = Text(self.corpus, corpus_info_of(self.corpus), self.corpus.split("train"), self.corpus.split("valid"))
        search = partial(SearchStage, earlier=self.earlier)
        for kind, full in ((search, False), (ReplicateStage, True)):
            while not self._finished(kind, full, text):
                if self.control.request == PAUSE:
                    self.control.wait_out_the_pause()

    def _finished(self, kind: Any, full: bool, text: Any) -> bool:
        """Run a stage until nothing is left of it; False if the user pauses it, or Tune ends by itself."""
        from uncollapse.study.execution import ray_tune
        from uncollapse.study.execution.dispatcher import Lost

        stage, size = kind(self.study, self.corpus.digest, self.recorder), self.workspace.recorded
        self.progress.enter(stage.name, stage.planned())
        dispatcher, scheduler, resources = self._dispatcher(stage, full)
        self.control.training = True
        try:
            ray_tune.run_stage(
                dispatcher, scheduler, text, resources, self.workspace.scratch, self.launch.reuse_workers
            )
        except Lost as lost:
            self._lost(lost, self.workspace.recorded > size)
            return False
        finally:
            self.control.training = False
        if self.control.request == STOP:
            raise KeyboardInterrupt
        return self.control.request != PAUSE

    def _dispatcher(self, stage: Any, full: bool) -> tuple[Any, Any, dict[str, float]]:
        from uncollapse.study.execution import cluster, ray_tune
        from uncollapse.study.execution.dispatcher import Dispatcher, Surroundings

        resources, scheduler = cluster.resources_of(self.study), ray_tune.LedgerScheduler()
        surroundings = Surroundings(self.capacity, partial(self._waiting, resources), scheduler.kill)
        dispatcher = Dispatcher(
            stage,
            common_job(self.study, full),
            partial(place_of, self.workspace, full and self.study.resources.weights_gb > 0),
            surroundings,
            self.control,
            self.progress.say,
            self._trouble,
            deaths=self.deaths,
            on_cpu=self.on_cpu,
            clock=self.clock,
        )
        return dispatcher, scheduler, resources

    def _lost(self, lost: Exception, progress: bool) -> None:
        """Count ends of Tune without anything new in the ledger; raises RunError when they do not end."""
        from uncollapse.study.execution import cluster

        self.losses = 0 if progress else self.losses + 1
        if self.losses >= LOSSES:
            raise RunError(f"Ray Tune ended by itself {LOSSES} times without getting anywhere; last: {lost}") from lost
        self.progress.say(f"Ray Tune ended by itself ({lost}); what was running goes on from its checkpoints")
        if self.clock.behind > SET_BACK and self.launch.address is None:
            cluster.start_again(self.launch.cpus)
            self.clock.forget()

    def _waiting(self, resources: dict[str, float], trials: int) -> str:
        from uncollapse.study.execution import cluster
        from uncollapse.study.execution.dispatcher import Lost

        what = f"{trials} trials wait for a place" if trials else "no trial can start"
        if self.clock.behind <= SET_BACK:
            return f"nothing trains: {what}; {cluster.shortage(resources)}; the study waits for a node"
        back = f"this machine's clock was set back, and Ray places nothing for {duration(self.clock.behind)}"
        if self.launch.address is None:
            raise Lost(f"{back}, so it is started again")
        return f"nothing trains: {what}; {back}; wait, or start the cluster again and run the study again"

    def _trouble(self, sentence: str) -> None:
        self.progress.say(sentence)
        self.launch.trouble(sentence)


def _conclude(workspace: Workspace, writer: "Writer", progress: Progress) -> dict[str, Any]:
    """Report, export, and whatever MLflow does not have yet."""
    from uncollapse.analysis.report import page as report
    from uncollapse.analysis.report.summary import text
    from uncollapse.study.results import findings
    from uncollapse.study.results.export import export

    progress.say("writing the report")
    found = findings.find(workspace)
    page = report.write(found, workspace.folder)
    exported = export(workspace, found, force=False)
    _project_figures(writer, workspace, found, page.parent)
    if writer.pending:
        progress.say(f"sending what MLflow does not have yet, {PATIENCE:.0f} s at most")
    unsent = writer.close(PATIENCE)
    return {
        "table": text(found),
        "report": str(page),
        "best": [str(path) for path in exported.files],
        "not_exported": exported.refused,
        "confirmed": [str(path) for path in exported.confirmed],
        "unsent": unsent,
        "set_aside": writer.set_aside,
    }


def place_of(workspace: Workspace, keep: bool, key: str) -> dict[str, str]:
    """Where a trial's files lie."""
    weights = str(workspace.weights / f"{key}{SUFFIX}") if keep else ""
    return {"checkpoint": str(workspace.checkpoints / f"{key}.pt"), "weights": weights}


def common_job(study: Study, full: bool) -> dict[str, Any]:
    """What all jobs of a stage share."""
    return {
        "epochs": study.train.epochs,
        "batch_size": study.train.batch_size,
        "precision": study.train.precision,
        "deterministic": study.train.deterministic,
        "evaluate": asdict(study.evaluate),
        "threads": max(1, int(study.resources.cpus)),
        "gpus": study.resources.gpus,
        "epoch_seconds": study.resources.epoch_seconds,
        "full": full,
    }


def _project_figures(writer: "Writer", workspace: Workspace, found: "Findings", report: Path) -> None:
    """Give the study's and the configurations' runs their figures, and the study's run its facts and its report."""
    from uncollapse.study.results.export import figures

    writer.submit(partial(writer.projection.describe, found.study))
    for figure in figures(workspace, found):
        writer.submit(partial(writer.projection.summarise, *figure))
    writer.submit(partial(writer.projection.files, report, "report"))
