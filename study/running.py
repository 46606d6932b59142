"""A whole study: corpus, search, replicate, report, export. Run again, it goes on where it was."""

import time
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from study import ledger
from study.book import Book
from study.continuation import begin
from study.corpora.corpus import Corpus
from study.corpora.prepare import prepare
from study.errors import UserError
from study.identity import code_version
from study.ledger import Ledger
from study.lexicons import lexicon_of
from study.progress import Progress, duration
from study.results import records
from study.specification import Study, planned
from study.workspace import Workspace

if TYPE_CHECKING:
    from analysis.findings import Findings
    from study.tracking_writer import Writer

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
    """

    page: str
    address: str | None = None
    cpus: int | None = None
    reuse_workers: bool = True
    to_stderr: bool = False


def run(study: Study, workspace: Workspace, launch: Launch) -> dict[str, Any]:
    """Train whatever the study still lacks, then write its report and its best configurations.

    Returns:
        What happened, as plain data: paths, counts, seconds.

    Raises:
        UserError: the corpus or a changed page is at fault, or another process runs the study.
        KeyboardInterrupt: stopped by the user; nothing is lost.
    """
    from study import tuning
    from study.reporting import facts_of
    from study.tracking import Projection
    from study.tracking_writer import Writer

    console, started = Console(stderr=launch.to_stderr), time.monotonic()
    with ledger.owned(workspace.folder):
        corpus = prepare(study.corpus, workspace.corpora, study.folder, lambda sentence: console.print(sentence))
        begin(study, workspace, launch.page, corpus)
        console.print(f"starting Ray {'here' if launch.address is None else 'at ' + launch.address} ...")
        tuning.connect(launch.address, launch.cpus)
        slots = tuning.slots(_resources(study))
        if slots < 1:
            raise UserError(tuning.too_small(_resources(study)))
        progress = Progress(planned(study.settings()), study.search.select, slots, console)
        facts = {"code": code_version(), "corpus": corpus.digest}
        projection = Projection(workspace.tracking_uri(study.tracking), study.name, workspace.artifacts, facts)
        writer = Writer(projection, progress.say)
        writer.start()
        writer.submit(partial(projection.describe, facts_of(workspace)))
        with progress:
            earlier = records(workspace.folder, study.name)
            progress.recall(earlier)
            for record in earlier:
                writer(record)
            book = Book(Ledger(workspace.folder, study.name, write=True), study.search.select, (writer, progress))
            _train(study, corpus, book, workspace, slots, progress, launch.reuse_workers)
        return {**_conclude(workspace, writer, progress), "took": duration(time.monotonic() - started)}


def _conclude(workspace: Workspace, writer: "Writer", progress: Progress) -> dict[str, Any]:
    """Report, export, and whatever MLflow does not have yet."""
    from analysis import report
    from analysis.summary import text
    from study import reporting
    from study.export import export

    progress.say("writing the report")
    found = reporting.find(workspace)
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
        "unsent": unsent,
        "set_aside": writer.set_aside,
    }


def _resources(study: Study) -> dict[str, float]:
    """What one trial occupies, as Ray names it."""
    return {"cpu": study.resources.cpus, "gpu": study.resources.gpus}


def _train(
    study: Study,
    corpus: Corpus,
    book: Book,
    workspace: Workspace,
    slots: int,
    progress: Progress,
    reuse_workers: bool,
) -> None:
    from study import tuning
    from study.stages import ReplicateStage, SearchStage
    from study.worker import Text

    text = Text(corpus, lexicon_of(corpus), corpus.split("train"), corpus.split("valid"))
    for kind, full in ((SearchStage, False), (ReplicateStage, True)):
        stage = kind(study, corpus.digest, book)
        progress.enter(stage.name, stage.planned())
        conductor = tuning.Conductor(stage, common_job(study, full), workspace.checkpoints, slots)
        tuning.run_stage(conductor, text, _resources(study), workspace.scratch, reuse_workers)


def common_job(study: Study, full: bool) -> dict[str, Any]:
    """What all jobs of a stage share."""
    return {
        "epochs": study.train.epochs,
        "batch_size": study.train.batch_size,
        "evaluate": asdict(study.evaluate),
        "threads": max(1, int(study.resources.cpus)),
        "gpus": study.resources.gpus,
        "full": full,
    }


def _project_figures(writer: "Writer", workspace: Workspace, found: "Findings", report: Path) -> None:
    """Give the study's and the configurations' runs their figures, and the study's run its report."""
    from study.export import figures

    for figure in figures(workspace, found):
        writer.submit(partial(writer.projection.summarise, *figure))
    writer.submit(partial(writer.projection.files, report, "report"))
