"""A whole study: corpus, search, replicate, report, export. Run again, it goes on where it was."""

import datetime
import importlib.metadata
import platform
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from study import ledger
from study.book import Book
from study.corpora.corpus import Corpus
from study.corpora.prepare import prepare
from study.errors import UserError
from study.identity import code_version
from study.ledger import Ledger
from study.progress import Progress, duration
from study.records import REPLICATE, SEARCH
from study.results import records
from study.specification import Study
from study.workspace import Workspace

PACKAGES = ("ray", "optuna", "torch", "mlflow", "numpy", "spacy", "uncollapse")
MAY_GROW = (("search", "trials"), ("replicate", "configurations"), ("replicate", "seeds"))
MAY_CHANGE = ("resources", "tracking", "export")
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
    from analysis.summary import text
    from study import reporting, tuning
    from study.export import export
    from study.tracking import Projection, Writer

    console, started = Console(stderr=launch.to_stderr), time.monotonic()
    with ledger.owned(workspace.folder):
        corpus = prepare(study.corpus, workspace.corpora, study.folder, lambda sentence: console.print(sentence))
        begin(study, workspace, launch.page, corpus)
        console.print(f"starting Ray {'here' if launch.address is None else 'at ' + launch.address} ...")
        tuning.connect(launch.address, launch.cpus)
        resources = {"cpu": study.resources.cpus, "gpu": study.resources.gpus}
        slots = tuning.slots(resources)
        if slots < 1:
            raise UserError(tuning.too_small(resources))
        facts = {"code": code_version(), "corpus": corpus.digest}
        progress = Progress(planned(study), study.search.select, slots, console)
        writer = Writer(
            Projection(workspace.tracking_uri(study.tracking), study.name, workspace.artifacts, facts), progress.say
        )
        writer.start()
        with progress:
            book = Book(Ledger(workspace.folder, study.name, write=True), study.search.select, (writer, progress))
            earlier = records(workspace.folder, study.name)
            progress.recall(earlier)
            for record in earlier:
                writer(record)
            _train(study, corpus, book, workspace, slots, resources, progress, launch.reuse_workers)
        report = reporting.write(workspace)
        exported = export(workspace, force=False)
        _project_figures(writer, workspace, report.parent)
        unsent = writer.close(PATIENCE)
    return {
        "table": text(reporting.gather(workspace)),
        "report": str(report),
        "best": [str(path) for path in exported.files],
        "not_exported": exported.refused,
        "seconds": time.monotonic() - started,
        "unsent": unsent,
        "set_aside": writer.set_aside,
        "took": duration(time.monotonic() - started),
    }


def _train(
    study: Study,
    corpus: Corpus,
    book: Book,
    workspace: Workspace,
    slots: int,
    resources: Mapping[str, float],
    progress: Progress,
    reuse_workers: bool,
) -> None:
    from study import tuning
    from study.stages import ReplicateStage, SearchStage

    train, valid = corpus.split("train"), corpus.split("valid")
    for kind, full in ((SearchStage, False), (ReplicateStage, True)):
        stage = kind(study, corpus.digest, book)
        progress.enter(stage.name)
        conductor = tuning.Conductor(stage, common_job(study, corpus, full), workspace.checkpoints, slots)
        tuning.run_stage(conductor, train, valid, resources, workspace.scratch, reuse_workers)


def common_job(study: Study, corpus: Corpus, full: bool) -> dict[str, Any]:
    """What all jobs of a stage share."""
    return {
        "vocabulary": len(corpus.vocabulary),
        "epochs": study.train.epochs,
        "batch_size": study.train.batch_size,
        "effort": asdict(study.evaluate),
        "threads": max(1, int(study.resources.cpus)),
        "gpus": study.resources.gpus,
        "full": full,
    }


def planned(study: Study) -> dict[str, dict[str, int]]:
    """Trials of each family in each stage."""
    replicas = study.replicate.configurations * study.replicate.seeds
    names = [family.name for family in study.families]
    return {SEARCH: dict.fromkeys(names, study.search.trials), REPLICATE: dict.fromkeys(names, replicas)}


def begin(study: Study, workspace: Workspace, page: str, corpus: Corpus) -> None:
    """Write the study's facts, or check that a study which goes on is still the same study.

    Raises:
        UserError: the page was changed in a way that would mix two studies.
    """
    settings = study.settings()
    created = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    if workspace.facts.exists():
        known = workspace.read_facts()
        if found := changes(known, settings, corpus.digest):
            raise UserError([f"{study.name}: {fault}" for fault in found])
        created = known["created"]
    packages = {name: importlib.metadata.version(name) for name in PACKAGES} | {"python": platform.python_version()}
    held = {"name": corpus.name, "digest": corpus.digest, "facts": dict(corpus.facts)}
    facts = {"study": study.name, "page": page, "created": created, "code": code_version(), "packages": packages}
    workspace.write_facts({**facts, "folder": str(study.folder.resolve()), "corpus": held, "settings": settings})


def changes(known: Mapping[str, Any], settings: Mapping[str, Any], corpus: str) -> list[str]:
    """Why a study cannot go on under these settings; an empty list if it can."""
    found = []
    remedy = "put it back, or give the study another name"
    if known["code"] != code_version():
        found.append(
            f"it was begun with the training code {known['code']} and this is {code_version()}; one study is "
            "trained by one code: go on with that version, or give the study another name"
        )
    if known["corpus"]["digest"] != corpus:
        found.append(f"its corpus was {known['corpus']['digest']} and is now {corpus}; {remedy}")
    before = known["settings"]
    for key in settings.keys() | before.keys():
        if key in MAY_CHANGE or key == "corpus" or _plain(settings.get(key)) == _plain(before.get(key)):
            continue
        found += _section_changes(key, before.get(key), settings.get(key), remedy)
    return sorted(found)


def _section_changes(key: str, before: Any, now: Any, remedy: str) -> list[str]:
    if not (isinstance(before, Mapping) and isinstance(now, Mapping)):
        return [f"`{key}` was {before!r} and is now {now!r}; {remedy}"]
    found = []
    for name in sorted(before.keys() | now.keys()):
        old, new = before.get(name), now.get(name)
        grows = (key, name) in MAY_GROW and isinstance(old, int) and isinstance(new, int) and new >= old
        if _plain(old) != _plain(new) and not grows:
            rule = "it may only grow" if (key, name) in MAY_GROW else remedy
            found.append(f"`{key}.{name}` was {old!r} and is now {new!r}; {rule}")
    return found


def _plain(value: Any) -> Any:
    """As it looks after a round through JSON."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _project_figures(writer: Any, workspace: Workspace, report: Path) -> None:
    """Give the study's and the configurations' runs their figures, and the study's run its report."""
    from study.export import figures

    for name, metrics, artifacts, when in figures(workspace):
        writer.submit(
            lambda name=name, metrics=metrics, artifacts=artifacts, when=when: writer.projection.summarise(
                name, metrics, artifacts, when
            )
        )
    writer.submit(lambda: writer.projection.files(report, "report"))
