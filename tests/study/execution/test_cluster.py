"""Joining a cluster, before Ray is asked."""

import socket
from pathlib import Path

import pytest
import ray
from ray._private import services

from uncollapse.study.errors import UserError
from uncollapse.study.execution import cluster


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}", "[::1]:{}"])
def test_an_address_at_which_nothing_listens_is_refused_before_ray_is_asked(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray, "init", lambda *given, **named: pytest.fail("Ray takes over a minute to refuse"))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(UserError, match="a Ray cluster has to answer there"):
        cluster.connect(form.format(port), None)


def test_of_a_cluster_that_has_gone_ray_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ray keeps the address of the last `ray start` in a file, and waits for it for as long as one lets it."""
    monkeypatch.setattr(ray, "init", lambda *given, **named: pytest.fail("Ray waits for many minutes"))
    monkeypatch.setattr(services, "find_gcs_addresses", set)  # of other studies on this machine
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    with pytest.raises(UserError, match="--address auto: a Ray cluster has to answer there, and none does"):
        cluster.connect("auto", None)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray" / "ray_current_cluster").write_text(f"127.0.0.1:{port}")
    with pytest.raises(UserError, match=f"none does .*:{port}, where Ray finds the last one: .*refused"):
        cluster.connect("auto", None)


@pytest.mark.parametrize("raised", [RuntimeError("Version mismatch"), ValueError("x"), OSError("y")])
def test_whatever_ray_says_of_a_cluster_is_a_sentence(raised: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def init(*given: object, **named: object) -> None:
        raise raised

    monkeypatch.setattr(ray, "init", init)
    with socket.create_server(("127.0.0.1", 0)) as there, pytest.raises(UserError, match=f"none does .{raised}"):
        cluster.connect(f"127.0.0.1:{there.getsockname()[1]}", None)
