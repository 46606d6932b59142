"""A study's experiment in a new SQLite database of MLflow."""

from pathlib import Path

from uncollapse.study.tracking.projection import Projection


def opened(folder: Path) -> Projection:
    projection = Projection(f"sqlite:///{folder / 'mlflow.db'}", "s", folder / "artifacts", {"code": "abc"})
    projection.open()
    return projection
