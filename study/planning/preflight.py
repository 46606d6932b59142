"""What can be known to be wrong before anything starts: corpus, folder, resources, tracking server. Free of torch."""

import os
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

from uncollapse.study.config.study_page import Study
from uncollapse.study.config.tracking_uri import database
from uncollapse.study.corpora.check import check
from uncollapse.study.planning import corpus_compatibility
from uncollapse.study.planning.able import weight_errors
from uncollapse.study.planning.addresses import address_error
from uncollapse.study.proxies import past_proxies, proxy_between
from uncollapse.study.storage.workspace import Workspace, writable

SERVER_SECONDS = 5.0


def errors(study: Study, workspace: Workspace, address: str | None, offered: int | None = None) -> list[str]:
    """Every error of a study's surroundings, one sentence each.

    Args:
        study: that is to run.
        workspace: where.
        address: of a Ray cluster; None for this machine.
        offered: CPUs of this machine that trials may use; None for all.
    """
    found = check(study.corpus, study.folder) + corpus_compatibility.errors(study)
    if (error := writable(workspace.runs)) is not None:
        found.append(error)
    if address is None:
        found += _resource_errors(study, offered) + weight_errors(study)
    elif (error := address_error(address)) is not None:
        found.append(error)
    if study.tracking is not None and not workspace.facts.exists():
        found += tracking_errors(study.tracking)  # a study under way goes on without its server
    return found


def _resource_errors(study: Study, offered: int | None) -> list[str]:
    found, cpus, gpus = [], local_cpus(), local_gpus()
    if offered is not None and not 1 <= offered <= cpus:
        found.append(
            f"--cpus: from 1 to {cpus:,}, which is what this process may use of the machine, found {offered:,}; leave "
            "it out for all of them, and lower `resources.cpus` to train more trials at once"
        )
        offered = None
    if study.resources.gpus > gpus:
        found.append(
            f"resources.gpus: a trial can use the GPUs that exist, and this machine has {gpus}, "
            f"found {study.resources.gpus:g}; lower it, or join a cluster with --address"
        )
    if study.resources.cpus > (offered or cpus):
        there = f"this machine has {cpus}" if offered is None else f"--cpus offers {offered} of this machine's"
        found.append(
            f"resources.cpus: a trial can use the CPUs that exist, and {there}, "
            f"found {study.resources.cpus:g}; lower it, or join a cluster with --address"
        )
    return found


def local_cpus() -> int:
    """CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def local_gpus() -> int:
    """GPUs that this machine shows, without loading torch."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return len([device for device in visible.split(",") if device.strip() not in ("", "-1")])
    if shutil.which("nvidia-smi") is None:
        return 0
    listed = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return sum(line.startswith("GPU ") for line in listed.stdout.splitlines())


def tracking_errors(uri: str) -> list[str]:
    """Why a tracking URI cannot be used now."""
    past_proxies()
    scheme = urllib.parse.urlparse(uri).scheme
    if scheme in ("http", "https"):
        return _server_errors(uri)
    if scheme.partition("+")[0] == "sqlite":
        return _file_errors(uri)
    if scheme == "postgresql":
        return [f"tracking: PostgreSQL with its driver named, postgresql+psycopg2://..., found {uri!r}"]
    if scheme in ("postgresql+psycopg2", "mysql+pymysql"):
        return []
    return [f"tracking: a server (http://...) or a database (sqlite:////...), found {uri!r}"]


def _file_errors(uri: str) -> list[str]:
    path = database(uri)
    if path is None or not path.is_absolute():
        return [f"tracking: an SQLite URI is absolute, sqlite:////folder/mlflow.db, found {uri!r}"]
    if "?" in uri:
        return [f"tracking: an SQLite URI names a file and no options; of a path write ? as %3F, found {uri!r}"]
    return []


def _server_errors(uri: str) -> list[str]:
    try:
        with urllib.request.urlopen(uri.rstrip("/") + "/health", timeout=SERVER_SECONDS):
            return _login_errors(uri)
    except urllib.error.HTTPError as error:
        if error.code in (401, 403):  # a server that asks for a password is there
            return _login_errors(uri)
        reason: object = f"it answers {error.code}"
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
    remedy = "start it, or leave `tracking` out for SQLite beside the study"
    if (proxy := proxy_between(uri)) is not None:
        reason = f"{reason}; it was asked through the proxy of the environment ({proxy})"
        remedy = "if the proxy refused, name the server's host in no_proxy; else " + remedy
    return [f"tracking: the MLflow server must answer before a study begins, and {uri} does not ({reason}); {remedy}"]


def _login_errors(uri: str) -> list[str]:
    from uncollapse.study.tracking.projection import refusal

    if (reason := refusal(uri)) is None:
        return []
    proxy = proxy_between(uri)
    between = f"; it was asked through the proxy of the environment ({proxy}), which may have refused" if proxy else ""
    beside = ", or name the server's host in no_proxy" if proxy else ""
    return [
        f"tracking: the MLflow server must let a study in, and {uri} does not ({reason}{between}); set "
        f"MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN{beside}"
    ]
