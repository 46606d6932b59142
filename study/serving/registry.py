"""A final model in MLflow's registry, with its signature, its data and the study it came from."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec

from uncollapse.study.config.tracking_uri import plain
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.serving import pyfunc
from uncollapse.study.serving.bundle import pack

SIGNATURE = ModelSignature(
    inputs=Schema([ColSpec("string", "text")]),
    outputs=Schema([TensorSpec(np.dtype("float64"), (-1, -1))]),
    params=ParamSchema([ParamSpec("vectors", "string", "")]),
)


def register(content: Mapping[str, Any], corpus: Corpus, folder: Path, run: str, name: str) -> str:
    """Log a final model to its run and register it; returns its place in the registry, `models:/NAME/VERSION`.

    Args:
        content: the exported file.
        corpus: of the training.
        folder: what the training left.
        run: of the final training in MLflow.
        name: in the registry; a new name or one with earlier versions.
    """
    uri = plain(content["tracking"])
    client = MlflowClient(tracking_uri=uri)
    client.log_inputs(run, [_data(corpus, split) for split in ("train", "valid", "test")])
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    try:
        with tempfile.TemporaryDirectory() as place, mlflow.start_run(run_id=run):
            made = mlflow.pyfunc.log_model(
                name="model",
                python_model=pyfunc.__file__,
                artifacts={"model": str(pack(folder, corpus, Path(place) / "model"))},
                signature=SIGNATURE,
                input_example=pd.DataFrame({"text": ["a sentence to encode"]}),  # MLflow tries the model on it
                pip_requirements=["uncollapse"],
                registered_model_name=name,
            )
    finally:
        mlflow.set_tracking_uri(before)
    version = str(made.registered_model_version)
    for tag, value in _origin(content, corpus).items():
        client.set_model_version_tag(name, version, tag, value)
    return f"models:/{name}/{version}"


def _origin(content: Mapping[str, Any], corpus: Corpus) -> dict[str, str]:
    origin = content["from"]
    known = {"family": content["family"], "seed": str(content["seed"]), "corpus": f"{corpus.name} {corpus.digest}"}
    known |= {"study": origin["study"], "configuration": origin["configuration"], "code": origin["code"]}
    return {f"uncollapse.{key}": str(value) for key, value in known.items()}


def _data(corpus: Corpus, split: str) -> DatasetInput:
    """A split as MLflow knows data: by name and digest, without its texts."""
    sentences = len(corpus.split(split))
    data = Dataset(
        f"{corpus.name} {split}", corpus.digest, "uncollapse", f"corpus {corpus.digest}", None, f"{sentences}"
    )
    return DatasetInput(data, [InputTag("mlflow.data.context", split)])
