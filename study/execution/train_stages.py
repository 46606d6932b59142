"""The two stages that train, one after the other, each begun again as often as it is paused or Ray Tune loses it."""

from collections.abc import Callable, Sequence
from enum import Enum
from functools import partial
from typing import Any, NamedTuple

from uncollapse.study.config.study_page import Study
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.errors import RunError
from uncollapse.study.execution import ray_tune
from uncollapse.study.execution.control import PAUSE, STOP, Control
from uncollapse.study.execution.dispatcher import Dispatcher
from uncollapse.study.execution.job import Jobs, jobs_of
from uncollapse.study.execution.machines import Machines
from uncollapse.study.execution.progress import Progress
from uncollapse.study.execution.surroundings import Lost, Memory, Surroundings, Told
from uncollapse.study.execution.worker import Text
from uncollapse.study.stages.replicate import ReplicateStage
from uncollapse.study.stages.reuse import Reuse
from uncollapse.study.stages.search import Earlier, SearchStage
from uncollapse.study.stages.stage import Stage
from uncollapse.study.stages.timetable import Times
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.storage.workspace import Workspace
from uncollapse.study.training.corpus_info import corpus_info_of

LOSSES = 5  # ends of Ray Tune without progress, after which the run fails

Tune = Callable[[Dispatcher, ray_tune.Trials], None]


class Outcome(Enum):
    """How a stage came out of Ray Tune."""

    ENDED = "nothing is left of it"
    PAUSED = "the user pauses the study"
    STOPPED = "the user leaves"
    LOST = "Ray Tune ended by itself"


class Part(NamedTuple):
    """A stage that can be begun, again and again, and the jobs of its trials."""

    begin: Callable[[], Stage]
    jobs: Jobs


def parts_of(
    study: Study, corpus: str, workspace: Workspace, recorder: Recorder, earlier: Earlier, times: Times, reuse: Reuse
) -> tuple[Part, Part]:
    """Search and confirmation."""
    weights = workspace.weights if study.resources.weights_gb else None
    search = partial(SearchStage, study, corpus, recorder, earlier, times.search, reuse)
    confirmation = partial(ReplicateStage, study, corpus, recorder, times.confirmation, reuse, weights)
    return Part(search, jobs_of(study, workspace, full=False)), Part(confirmation, jobs_of(study, workspace, full=True))


def tune_on(machines: Machines, corpus: Corpus, workspace: Workspace, reuse_workers: bool) -> Tune:
    """Runs one stage through Ray Tune on these machines."""
    fixed: dict[str, Any] = {"resources": machines.resources, "scratch": workspace.scratch}
    text = Text(corpus, corpus_info_of(corpus), corpus.split("train"), corpus.split("valid"))
    return partial(ray_tune.run_stage, text=text, reuse_workers=reuse_workers, **fixed)


class Run:
    """The training of one study.

    Args:
        tune: runs a stage through Ray Tune.
        machines: on which it runs.
        workspace: whose ledger tells progress from none.
        control: the user's requests.
        progress: shown to the user.
        trouble: told of what may not mend itself.
        memory: of the run.
        going_on: told after a pause how many seconds it took.
    """

    def __init__(
        self,
        tune: Tune,
        machines: Machines,
        workspace: Workspace,
        control: Control,
        progress: Progress,
        trouble: Callable[[str], None],
        memory: Memory,
        going_on: Callable[[float], None],
    ) -> None:
        self.tune, self.machines, self.workspace = tune, machines, workspace
        self.control, self.progress, self.memory = control, progress, memory
        self.trouble, self.going_on = trouble, going_on
        self.losses = 0

    def train(self, parts: Sequence[Part]) -> None:
        """Return when nothing is left to train; raises KeyboardInterrupt where the user leaves before."""
        for part in parts:
            while (outcome := self._once(part)) is not Outcome.ENDED:
                if outcome is Outcome.STOPPED:
                    raise KeyboardInterrupt
                if outcome is Outcome.PAUSED:
                    self.going_on(self.control.wait_out_the_pause())

    def _once(self, part: Part) -> Outcome:
        """Begin a stage and run it until nothing is left of it, the user requests otherwise, or Tune ends by itself."""
        stage, before = part.begin(), self.workspace.recorded
        self.progress.enter(stage.name, stage.planned())
        trials = ray_tune.Trials()
        lost = False
        try:
            with self.control.training():
                self.tune(self._dispatcher(stage, part.jobs, trials), trials)
        except Lost as error:
            lost = True
            self._lost(error, self.workspace.recorded > before)
        return self._outcome(lost)

    def _outcome(self, lost: bool) -> Outcome:
        if request := self.control.request:
            return {STOP: Outcome.STOPPED, PAUSE: Outcome.PAUSED}[request]
        return Outcome.LOST if lost else Outcome.ENDED

    def _dispatcher(self, stage: Stage, jobs: Jobs, trials: ray_tune.Trials) -> Dispatcher:
        surroundings = Surroundings(self.machines.capacity, self.machines.shortage, trials.kill)
        told = Told(self.progress.say, self._troubled)
        return Dispatcher(stage, jobs, surroundings, self.control, told, self.memory)

    def _troubled(self, sentence: str) -> None:
        self.progress.say(sentence)
        self.trouble(sentence)

    def _lost(self, error: Lost, progress: bool) -> None:
        """Count ends of Tune without anything new in the ledger; raises RunError when they do not end."""
        self.losses = 0 if progress else self.losses + 1
        if self.losses >= LOSSES:
            last = f"Ray Tune ended by itself {LOSSES} times without getting anywhere; last: {error}"
            raise RunError(last) from error
        self.progress.say(f"Ray Tune ended by itself ({error}); what was running goes on from its checkpoints")
        self.machines.start_again_where_set_back()
