"""Final models in MLflow's registry, on a real store: they load back and encode text."""

from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from tests.support.exported_files import CORPUS, exported
from uncollapse.models.evaluation.encoding import measuring
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.corpora.prepare import prepare
from uncollapse.study.results import final_training
from uncollapse.study.serving.bundle import encode, pack, unpack
from uncollapse.study.serving.registry import register
from uncollapse.study.tracking.final_runs import log_final

TEXTS = ["the cafe is cheap", "a lovely pub in the centre", "xyzzy"]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    runs = tmp_path_factory.mktemp("runs")
    return prepare(CORPUS, runs / "corpora", runs)


def trained(name: str, corpus: Corpus, folder: Path) -> tuple[dict[str, Any], Path]:
    origin = {"study": "made", "configuration": "c1", "code": "abc"}
    content = exported(name, corpus, **{"tracking": f"sqlite:///{folder / 'mlflow.db'}", "from": origin})
    out = folder / "best" / name
    final_training.train(content, corpus.folder.parent, out, lambda sentence: None)
    return content, out


@pytest.mark.parametrize("name", ["vat", "maxpool"])
def test_a_packed_model_encodes_as_the_trained_one(name: str, corpus: Corpus, tmp_path: Path) -> None:
    _, out = trained(name, corpus, tmp_path)
    found = unpack(pack(out, corpus, tmp_path / "packed"))
    assert not list((tmp_path / "packed").glob("*.npy")), "no text of the corpus goes along"
    vectors = encode(found, TEXTS)
    assert np.array(vectors).shape == (3, 6)
    np.testing.assert_allclose(encode(found, TEXTS[1:2]), vectors[1:2], atol=1e-5)
    with measuring(found.model, 0), pytest.raises(ValueError, match="is expected, found 'nothing'"):
        encode(found, TEXTS, "nothing")


@pytest.mark.filterwarnings("ignore::pandas.errors.Pandas4Warning")  # MLflow under pandas 3
def test_a_registered_model_is_loaded_and_encodes_text(corpus: Corpus, tmp_path: Path) -> None:
    content, out = trained("maxpool", corpus, tmp_path)
    _, run = log_final(content, [], {"valid/nll_iw": 1.0}, out)
    assert register(content, corpus, out, run, "made-maxpool") == "models:/made-maxpool/1"
    place = register(content, corpus, out, run, "made-maxpool")
    assert place == "models:/made-maxpool/2"
    client = MlflowClient(tracking_uri=content["tracking"])
    version = client.get_model_version("made-maxpool", "2")
    assert version.tags["uncollapse.study"] == "made"
    assert version.tags["uncollapse.corpus"] == f"cafes {corpus.digest}"
    data = client.get_run(run).inputs.dataset_inputs
    assert {one.dataset.digest for one in data} == {corpus.digest}
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(content["tracking"])
    try:
        model = mlflow.pyfunc.load_model(place)
    finally:
        mlflow.set_tracking_uri(before)
    assert model.metadata.signature.inputs.input_names() == ["text"]
    vectors = model.predict(pd.DataFrame({"text": TEXTS}))
    np.testing.assert_allclose(vectors, encode(unpack(pack(out, corpus, tmp_path / "packed")), TEXTS), atol=1e-6)
    sums = model.predict(pd.DataFrame({"text": TEXTS}), params={"vectors": "sum"})
    assert sums.shape[0] == 3
    assert not np.allclose(sums[:, :6], vectors)
