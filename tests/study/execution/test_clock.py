"""How far a clock stands behind where it has been."""

import time

import pytest

from uncollapse.study.execution.clock import Clock


def test_it_is_behind_only_what_it_has_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    true = time.time
    clock = Clock()
    monkeypatch.setattr(time, "time", lambda: true() + 600)
    clock.look()
    assert clock.behind == pytest.approx(0, abs=1)
    monkeypatch.setattr(time, "time", lambda: true() - 600)
    clock.look()
    assert clock.behind == pytest.approx(1200, abs=1)
    clock.forget()
    assert clock.behind == pytest.approx(0, abs=1)
