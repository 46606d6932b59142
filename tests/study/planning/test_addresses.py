"""Addresses of Ray clusters that are none, or at which nobody listens."""

import socket

import pytest

from uncollapse.study.planning.addresses import address_error

NONE = (
    "",
    " ",
    "inf",
    "local",
    "nowhere",
    "[/red]:9",
    "a b:9",
    "127.0.0.1",
    "127.0.0.1:",
    ":9",
    "::1:9",
    "127.0.0.1:x",
)
NONE += (
    "127.0.0.1:0",
    "127.0.0.1:65536",
    "127.0.0.1:99999999999",
    "http://127.0.0.1:8265",
    "ray://",
    "\x1b[31m:9",
    "ü:9",
)


@pytest.fixture
def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("address", NONE)
def test_what_is_no_address_is_refused_with_what_one_is(address: str) -> None:
    error = address_error(address)
    assert error is not None
    assert error.startswith(f"--address {address}: auto, HOST:PORT or ray://HOST:PORT of a Ray cluster is expected")


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}", "[::1]:{}", "localhost:{}"])
def test_an_address_at_which_nobody_listens_is_said_at_once(form: str, free_port: int) -> None:
    assert "a Ray cluster has to answer there, and none does" in str(address_error(form.format(free_port)))


@pytest.mark.parametrize("host", ["a" * 64 + ".org", "a..b", "-"])
def test_a_host_whose_name_cannot_be_one_is_a_sentence(host: str) -> None:
    assert "none does" in str(address_error(f"{host}:9"))


@pytest.mark.parametrize("form", ["127.0.0.1:{}", "ray://127.0.0.1:{}"])
def test_where_something_listens_ray_is_asked(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as there:
        address = form.format(there.getsockname()[1])
        assert address_error(address) is None
        monkeypatch.setenv("RAY_ADDRESS", address)
        assert address_error("auto") is None


@pytest.mark.parametrize("followed", ["garbage", "local", "http://127.0.0.1:8265", "127.0.0.1:{}"])
def test_of_auto_the_address_that_ray_would_follow_is_judged(
    followed: str, free_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed = followed.format(free_port)
    monkeypatch.setenv("RAY_ADDRESS", followed)
    error = address_error("auto")
    assert error is not None
    assert error.startswith(f"--address auto, which follows RAY_ADDRESS={followed}: ")


@pytest.mark.parametrize("followed", ["", "auto"])
def test_auto_alone_is_looked_up_by_ray(followed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", followed)
    assert address_error("auto") is None
