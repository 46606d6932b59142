"""Joining a cluster, before Ray is asked."""

import socket

import pytest
import ray

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
