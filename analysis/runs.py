"""A study's records from MLflow alone, whether a server or a database; no ledger is needed.

A database is asked for whole histories at once, by the five tables that MLflow keeps runs in. A server is asked by the
request that its own page uses for many runs, and by `get_metric_history`, one run and measure at a time, where it
does not know that request. All three ways give the same tables.
"""

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlparse

import numpy as np
import pandas as pd

from analysis.records import CURVE_COLUMNS, TRIAL_COLUMNS, Records
from analysis.tables import PARAM
from study.records import FAILED, FINISHED, REPLICATE, RUNNING, SEARCH, STAGES

TAG, FACTS = "uncollapse.", "facts.json"
AT_ONCE, MOST, PAGE, THREADS = 100, 25_000, 500, 4  # runs and values of one request, runs of one page
UNSAID = {"RUNNING": RUNNING, "SCHEDULED": RUNNING, "FINISHED": FINISHED}  # the state of a run without its tag
PATIENCE = 60  # seconds to wait for a study that writes into the same SQLite file
DATABASES = ("sqlite", "postgresql", "mysql", "mssql")
MANY = "/ajax-api/2.0/mlflow/metrics/get-history-bulk"
COLUMNS = {
    "experiments": ("name", "experiment_id", "lifecycle_stage"),
    "runs": ("run_uuid", "status", "start_time", "artifact_uri", "experiment_id", "lifecycle_stage"),
    "tags": ("run_uuid", "key", "value"),
    "params": ("run_uuid", "key", "value"),
    "metrics": ("run_uuid", "key", "step", "timestamp", "value", "is_nan"),
}
Value = tuple[str, str, int, int, float]  # run, measure, epoch, milliseconds, value


@dataclass(frozen=True)
class Run:
    """A run as MLflow holds it; `measures` names what has a history, where the source needs to know."""

    id: str
    status: str
    started: int
    artifacts: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    measures: Sequence[str] = ()

    def tag(self, name: str) -> str:
        return self.tags.get(TAG + name, "")

    @property
    def number(self) -> int | None:
        """Of the trial; runs of an earlier version have it in a search trial's name only."""
        name = self.tags.get("mlflow.runName", "") if self.tag("stage") == SEARCH else ""
        found = self.tag("number") or name.rpartition(" ")[2]
        return int(found) if found.isdecimal() else None

    @property
    def place(self) -> tuple[int, str, float, int]:
        """Where it stands in the tables."""
        number = np.inf if self.number is None else self.number
        return STAGES.index(self.tag("stage")), self.tag("family"), number, self.started


class Source(Protocol):
    """What the records are read from."""

    def experiments(self) -> dict[str, str]:
        """Ids of the experiments by name."""

    def runs(self, experiment: str) -> list[Run]:
        """Every run of an experiment that is not deleted."""

    def values(self, runs: Sequence[Run]) -> list[Value]:
        """Every value that these runs recorded."""


def records(tracking_uri: str, experiment: str) -> Records:
    """A study's trials, curves, texts and facts from the runs of its experiment.

    The tables are those of the ledger (see `analysis.records`), but for trials that never ran: MLflow has none of them.
    Searched knobs come from the tag `uncollapse.params`. Runs without it, of an earlier version, get a `param.` column
    for every setting that differs between a family's search trials, and no number in `replicate`.
    Texts are fetched when they are asked for. Facts are the study run's `facts.json`; without it, what its trials tell.

    Args:
        tracking_uri: of a server or a database, as for MLflow; of SQLite the file must be there.
        experiment: the study's name.

    Raises:
        ValueError: there is no such database or experiment.
    """
    source = _source(tracking_uri)
    known = source.experiments()
    if experiment not in known:
        there = ", ".join(sorted(known)) or "none"
        raise ValueError(
            f"A study is read from the MLflow experiment of its name; {tracking_uri} has no {experiment!r} "
            f"(there: {there}); check the name and the tracking address."
        )
    every = source.runs(known[experiment])
    runs = _trials(every)
    trials, curves = _tables(runs, _histories(source, runs))
    texts = {run.tag("key"): Files(tracking_uri, run) for run in runs if _leaves_texts(run)}
    own = [Files(tracking_uri, run) for run in every if run.tag("kind") == "study"]
    facts = json.loads(own[0][FACTS]) if own and FACTS in own[0] else _told(experiment, runs, trials)
    return Records(facts, trials, curves, texts)


def _trials(every: Sequence[Run]) -> list[Run]:
    """The runs of trials, in order; of two of one name, as an answer lost on the way leaves, the one that ended."""
    runs = [run for run in every if run.tag("kind") == "trial" and run.tag("stage") in STAGES]
    by_name = {run.tag("run"): run for run in sorted(runs, key=lambda run: bool(run.tag("state")))}
    return sorted(by_name.values(), key=lambda run: run.place)


def _leaves_texts(run: Run) -> bool:
    return run.tag("stage") == REPLICATE and run.tag("state") == FINISHED


def _told(name: str, runs: Sequence[Run], trials: pd.DataFrame) -> dict[str, Any]:
    """The facts that the trials of a study tell."""
    if not runs:
        return {"name": name}
    first, *_ = by_time = sorted(runs, key=lambda run: run.started)
    families = list(dict.fromkeys(run.tag("family") for run in by_time))
    facts = {"name": name, "families": families, "epochs": int(trials["epochs"].max())}
    return facts | {"code_version": first.tag("code"), "corpus": {"digest": first.tag("corpus")}}


def _histories(source: Source, runs: Sequence[Run]) -> pd.DataFrame:
    """A row a run and epoch: `run` (its place), `epoch` and a column a measure."""
    places, rest = {run.id: place for place, run in enumerate(runs)}, iter(runs)
    parts = []
    while some := list(islice(rest, AT_ONCE)):
        if found := source.values(some):
            parts.append(_wide(found, places))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"run": [], "epoch": []}, dtype=int)


def _wide(found: list[Value], places: Mapping[str, int]) -> pd.DataFrame:
    """One column a measure; of a value that was recorded twice, the later."""
    ids, names, steps, times, values = zip(*found, strict=True)
    order = np.argsort(np.fromiter(times, np.int64), kind="stable")
    runs, epochs = np.fromiter(map(places.__getitem__, ids), np.int64), np.fromiter(steps, np.int64)
    column, measures = pd.factorize(np.array(names, dtype=object), sort=True)
    span = int(epochs.max()) + 1
    at, row = np.unique(runs * span + epochs, return_inverse=True)
    cells = np.full((len(at), len(measures)), np.nan)
    cells[row[order], column[order]] = np.fromiter(values, float)[order]
    table = pd.DataFrame(cells, columns=list(measures))
    return pd.concat([pd.DataFrame({"run": at // span, "epoch": at % span}), table], axis=1)


def _tables(runs: Sequence[Run], histories: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(trials, curves) as the ledger gives them; what is measured once, after training, stands in the last epoch."""
    keys, absent = np.array([run.tag("key") for run in runs], dtype=object), pd.Series(np.nan, histories.index)
    head = {"key": keys[histories["run"]], "epoch": histories["epoch"]}
    head["updates"] = histories.get("cost/updates", absent)
    measured = [name for name in histories if "/" in str(name) and not str(name).startswith("valid/")]
    curves = pd.concat([pd.DataFrame(head, columns=[*CURVE_COLUMNS]), histories[measured]], axis=1)
    by_run, places = histories.groupby("run"), range(len(runs))
    trials = pd.DataFrame(_rows(runs), columns=None if runs else [*TRIAL_COLUMNS])
    trials["epochs"] = by_run.size().reindex(places, fill_value=0)
    seconds = histories.get("cost/seconds", absent).groupby(histories["run"]).sum()
    trials["seconds"] = seconds.reindex(places, fill_value=0.0).astype(float)
    last = histories.drop_duplicates("run", keep="last").set_index("run").drop(columns="epoch")
    return trials.join(last), curves


def _rows(runs: Sequence[Run]) -> list[dict[str, Any]]:
    return [
        {
            "key": run.tag("key"),
            "family": run.tag("family"),
            "stage": run.tag("stage"),
            "number": run.number,
            "configuration": run.tag("configuration"),
            "seed": int(run.tag("seed")),
            "state": run.tag("state") or UNSAID.get(run.status, FAILED),
            "cause": run.tag("cause"),
            "audit": run.tag("audit") == "true",
            "epochs": 0,
            "seconds": 0.0,
            **{PARAM + name: value for name, value in params.items()},
        }
        for run, params in zip(runs, _searched(runs), strict=True)
    ]


def _searched(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """The searched knobs of each run."""
    varied = {family: _varied(runs, family) for family in {run.tag("family") for run in runs if not run.tag("params")}}
    return [
        json.loads(run.tag("params"))
        if run.tag("params")
        else {name: _typed(run.params[name]) for name in varied[run.tag("family")] if name in run.params}
        for run in runs
    ]


def _varied(runs: Sequence[Run], family: str) -> list[str]:
    """Settings that differ between a family's search trials."""
    own = [run.params for run in runs if run.tag("family") == family and run.tag("stage") == SEARCH]
    return [name for name in sorted(set().union(*own)) if len({params.get(name) for params in own}) > 1]


def _typed(text: str) -> Any:
    """What `str` was applied to, of the kinds that a setting can be."""
    words: Mapping[str, bool | None] = {"True": True, "False": False, "None": None}
    if text in words:
        return words[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


class Files(Mapping[str, str]):
    """A run's small artifacts by name, fetched when they are asked for and then kept."""

    def __init__(self, uri: str, run: Run) -> None:
        place = urlparse(run.artifacts)
        self.uri, self.run, self.kept = uri, run, dict[str, str]()
        self.folder = Path(unquote(place.path)) if place.scheme in ("", "file") else None

    @cached_property
    def names(self) -> list[str]:
        if self.folder is not None:
            return sorted(path.name for path in self.folder.glob("*") if path.is_file())
        return sorted(file.path for file in self._client().list_artifacts(self.run.id) if not file.is_dir)

    def __getitem__(self, name: str) -> str:
        if name not in self.names:
            raise KeyError(name)
        if name not in self.kept:
            self.kept[name] = self._read(name)
        return self.kept[name]

    def _read(self, name: str) -> str:
        if self.folder is not None:
            return (self.folder / name).read_text(encoding="utf-8")
        with tempfile.TemporaryDirectory() as here:
            return Path(self._client().download_artifacts(self.run.id, name, here)).read_text(encoding="utf-8")

    def _client(self) -> Any:
        from mlflow import MlflowClient

        return MlflowClient(tracking_uri=self.uri)

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def _source(uri: str) -> Source:
    if uri.partition(":")[0].partition("+")[0] in DATABASES:
        database = Database(uri)
        if database.readable():
            return database
    return Client(uri)


class Database:
    """MLflow's own tables, asked directly: its Python objects cost ten times as much as the values they hold."""

    def __init__(self, uri: str) -> None:
        import sqlalchemy as sql

        place = sql.make_url(uri)
        alone = place.get_backend_name() == "sqlite"
        if alone and not Path(place.database or "").is_file():
            raise ValueError(
                f"A study is read from an MLflow database that is there; {uri} names no file; "
                "check the path, or the folder you started in."
            )
        patience = {"timeout": PATIENCE} if alone else {}
        self.engine = sql.create_engine(uri, connect_args=patience)
        self.select, self.inspect, self.no = sql.select, sql.inspect, sql.false()
        self.tables = {name: sql.table(name, *map(sql.column, columns)) for name, columns in COLUMNS.items()}

    def readable(self) -> bool:
        """Whether the tables are those of the MLflow that this was written for."""
        inspector = self.inspect(self.engine)
        there = {name: inspector.get_columns(name) for name in inspector.get_table_names() if name in COLUMNS}
        found = {name: {column["name"] for column in columns} for name, columns in there.items()}
        return all(set(columns) <= found.get(name, set()) for name, columns in COLUMNS.items())

    def _ask(self, query: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(query).fetchall())

    def experiments(self) -> dict[str, str]:
        table = self.tables["experiments"].c
        found = self._ask(self.select(table.name, table.experiment_id).where(table.lifecycle_stage == "active"))
        return {name: str(number) for name, number in found}

    def runs(self, experiment: str) -> list[Run]:
        table = self.tables["runs"].c
        own = (table.experiment_id == int(experiment)) & (table.lifecycle_stage == "active")
        found = self._ask(self.select(table.run_uuid, table.status, table.start_time, table.artifact_uri).where(own))
        tags = self._pairs("tags", own)
        told = all(TAG + "params" in pairs for pairs in tags.values() if pairs.get(TAG + "kind") == "trial")
        params = {} if told else self._pairs("params", own)
        return [
            Run(run, status, started, place, tags.get(run, {}), params.get(run, {}))
            for run, status, started, place in found
        ]

    def _pairs(self, name: str, own: Any) -> dict[str, dict[str, str]]:
        """Keys and values of a table by run."""
        pairs, runs = self.tables[name], self.tables["runs"]
        of = pairs.join(runs, pairs.c.run_uuid == runs.c.run_uuid)
        found: dict[str, dict[str, str]] = {}
        for run, key, value in self._ask(self.select(*pairs.c).select_from(of).where(own)):
            found.setdefault(run, {})[key] = value
        return found

    def values(self, runs: Sequence[Run]) -> list[Value]:
        table = self.tables["metrics"].c
        of = table.run_uuid.in_([run.id for run in runs]) & (table.is_nan == self.no)
        query = self.select(table.run_uuid, table.key, table.step, table.timestamp, table.value).where(of)
        plain = str(query.compile(self.engine, compile_kwargs={"literal_binds": True}))
        connection = self.engine.raw_connection()  # tuples at half the cost of SQLAlchemy's rows
        try:
            cursor = connection.cursor()
            cursor.execute(plain)
            return list(cursor.fetchall())
        finally:
            connection.close()


class Client:
    """MLflow's client: a server, or any other store that it knows."""

    def __init__(self, uri: str) -> None:
        from mlflow import MlflowClient

        self.uri, self.client, self.many = uri, MlflowClient(tracking_uri=uri), uri.startswith("http")

    def experiments(self) -> dict[str, str]:
        found = _pages(lambda token: self.client.search_experiments(page_token=token))
        return {one.name: one.experiment_id for one in found}

    def runs(self, experiment: str) -> list[Run]:
        found = _pages(lambda token: self.client.search_runs([experiment], max_results=PAGE, page_token=token))
        return [
            Run(
                one.info.run_id,
                one.info.status,
                one.info.start_time,
                one.info.artifact_uri,
                one.data.tags,
                one.data.params,
                tuple(one.data.metrics),
            )
            for one in found
        ]

    def values(self, runs: Sequence[Run]) -> list[Value]:
        having: dict[str, list[str]] = {}
        for run in runs:
            for name in run.measures:
                having.setdefault(name, []).append(run.id)
        with ThreadPoolExecutor(THREADS) as pool:
            return [value for found in pool.map(self._history, having, having.values()) for value in found]

    def _history(self, name: str, runs: list[str]) -> list[Value]:
        found = self._at_once(name, runs) if self.many else None
        if found is not None:
            return found
        every = ((run, one) for run in runs for one in self.client.get_metric_history(run, name))
        return [(run, one.key, one.step, one.timestamp, one.value) for run, one in every]

    def _at_once(self, name: str, runs: list[str]) -> list[Value] | None:
        """The history of many runs in one request; None where the server does not know it, or cuts it short."""
        from mlflow.utils.credentials import get_default_host_creds
        from mlflow.utils.rest_utils import http_request

        wish = {"run_id": runs, "metric_key": name, "max_results": MOST}
        answer = http_request(get_default_host_creds(self.uri), MANY, "GET", params=wish)
        if answer.status_code != 200 or "json" not in answer.headers.get("Content-Type", ""):
            self.many = False
            return None
        found = answer.json()["metrics"]
        if len(found) >= MOST:
            return None
        return [(one["run_id"], one["key"], one["step"], one["timestamp"], one["value"]) for one in found]


def _pages(ask: Any) -> list[Any]:
    """Everything that a search finds, page by page."""
    page = ask(None)
    found = list(page)
    while page.token:
        page = ask(page.token)
        found += page
    return found
