"""Keeps a stage and Ray Tune in step: jobs out, reports in, what died again. Knows no ray."""

import json
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uncollapse.analysis.schema import RUNNING
from uncollapse.study.errors import RunError
from uncollapse.study.execution import worker
from uncollapse.study.execution.clock import Clock
from uncollapse.study.execution.control import Control
from uncollapse.study.stages.stage import Stage
from uncollapse.study.storage.recorder import job_of
from uncollapse.study.trial_record import TrialRecord

DEATHS, HANGS = 3, 1  # of a trial's process without another epoch, which are forgiven
TAKEN_AWAY = "its node was taken away"  # nothing that a trial did, however often
GRACE = 60.0  # seconds after which a worker that should have ended itself is killed from here
QUIET = 60.0  # seconds without any running trial after which the reason is said, and again after as many


@dataclass
class Live:
    """A trial that Tune has."""

    record: TrialRecord
    heard: float | None = None  # when it last reported; None until a worker has begun it
    hung: bool = False


@dataclass(frozen=True)
class Surroundings:
    """What a dispatcher asks of the machines.

    Args:
        capacity: trials that fit at once, now.
        shortage: the sentence for trials that wait and find no place; raises `Lost` where only another Ray helps.
        kill: ends the process that trains a trial, by Tune's name of the trial.
    """

    capacity: Callable[[], int]
    shortage: Callable[[int], str]
    kill: Callable[[str], None]


@dataclass
class Dispatcher:
    """One stage on its way.

    Args:
        stage: what is next, and what is stopped.
        common: what all jobs share.
        place: of a trial's files, by its key: its checkpoint, and its weights or "" where none are kept.
        surroundings: of the run.
        control: the user's requests.
        say: told of what goes wrong and what is done about it.
        trouble: told of what may not mend itself.
    """

    stage: Stage
    common: Mapping[str, Any]
    place: Callable[[str], Mapping[str, str]]
    surroundings: Surroundings
    control: Control
    say: Callable[[str], None]
    trouble: Callable[[str], None] = lambda sentence: None
    live: dict[str, Live] = field(default_factory=dict)
    again: deque[TrialRecord] = field(default_factory=deque)
    deaths: Counter[str] = field(default_factory=Counter)
    on_cpu: set[str] = field(default_factory=set)
    clock: Clock = field(default_factory=Clock)
    error: BaseException | None = None
    busy: float = field(default_factory=time.monotonic)  # when a trial was last running
    waits: int = 0

    @property
    def leaving(self) -> bool:
        return self.error is not None or bool(self.control.request)

    def next_job(self, trial_id: str) -> dict[str, str] | None:
        """The settings of Tune's next trial; None when there is none now, see `done`."""
        if self.leaving or len(self.live) >= self.surroundings.capacity():
            return None
        record = self.again.popleft() if self.again else self.stage.next_trial()
        if record is None:
            return None
        self.live[trial_id] = Live(record)
        job = job_of(record, {**self.common, **self.place(record.key)})
        return {"job": json.dumps(job)}

    @property
    def done(self) -> bool:
        """Whether no trial will come any more; asked when `next_job` had none."""
        return not self.live and (self.leaving or self.surroundings.capacity() > 0)

    def checkpoint(self, key: str) -> Path:
        return Path(self.place(key)["checkpoint"])

    def take(self, trial_id: str, report: Mapping[str, Any]) -> bool:
        """Record a report; whether the trial is to be stopped."""
        if self.error:
            return True
        live, recorder = self.live[trial_id], self.stage.recorder
        live.heard, self.busy, self.waits = time.monotonic(), time.monotonic(), 0
        key = live.record.key
        match report["event"]:
            case worker.BEGUN:
                self._begun(key, report)
            case worker.EPOCH:
                return self._epoch(key, report["record"])
            case worker.FINISHED:
                recorder.finish(key, report["final"], report["artifacts"])
            case worker.DIVERGED:
                recorder.diverge(key, report["cause"])
            case worker.FAILED:
                recorder.fail(key, report["cause"])
            case worker.BLOCKED:
                raise RunError(report["cause"])
        return False

    def _begun(self, key: str, report: Mapping[str, Any]) -> None:
        self.stage.recorder.place(key, report["device"])
        if self.common["gpus"] > 0 and report["device"] == "cpu" and report["host"] not in self.on_cpu:
            self.on_cpu.add(report["host"])
            self.trouble(
                f"resources.gpus: Ray counts a GPU on {report['host']} and torch sees none there; its trials train on "
                "the CPU, which is slower and rounds differently"
            )

    def _epoch(self, key: str, epoch: Mapping[str, float]) -> bool:
        record = self.stage.recorder.epoch(key, epoch)
        if record is not None:
            self.deaths.pop(key, None)
            if self.stage.stops(record):
                self.stage.recorder.stop(key)
                return True
        return bool(self.control.request)

    def leave(self, trial_id: str, error: str = "") -> None:
        """A trial has left its worker; one whose process died goes to the head of the queue.

        Args:
            error: what killed the process; "" if it ended by itself.
        """
        live = self.live.pop(trial_id, None)
        if live is None or self.error:
            return
        key, recorder = live.record.key, self.stage.recorder
        if error:
            self._died(live, error)
        elif recorder.state(key) == RUNNING and not self.control.request:
            recorder.fail(key, "it left without a result")
        if recorder.state(key) != RUNNING:
            worker.discard(self.checkpoint(key))

    def lose(self, cause: str) -> None:
        """Ray Tune has ended under its trials: each goes on from its checkpoint when the stage is begun again."""
        for trial_id in list(self.live):
            self.leave(trial_id, cause)

    def _died(self, live: Live, error: str) -> None:
        key = live.record.key
        where = worker.where_it_hung(self.checkpoint(key))
        hung = live.hung or bool(where)
        cause = self._hang(where) if hung else error
        self.deaths[key] += error != TAKEN_AWAY
        if self.deaths[key] > (HANGS if hung else DEATHS):
            times = self.deaths[key]
            self.stage.recorder.fail(
                key, f"its process died {times} times without finishing another epoch; last: {cause}"
            )
            return
        self.again.append(live.record)
        self.say(f"{live.record.family} {live.record.number}: its process died and it goes on elsewhere ({cause})")

    def _hang(self, where: str) -> str:
        limit = f"no epoch within {self.common['epoch_seconds']:g} s, resources.epoch_seconds"
        return f"{limit}; it was in {where}" if where else limit

    def tick(self) -> None:
        """Look after what does not report by itself; raises what ends the run."""
        self.clock.look()
        self.control.look()
        if self.error:
            raise self.error
        if self.control.request and all(live.heard is None for live in self.live.values()):
            raise Unplaced
        self._watch()
        self._complain()

    def _watch(self) -> None:
        """Kill a worker that is silent for longer than it was told to be; as a rule it has ended itself by then."""
        limit = self.common["epoch_seconds"] + GRACE
        now = time.monotonic()
        for trial_id, live in self.live.items():
            if live.heard is not None and now - live.heard > limit and not live.hung:
                live.hung = True
                self.surroundings.kill(trial_id)

    def _complain(self) -> None:
        now = time.monotonic()
        if any(live.heard is not None for live in self.live.values()):
            self.busy, self.waits = now, 0
        elif now - self.busy > QUIET * (self.waits + 1):
            self.waits += 1
            (self.trouble if self.waits == 10 else self.say)(self.surroundings.shortage(len(self.live)))

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Tune swallows what is raised in its callbacks and trains on: keep it, and raise it where the run ends."""
        try:
            yield
        except BaseException as error:
            self.error = self.error or error


class Lost(RuntimeError):
    """Ray Tune has ended by itself, as it does in Ray 2.60 when a node runs out of memory."""


class Unplaced(Exception):
    """The user stops the study while no trial has found a place: there is nothing to wait for."""
