"""Where runs are read from: MLflow's tables in a database, or its client. Both give the same runs and values."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from uncollapse.analysis.schema import SEARCH, STAGES

TAG = "uncollapse."
MOST, PAGE, THREADS = 25_000, 500, 4  # values of one request, runs of one page
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


def source(uri: str) -> Source:
    """The tables of a database where they are those that are known, else MLflow's client."""
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

        request = {"run_id": runs, "metric_key": name, "max_results": MOST}
        answer = http_request(get_default_host_creds(self.uri), MANY, "GET", params=request)
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
