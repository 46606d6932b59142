"""Who holds a study, where the file system has no locks, and where it can only be read."""

import errno
import fcntl
from pathlib import Path

import pytest

from tests.support.full_disk import read_only
from uncollapse.study.errors import UserError
from uncollapse.study.storage.locks import DRIVER, holder, is_owned, is_running, owned, refuse_running


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL])
def test_a_file_system_without_locks_is_said_and_holds_nobody_up(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with owned(tmp_path):
        pass

    def none(file: object, how: int) -> None:
        raise OSError(number, "No locks available")

    monkeypatch.setattr(fcntl, "flock", none)
    with pytest.raises(UserError, match=r"ledger\.lock: .* this file system has no locks .* --runs"), owned(tmp_path):
        pass
    assert not is_running(tmp_path)
    refuse_running(tmp_path)


def test_a_study_that_can_only_be_read_is_asked_about(tmp_path: Path) -> None:
    with owned(tmp_path / "mine"), read_only(tmp_path / "mine", tmp_path / "mount"):
        assert is_owned(tmp_path / "mount")
        assert holder(tmp_path / "mount").startswith("process ")
    with read_only(tmp_path / "mine", tmp_path / "another"):
        assert not is_owned(tmp_path / "another")
        assert not is_running(tmp_path / "another" / "never")


def test_a_lock_that_may_not_be_read_is_held_by_nobody_that_is_known(tmp_path: Path) -> None:
    (tmp_path / DRIVER).mkdir()  # what cannot be opened, also by root
    assert not is_owned(tmp_path)
    assert holder(tmp_path) == "another process"


def test_several_may_ask_at_once(tmp_path: Path) -> None:
    with owned(tmp_path):
        pass
    with (tmp_path / DRIVER).open() as other:
        fcntl.flock(other, fcntl.LOCK_SH)
        assert not is_owned(tmp_path)
