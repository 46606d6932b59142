"""A run's small artifacts, fetched when they are asked for."""

import tempfile
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

from uncollapse.analysis.mlflow_runs.sources import Run


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
            self.kept[name] = self.fetch(name)
        return self.kept[name]

    def fetch(self, name: str) -> str:
        """The text, from the store."""
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
