"""A study whose driver is started again when it dies, in the foreground or left behind in the background."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from uncollapse.analysis.counted import counted
from uncollapse.study.execution.control import NOW, STOP, asked
from uncollapse.study.execution.notification import FAILED, TROUBLE, News
from uncollapse.study.execution.signals import handled
from uncollapse.study.storage.locks import SUPERVISOR, owned
from uncollapse.study.storage.workspace import Workspace

FAILED_RUN, STOPPED = 1, 130
IN_VAIN = 3  # of a driver that is started again when it dies: every trial failed, and would again
FINAL = (0, 2, IN_VAIN, STOPPED)  # exit codes after which starting again changes nothing
DEATHS = 20  # without anything new in the ledger, after which it is given up
FIRST_WAIT, LONGEST_WAIT = 2.0, 300.0  # seconds


class Supervisor:
    """Runs a driver until it ends for good.

    A driver that was killed, or ended with code 1 (a full disk, a lost cluster), is started again after a wait that
    doubles; whatever it adds to the ledger sets the count and the wait back. Signals are passed on, so that stopping
    the supervisor stops both.

    Args:
        command: of the driver.
        workspace: of the study.
        news: told of every death.
        say: told the same, for the log.
    """

    def __init__(self, command: Sequence[str], workspace: Workspace, news: News, say: Callable[[str], None]) -> None:
        self.command, self.workspace, self.news, self.say = command, workspace, news, say
        self.driver: subprocess.Popen[bytes] | None = None
        self.stopped = False

    def run(self) -> int:
        """The last exit code."""
        with handled(self._pass_on), owned(self.workspace.folder, SUPERVISOR):
            return self._run()

    def _run(self) -> int:
        deaths, wait = 0, FIRST_WAIT
        while True:
            before = self.workspace.recorded
            own = {**os.environ, "UNCOLLAPSE_SUPERVISOR": str(os.getpid())}
            with subprocess.Popen(self.command, start_new_session=True, env=own) as self.driver:
                code = self.driver.wait()
            if code in FINAL or self.stopped:
                return FAILED_RUN if code == IN_VAIN else code
            if self.workspace.recorded > before:
                deaths, wait = 0, FIRST_WAIT
            deaths += 1
            if deaths > DEATHS:
                self.news(FAILED, f"the driver died {counted(deaths, 'time')} without getting anywhere and is given up")
                return code
            self._tell(f"the driver ended with {_how(code)} and is started again in {wait:.0f} s")
            if self._stopped_within(wait):
                return STOPPED
            wait = min(LONGEST_WAIT, 2 * wait)

    def _stopped_within(self, seconds: float) -> bool:
        """Wait before another life, unless `uncollapse stop` asks for none."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if asked(self.workspace.control) in (STOP, NOW):
                self.workspace.control.unlink(missing_ok=True)
                return True
            time.sleep(0.5)
        return False

    def _tell(self, sentence: str) -> None:
        self.say(sentence)
        self.news(TROUBLE, sentence)

    def _pass_on(self, number: int, frame: Any) -> None:
        self.stopped = True
        if self.driver is None or self.driver.poll() is not None:
            raise KeyboardInterrupt  # between two lives
        self.driver.send_signal(number)


def _how(code: int) -> str:
    return f"signal {signal.Signals(-code).name}" if code < 0 else f"code {code}"


def leave_behind(command: Sequence[str], log: Path) -> int:
    """Start a command in a session of its own, its output appended to a log; returns its process number."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    process.returncode = 0  # it is not waited for, and that is meant
    return process.pid


def again(words: Sequence[str], without: Sequence[str]) -> list[str]:
    """The command that the user typed, less some of its flags, for a process of its own."""
    return [sys.executable, "-P", "-m", "uncollapse", *(word for word in words if word not in without)]
