"""MLflow as a projection of the ledger.

The ledger is the spool: what MLflow should hold follows from it, so nothing is kept twice. Projecting a trial again is
harmless, because every value carries the time at which it was recorded.
"""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, Run, RunTag
from mlflow.exceptions import MlflowException
from sqlalchemy.exc import SQLAlchemyError

from uncollapse.analysis.dotted import flatten
from uncollapse.analysis.schema import DIVERGED, DROPPED, ENDED, FAILED, FINISHED, MISSING, REPLICATE, STOPPED
from uncollapse.study.config.tracking_uri import database
from uncollapse.study.errors import first_line
from uncollapse.study.tracking import stores, views
from uncollapse.study.tracking.database import Busy, client
from uncollapse.study.tracking.merging import TAG, by_key, fullest, merge
from uncollapse.study.tracking.relocation import relocate
from uncollapse.study.trial_record import TrialRecord

STATUS = {FINISHED: "FINISHED", STOPPED: "FINISHED", DIVERGED: "FAILED", FAILED: "FAILED", DROPPED: "KILLED"}
PERMANENT = ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "INVALID_STATE")
METRICS, PARAMS = 1000, 100  # of one request


class Projection:
    """The runs of one study in MLflow: one for the study, one a configuration, one a trial.

    Nothing is asked of a store before `open`, which may take seconds and is the writer's to call.

    Args:
        uri: of the tracking server or database; absolute.
        study: the experiment's name.
        artifacts: where artifacts go on SQLite, also where they went elsewhere before; a server has a place of its own.
        facts: tags of every run, such as code version and corpus hash.
        home: `artifacts` is where the study's files are, and not only where those of a new experiment would go.
        owner: this process holds the study, and so may merge what is double.
        anew: put aside a database or an experiment that cannot be used, and begin a new one.
        say: told what was put aside.
    """

    client: MlflowClient

    def __init__(
        self,
        uri: str,
        study: str,
        artifacts: Path,
        facts: Mapping[str, str],
        *,
        home: bool = True,
        owner: bool = False,
        anew: bool = False,
        say: Callable[[str], None] = lambda sentence: None,
    ) -> None:
        self.uri, self.study, self.facts, self.say = uri, study, dict(facts), say
        self.home, self.owner, self.anew = home, owner, anew
        self.merged: list[str] = []  # names of runs that were double
        self.file = database(uri)
        self.artifacts = artifacts
        self.experiment = ""
        self.runs: dict[str, str] = {}
        self.described: set[str] = set()
        self.doubtful: set[str] = set()  # whose making was asked for and not answered
        self.sent: dict[str, int] = {}
        self.ended: dict[str, tuple[int, str]] = {}  # number and state of what is there whole

    def open(self) -> None:
        """Find or make database and experiment, and find its runs; a new SQLite file takes seconds.

        Raises:
            Unusable: the database or the experiment cannot be used until somebody does something.
            Busy: another process keeps the database for itself.
        """
        self.client = stores.opened(self.uri, self.study, self.anew, self.say)
        found = stores.experiment(self.client, self.uri, self.study, self.anew, self.say)
        self.experiment = found.experiment_id if found else self._made()
        for tag, value in views.tags(self.study).items():
            if not found or tag not in found.tags:  # what a person changed there stays
                self.client.set_experiment_tag(self.experiment, tag, value)
        if found and self.file and self.home:
            relocate(self.file, self.experiment, found.artifact_location, self.artifacts)
        for name, runs in by_key(every := self.every_run()).items():
            self._know(name, self._merge(name, runs, every) if self.owner else fullest(runs))

    def _merge(self, name: str, runs: Sequence[Run], every: Sequence[Run]) -> Run:
        if len(runs) > 1:
            self.merged.append(name)
        return merge(self.client, runs, every)

    def _made(self) -> str:
        location = self.artifacts.resolve().as_uri() if self.file else None
        return self.client.create_experiment(self.study, artifact_location=location)

    def _know(self, name: str, run: Run) -> None:
        self.runs[name] = run.info.run_id
        self.sent[name] = int(run.data.tags.get(TAG + "epochs_sent", 0)) if run.info.status != "RUNNING" else 0
        if run.info.status != "RUNNING" and TAG + "state" in run.data.tags:
            self.ended[name] = int(run.data.tags[TAG + "number"]), run.data.tags[TAG + "state"]
        if run.data.params:
            self.described.add(name)

    def check(self) -> None:
        """Raise `Unusable` if the experiment was deleted since it was opened."""
        stores.refuse_deleted(self.client.get_experiment(self.experiment), self.uri)

    def forget(self, name: str) -> None:
        """Delete a trial's run, which can be restored in MLflow, so that it is projected anew."""
        self.client.delete_run(self.runs.pop(name))
        self.described.discard(name)
        self.sent.pop(name, None)
        self.ended.pop(name, None)

    def settle(self) -> None:
        """Merge what became double because a server took a run after it had seemed not to."""
        if not self.doubtful:
            return
        every = self.every_run()
        runs = by_key(every)
        for name in sorted(self.doubtful & runs.keys()):
            self.runs[name] = self._merge(name, runs[name], every).info.run_id
        self.doubtful.clear()

    def every_run(self) -> list[Any]:
        """All runs of the experiment, with their latest values."""
        found: list[Any] = []
        token = None
        while True:
            page = self.client.search_runs([self.experiment], max_results=1000, page_token=token)
            found += page
            token = page.token
            if not token:
                return found

    def study_run(self) -> str:
        """The run that holds the report; parent of all others."""
        return self._run("study", self.study, None, {"kind": "study"}, {}, int(time.time() * 1000))

    def describe(self, facts: Mapping[str, Any]) -> None:
        """Put what a study is beside its run, from which `analysis.mlflow_runs.runs` reads it."""
        self.client.log_text(self.study_run(), json.dumps(facts, indent=2, default=str), "facts.json")

    def trial(self, record: TrialRecord) -> None:
        """Bring a trial's run up to its record."""
        name = name_of(record)
        number, state = self.ended.get(name, (record.number, ""))
        if record.state == MISSING or (number, state) == (record.number, record.state):
            return
        if number != record.number:  # a seed that failed and is entered again
            self.sent[name] = 0
            del self.ended[name]
        run = self._run(
            name, trial_name(record), self.parent(record), _tags(record), _params(record), milliseconds(record.started)
        )
        new = record.epochs[self.sent.get(name, 0) :]
        self.log_metrics(
            run, [one for epoch in new for one in metrics_of(epoch, int(epoch["epoch"]), milliseconds(epoch["time"]))]
        )
        self.sent[name] = len(record.epochs)
        if record.state in ENDED:
            self.end_trial(run, record)
            self.ended[name] = record.number, record.state

    def end_trial(self, run: str, record: TrialRecord) -> None:
        last = len(record.epochs)
        self.log_metrics(run, metrics_of(record.final, last, milliseconds(record.ended)))
        for file, content in record.artifacts.items():
            self.client.log_text(run, content, file)
        tags = {TAG + "state": record.state, TAG + "cause": record.cause[:4000], TAG + "epochs_sent": str(last)}
        tags[TAG + "kept_epoch"] = str(record.kept_epoch)
        tags[TAG + "number"] = str(record.number)  # a failed seed that was entered again has a new one
        self.client.log_batch(run, tags=[RunTag(key, value) for key, value in tags.items()])
        self.client.set_terminated(run, STATUS[record.state], milliseconds(record.ended))

    def parent(self, record: TrialRecord) -> str:
        """The run under which a trial's run stands, made if it is not there: its configuration's, or the study's."""
        if record.stage != REPLICATE:
            return self.study_run()
        title = f"{record.family} {record.configuration_id} (configuration)"
        tags = {"kind": "configuration", "family": record.family, "configuration": record.configuration_id}
        tags["role"] = record.role
        return self._run(
            configuration_name(record), title, self.study_run(), tags, _params(record), milliseconds(record.started)
        )

    def _run(
        self, name: str, title: str, parent: str | None, tags: Mapping[str, str], params: Mapping[str, str], start: int
    ) -> str:
        """The run called `name`, made if it is not there."""
        if name not in self.runs:
            every = {TAG + "run": name, TAG + "study": self.study}
            every |= {TAG + key: value for key, value in {**self.facts, **tags}.items()}
            every |= {"mlflow.parentRunId": parent} if parent else {}
            self.runs[name] = self._taken(name) or self._create(name, title, every, start)
        if params and name not in self.described:
            for chunk in _chunks([Param(key, value) for key, value in params.items()], PARAMS):
                self.client.log_batch(self.runs[name], params=chunk)
            self.described.add(name)
        return self.runs[name]

    def _taken(self, name: str) -> str | None:
        """The run that a server made when it did not answer."""
        if name not in self.doubtful:
            return None
        found = self.client.search_runs([self.experiment], f"tags.`{TAG}run` = '{name}'")
        return fullest(found).info.run_id if found else None

    def _create(self, name: str, title: str, tags: Mapping[str, str], start: int) -> str:
        """A new run; the one request that is not harmless to send twice."""
        try:
            run = self.client.create_run(self.experiment, start_time=start, tags=dict(tags), run_name=title)
        except Exception:
            self.doubtful.add(name)
            raise
        return str(run.info.run_id)

    def log_metrics(self, run: str, metrics: list[Metric]) -> None:
        for chunk in _chunks(metrics, METRICS):
            self.client.log_batch(run, metrics=chunk)

    def summarise(self, name: str, metrics: Mapping[str, float], artifacts: Mapping[str, str], when: float) -> None:
        """Give the run of a configuration, or of the study, its figures and small artifacts, and end it."""
        run = self.study_run() if name == "study" else self.runs[name]
        self.log_metrics(run, metrics_of(metrics, 0, milliseconds(when)))
        for file, content in artifacts.items():
            self.client.log_text(run, content, file)
        self.client.set_terminated(run, "FINISHED")

    def afterwards(
        self, kind: str, tags: Mapping[str, str], params: Mapping[str, str], metrics: list[Metric], folder: Path
    ) -> str:
        """A run of its own for what follows a study, `final` training or `transfer`, with its files; returns its id."""
        now, title = time.time_ns(), f"{tags['family']} {kind}"
        run = self._run(f"{kind}/{now}", title, self.study_run(), {"kind": kind, **tags}, params, now // 1_000_000)
        self.log_metrics(run, metrics)
        self.client.log_artifacts(run, str(folder), kind)
        self.client.set_terminated(run, "FINISHED")
        return run

    def files(self, folder: Path, place: str) -> None:
        """A folder of artifacts of the study's run."""
        self.client.log_artifacts(self.study_run(), str(folder), place)


def experiments(uri: str) -> dict[str, str]:
    """The newest ten studies that a store holds, by name, with their numbers; none where it cannot be asked."""
    kept = f"tags.`{views.VIEW}configurations` LIKE '%'"
    try:
        found = client(uri).search_experiments(max_results=10, filter_string=kept)
    except (MlflowException, SQLAlchemyError, Busy):
        return {}
    return {experiment.name: experiment.experiment_id for experiment in found}


def refusal(uri: str) -> str | None:
    """Why a server does not answer who asks with this process's login; None if it does."""
    try:
        MlflowClient(tracking_uri=uri).search_experiments(max_results=1)
    except MlflowException as error:
        return first_line(error)
    return None


def permanent(error: Exception) -> bool:
    """Whether the store will never take what it refused, however often it is sent."""
    if isinstance(error, MlflowException):
        return error.error_code in PERMANENT
    if isinstance(error, OSError) and not isinstance(error, ConnectionError | TimeoutError):
        return error.errno is not None  # a file could not be written; errors of a connection have no number
    return isinstance(error, LookupError | TypeError | AttributeError)  # a mistake of ours does not mend itself


def name_of(record: TrialRecord) -> str:
    """The key of a trial's run, by which it is found again."""
    return f"{record.stage}/{record.key}"


def configuration_name(record: TrialRecord) -> str:
    """The key of the run of a trial's configuration."""
    return f"configuration/{record.family}/{record.configuration_id}"


def trial_name(record: TrialRecord) -> str:
    """What tells a run apart in a list: family, place, and the searched hyperparameters that fit."""
    if record.stage == REPLICATE:
        return f"{record.family} {record.configuration_id} seed {record.seed}"
    return f"{record.family} search {record.number}"


def _tags(record: TrialRecord) -> dict[str, str]:
    return {
        "kind": "trial",
        "stage": record.stage,
        "family": record.family,
        "configuration": record.configuration_id,
        "number": str(record.number),
        "seed": str(record.seed),
        "key": record.key,
        "audit": str(record.audit).lower(),
        "origin": record.origin,
        "role": record.role,
        "reused_from": record.reused_from,
        "params": json.dumps(
            dict(record.params), default=str
        ),  # the searched ones: parameters are all that is resolved
    }


def _params(record: TrialRecord) -> dict[str, str]:
    """The resolved configuration, flattened; the same for every trial of a configuration but for the seed."""
    return {"family": record.family, **parameters(record.configuration)}


def parameters(settings: Mapping[str, Any]) -> dict[str, str]:
    """Nested settings by dotted name, as MLflow takes them."""
    return {name: str(value)[:6000] for name, value in flatten(settings)}


def metrics_of(values: Mapping[str, float], step: int, timestamp: int) -> list[Metric]:
    return [Metric(name, float(value), timestamp, step) for name, value in values.items() if "/" in name]


def milliseconds(seconds: float) -> int:
    return int(seconds * 1000)


def _chunks(items: Sequence[Any], size: int) -> list[list[Any]]:
    return [list(items[start : start + size]) for start in range(0, len(items), size)]
