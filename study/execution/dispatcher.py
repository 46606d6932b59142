"""Keeps a stage and Ray Tune in step: jobs out, reports in, what died again. Knows no ray."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from uncollapse.analysis.counted import counted
from uncollapse.analysis.schema import OUT_OF_TIME, RUNNING
from uncollapse.study.disk_faults import disk_error_in
from uncollapse.study.errors import RunError
from uncollapse.study.execution.control import Control
from uncollapse.study.execution.job import Jobs
from uncollapse.study.execution.surroundings import Memory, Surroundings, Told, Unplaced
from uncollapse.study.execution.worker import Event, where_it_hung
from uncollapse.study.stages.stage import Stage
from uncollapse.study.storage.retention import discard
from uncollapse.study.trial_record import TrialRecord

DEATHS, HANGS = 3, 1  # of a trial's process without another epoch, which are forgiven
TAKEN_AWAY = "its node was taken away"  # nothing that a trial did, however often
GRACE = 60.0  # seconds after which a worker that should have ended itself is killed from here
QUIET = 60.0  # seconds without any running trial after which the reason is said, and again after as many
TROUBLING = 10  # times that it is said before somebody is to be woken


@dataclass
class Live:
    """A trial that Tune has."""

    record: TrialRecord
    heard: float | None = None  # when it last reported; None until a worker has begun it
    hung: bool = False

    @property
    def key(self) -> str:
        return self.record.key

    def silent(self, seconds: float) -> bool:
        """Whether it has begun and said nothing for so long."""
        return self.heard is not None and time.monotonic() - self.heard > seconds


class Idle:
    """For how long no trial has been running, and how often that was said."""

    def __init__(self) -> None:
        self.since, self.said = time.monotonic(), 0

    def over(self) -> None:
        """A trial runs."""
        self.since, self.said = time.monotonic(), 0

    def due(self) -> bool:
        """Whether it is to be said now, and is then taken for said."""
        due = time.monotonic() - self.since > QUIET * (self.said + 1)
        self.said += due
        return due


class Dispatcher:
    """One stage on its way.

    Args:
        stage: what is next, and what is stopped.
        jobs: what its workers are given.
        surroundings: of the run.
        control: the user's requests.
        told: who hears of it.
        memory: of the run.
    """

    def __init__(
        self, stage: Stage, jobs: Jobs, surroundings: Surroundings, control: Control, told: Told, memory: Memory
    ) -> None:
        self.stage, self.recorder, self.jobs = stage, stage.recorder, jobs
        self.surroundings, self.control, self.told, self.memory = surroundings, control, told, memory
        self.live: dict[str, Live] = {}
        self.again: deque[TrialRecord] = deque()
        self.idle = Idle()
        self.error: BaseException | None = None

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
        return {"job": self.jobs.of(record)}

    @property
    def done(self) -> bool:
        """Whether no trial will come any more; asked when `next_job` had none."""
        return not self.live and (self.leaving or self.surroundings.capacity() > 0)

    def take(self, trial_id: str, report: Mapping[str, Any]) -> bool:
        """Record a report; whether the trial is to be stopped."""
        if self.error:
            return True
        live = self.live[trial_id]
        live.heard = time.monotonic()
        self.idle.over()
        match Event(report["event"]):
            case Event.BEGUN:
                self._begun(live.key, report)
            case Event.EPOCH:
                return self._epoch(live.key, report["record"])
            case Event.FINISHED:
                self.recorder.finish(live.key, report["final"], report["artifacts"], report["kept_epoch"])
            case Event.DIVERGED:
                self.recorder.diverge(live.key, report["cause"])
            case Event.FAILED:
                self.recorder.fail(live.key, report["cause"])
            case Event.BLOCKED:
                raise RunError(report["cause"])
        return False

    def _begun(self, key: str, report: Mapping[str, Any]) -> None:
        self.recorder.place(key, report["device"], report["source"])
        if self.jobs.common["gpus"] > 0 and report["device"] == "cpu" and report["host"] not in self.memory.on_cpu:
            self.memory.on_cpu.add(report["host"])
            self.told.trouble(
                f"resources.gpus: Ray counts a GPU on {report['host']} and torch sees none there; its trials train on "
                "the CPU, which is slower and rounds differently"
            )

    def _epoch(self, key: str, epoch: Mapping[str, float]) -> bool:
        record = self.recorder.epoch(key, epoch)
        if record is not None:
            self.memory.deaths.pop(key, None)
            if self.stage.stops(record):
                self.recorder.stop(key)
                return True
            if self.stage.out_of_time(record):
                self.recorder.stop(key, OUT_OF_TIME)
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
        if error and self.recorder.state(live.key) == RUNNING:  # one that has ended may die as it leaves
            self._died(live, error)
        elif self.recorder.state(live.key) == RUNNING and not self.control.request:
            self.recorder.fail(live.key, "it left without a result")
        if self.recorder.state(live.key) != RUNNING:
            discard(self.jobs.checkpoint(live.key))

    def lose(self, cause: str) -> None:
        """Ray Tune has ended under its trials: each goes on from its checkpoint when the stage is begun again."""
        for trial_id in list(self.live):
            self.leave(trial_id, cause)

    def _died(self, live: Live, error: str) -> None:
        if (blocked := disk_error_in(error)) is not None:
            raise RunError(blocked)
        where = where_it_hung(self.jobs.checkpoint(live.key))
        hung = live.hung or bool(where)
        cause = self._hang(where) if hung else error
        self.memory.deaths[live.key] += error != TAKEN_AWAY
        times = self.memory.deaths[live.key]
        if times > (HANGS if hung else DEATHS):
            last = f"its process died {counted(times, 'time')} without finishing another epoch; last: {cause}"
            self.recorder.fail(live.key, last)
            return
        self.again.append(live.record)
        self.told.say(f"{live.record.family} {live.record.number}: its process died and it goes on elsewhere ({cause})")

    def _hang(self, where: str) -> str:
        limit = f"no epoch within {self.jobs.common['epoch_seconds']:g} s, resources.epoch_seconds"
        return f"{limit}; it was in {where}" if where else limit

    def tick(self) -> None:
        """Look after what does not report by itself; raises what ends the run."""
        self.memory.clock.look()
        self.control.look()
        if self.error:
            raise self.error
        if self.control.request and not self._training:
            raise Unplaced
        self._watch()
        self._complain()

    @property
    def _training(self) -> bool:
        return any(live.heard is not None for live in self.live.values())

    def _watch(self) -> None:
        """Kill a worker that is silent for longer than it was told to be; as a rule it has ended itself by then."""
        limit = self.jobs.common["epoch_seconds"] + GRACE
        for trial_id, live in self.live.items():
            if live.silent(limit) and not live.hung:
                live.hung = True
                self.surroundings.kill(trial_id)

    def _complain(self) -> None:
        if self._training:
            self.idle.over()
        elif self.idle.due():
            sentence = self.surroundings.shortage(len(self.live))
            if self.idle.said == TROUBLING:
                self.told.trouble(sentence)
            else:
                self.told.say(sentence)

    @contextmanager
    def keeping(self) -> Iterator[None]:
        """Tune swallows what is raised in its callbacks and trains on: keep it, and raise it where the run ends."""
        try:
            yield
        except BaseException as error:
            self.error = self.error or error
