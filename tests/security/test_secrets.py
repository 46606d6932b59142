"""A secret in a tracking URI is refused where it is given, is not repeated, and is told where it belongs."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import models
from tests.support.arbitrary_pages import Answer, ask
from tests.support.exported_files import CORPUS, exported
from uncollapse.study.config.tracking_uri import uri_error
from uncollapse.study.corpora.prepare import prepare

SECRET = "hunter2canary"
CARRYING = (
    f"http://user:{SECRET}@127.0.0.1:9",
    f"http://{SECRET}@127.0.0.1:9",
    f"HTTPS://user:{SECRET}@example.org/mlflow",
    f"https://example.org/?token={SECRET}",
    f"https://example.org/?API_KEY={SECRET}",
    f"postgresql://user:{SECRET}@127.0.0.1/db",
    f"postgresql+psycopg2://user:p/{SECRET}@x@127.0.0.1/db",
    f"postgresql://127.0.0.1/db?user=u&password={SECRET}",
    f"mysql+pymysql://user:{SECRET}@127.0.0.1/db",
    f"user:{SECRET}@127.0.0.1",
    f"http://user:{SECRET}@[::1",
)
HARMLESS = (
    "http://127.0.0.1:5000",
    "https://example.org/mlflow?workspace=a",
    "postgresql://user@127.0.0.1:5432/db?sslmode=require",
    "mysql://user@127.0.0.1/db?read_default_file=/home/user/.my.cnf",
    "sqlite:////home/user@work:1/my runs/mlflow.db",
)


def refused(answer: Answer, place: str) -> None:
    assert answer.code == 2
    assert SECRET not in answer.err + answer.out
    (error,) = [error for error in answer.errors if place in error]
    for part in (
        "MLFLOW_TRACKING_USERNAME",
        "MLFLOW_TRACKING_PASSWORD",
        "MLFLOW_TRACKING_TOKEN",
        "PGPASSWORD",
        ".pgpass",
    ):
        assert part in error


@pytest.mark.parametrize("uri", CARRYING)
def test_in_a_page(uri: str, tmp_path: Path) -> None:
    content: dict[str, Any] = {"study": "mine", "corpus": {"name": "cafes"}, "families": ["vmf"], "tracking": uri}
    page = models.write(tmp_path / "page.yaml", yaml.safe_dump(content))
    for words in (("plan", str(page), "--no-calibrate"), ("run", str(page)), ("run", str(page), "--json")):
        refused(ask(*words, "--runs", str(tmp_path / "runs")), "page.yaml: tracking: ")
    assert list(tmp_path.iterdir()) == [page]


@pytest.mark.parametrize("uri", CARRYING)
def test_in_an_exported_file(uri: str, tmp_path: Path) -> None:
    corpus = prepare(CORPUS, tmp_path / "runs" / "corpora", tmp_path)
    file = models.write(tmp_path / "vmf.yaml", yaml.safe_dump(exported("vmf", corpus, tracking=uri)))
    refused(ask("train", str(file), "--edited", "--runs", str(tmp_path / "runs")), "vmf.yaml: tracking: ")
    assert not (tmp_path / "vmf").exists()


@pytest.mark.parametrize("uri", CARRYING)
def test_on_the_command_line_of_ui(uri: str, tmp_path: Path) -> None:
    refused(ask("ui", "--tracking", uri, "--runs", str(tmp_path)), "--tracking: ")


@pytest.mark.parametrize("uri", HARMLESS)
def test_a_uri_without_a_secret_is_taken(uri: str) -> None:
    assert uri_error(uri) is None


@pytest.mark.parametrize("uri", ["http://[::1", "http://127.0.0.1:port", "http://127.0.0.1:99999", "http://a b"])
def test_a_uri_that_is_none_is_refused_in_a_sentence(uri: str, tmp_path: Path) -> None:
    content: dict[str, Any] = {"study": "mine", "corpus": {"name": "cafes"}, "families": ["vmf"], "tracking": uri}
    page = models.write(tmp_path / "page.yaml", yaml.safe_dump(content))
    answer = ask("plan", str(page), "--no-calibrate", "--runs", str(tmp_path / "runs"))
    assert answer.code == 2
    assert answer.errors == [f"uncollapse: page.yaml: tracking: a URI such as http://127.0.0.1:5000, found {uri!r}"]
