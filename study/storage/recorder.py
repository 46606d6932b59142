"""The recorder of a running study: writes what happens into the ledger, then tells whoever listens."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from uncollapse.analysis.schema import DIVERGED, DROPPED, FAILED, FINISHED, RUNNING, SEARCH, STOPPED
from uncollapse.study.config.objectives import Limit, excesses, objectives, values
from uncollapse.study.storage.ledger import Ledger, Left
from uncollapse.study.trial_record import TrialRecord, selected

Listener = Callable[[TrialRecord], None]


class Recorder:
    """Records epochs and endings, each once, whatever is reported twice.

    Args:
        ledger: open for writing.
        select: the measures by which trials are compared.
        limits: that the sampler is told of.
        listeners: told of every change with the trial's whole record.
    """

    def __init__(
        self,
        ledger: Ledger,
        select: str | Sequence[str],
        listeners: tuple[Listener, ...] = (),
        limits: Sequence[Limit] = (),
    ) -> None:
        self.ledger, self.select, self.listeners, self.limits = ledger, select, listeners, limits
        self.bound = objectives(select)[0]
        self.trial_ids: dict[str, int] = {}

    def start(self, trial_id: int) -> TrialRecord:
        """A trial begins, or goes on."""
        self.ledger.start(trial_id)
        record = self.ledger.record(trial_id)
        self.trial_ids[record.key] = trial_id
        return self._tell(record)

    def epoch(self, key: str, epoch: Mapping[str, float]) -> TrialRecord | None:
        """Record an epoch; None if it stood there already, as after a worker's death."""
        known = self.ledger.record(self.trial_ids[key])
        if known.state != RUNNING or int(epoch["epoch"]) <= len(known.epochs):
            return None
        self.ledger.epoch(self.trial_ids[key], epoch, selected(epoch, self.bound))
        return self._tell(self.ledger.record(self.trial_ids[key]))

    def place(self, key: str, device: str, source: str) -> None:
        """Record on what a trial trains, and from which folder its worker takes our code."""
        if self.ledger.record(self.trial_ids[key]).device != device:
            self.ledger.describe(self.trial_ids[key], {"device": device, "source": source})
            self._tell(self.ledger.record(self.trial_ids[key]))

    def tried(self, key: str) -> bool:
        """Whether a trial was started through this recorder, that is, since this process began."""
        return key in self.trial_ids

    def state(self, key: str) -> str:
        return self.ledger.record(self.trial_ids[key]).state

    def finish(
        self,
        key: str,
        final: Mapping[str, float],
        artifacts: Mapping[str, str] | None = None,
        kept_epoch: int = 0,
    ) -> None:
        self._end(key, FINISHED, "", Left(final, artifacts or {}, kept_epoch))

    def stop(self, key: str, cause: str = "") -> None:
        """A trial is ended early: by what it measured, or for the cause that is named."""
        self._end(key, STOPPED, cause, Left())

    def diverge(self, key: str, cause: str) -> None:
        self._end(key, DIVERGED, cause, Left())

    def fail(self, key: str, cause: str) -> None:
        self._end(key, FAILED, cause, Left())

    def take_over(self, trial_id: int, trained: TrialRecord, study: str) -> TrialRecord:
        """A trial ends as the same one of another study did, in one piece, so that a kill leaves it whole or not begun.

        Args:
            trial_id: of a trial that is planned, or that trained some of the same epochs.
            trained: its epochs and its end, which is finished, stopped or diverged.
            study: that trained it.
        """
        known = len(self.ledger.record(trial_id).epochs)
        compared = self.select if trained.stage == SEARCH else self.bound
        left = Left(trained.final, trained.artifacts, trained.kept_epoch)
        with self.ledger.journal.together():
            self.ledger.start(trial_id)
            self.ledger.describe(trial_id, {"device": trained.device, "reused_from": study})
            for epoch in trained.epochs[known:]:
                self.ledger.epoch(trial_id, epoch, selected(epoch, self.bound))
            self.ledger.limit(trial_id, excesses(trained.measures, self.limits))
            self.ledger.end(trial_id, trained.state, trained.cause, left, values(trained, compared))
        return self._tell(self.ledger.record(trial_id))

    def drop(self, trial_id: int, cause: str) -> None:
        """A planned trial is given up before it began."""
        self.ledger.end(trial_id, DROPPED, cause, Left(), None)
        self._tell(self.ledger.record(trial_id))

    def _end(self, key: str, state: str, cause: str, left: Left) -> None:
        record = replace(self.ledger.record(self.trial_ids[key]), kept_epoch=left.kept_epoch)
        if record.state == RUNNING:
            self.ledger.limit(self.trial_ids[key], excesses(record.measures, self.limits))
            compared = self.select if record.stage == SEARCH else self.bound
            self.ledger.end(self.trial_ids[key], state, cause, left, values(record, compared))
            self._tell(self.ledger.record(self.trial_ids[key]))

    def _tell(self, record: TrialRecord) -> TrialRecord:
        for listener in self.listeners:
            listener(record)
        return record
