"""The second stage: the chosen configurations of every family, each with every confirmation seed."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from optuna.trial import TrialState, create_trial

from uncollapse.analysis.schema import ENDED, FAILED, FURTHER, REPLICATE, SEARCH
from uncollapse.study.config.families import Family
from uncollapse.study.config.study_page import Study
from uncollapse.study.stages.choice import Chosen, choose, further
from uncollapse.study.stages.hope import hopeless
from uncollapse.study.stages.race import AGAIN, Race
from uncollapse.study.stages.reuse import Reuse
from uncollapse.study.stages.search import SearchStage
from uncollapse.study.stages.selection_rule import export_rule
from uncollapse.study.stages.stage import confirmation_seeds, identify
from uncollapse.study.stages.timetable import NO_DEADLINE, UNHURRIED, Times, Timetable
from uncollapse.study.storage.fingerprints import configuration_id
from uncollapse.study.storage.ledger import record_of
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.trial_record import TrialRecord


class ReplicateStage:
    """The chosen configurations of every family x the confirmation seeds; no training is stopped early.

    Args:
        study: checked.
        corpus: its digest.
        recorder: of the study.
        timetable: a run that it has no time for does not start, and stays planned.
        reuse: runs that other studies trained, which are taken over.
        weights: where those of this study lie, to which those of such runs are copied; None for nowhere.
    """

    name = REPLICATE

    def __init__(
        self,
        study: Study,
        corpus: str,
        recorder: Recorder,
        timetable: Timetable = UNHURRIED,
        reuse: Reuse | None = None,
        weights: Path | None = None,
    ) -> None:
        self.study, self.corpus, self.recorder, self.timetable = study, corpus, recorder, timetable
        self.reuse, self.weights = reuse or {}, weights
        self.chosen = {family.name: self._chosen(family) for family in study.families}
        for family in study.families:
            self._plan(family)
        self.rule = export_rule(study.settings())
        racing = study.families if study.replicate.racing == "signs" else ()
        self.races = {one.name: Race(one.name, confirmation_seeds(study), recorder, self.rule) for one in racing}
        self.changed = {family.name for family in study.families} - self.races.keys()  # since hope was looked for
        self.running: set[tuple[str, int]] = set()
        waiting = [self._unfinished(family.name) for family in study.families]
        # seed by seed through all families, so that an interrupted night leaves every family with some seeds
        self.queue = [place for row in zip_longest(*waiting) for place in row if place is not None]

    def _plan(self, family: Family) -> None:
        """Enter every configuration x seed that is neither there nor diverged; a seed that failed is entered again, but
        not by the process that tried it: Ray Tune may end, and the stage begin anew, any number of times."""
        there = set()
        for trial in self.recorder.ledger.trials(REPLICATE, family.name):
            record = record_of(trial)
            if record.state != FAILED or self.recorder.tried(record.key):
                there.add(record.key)
        for seed in confirmation_seeds(self.study):
            for chosen in self.chosen[family.name]:
                named = identify(self.study, self.corpus, family.name, chosen.configuration, seed)
                if named["key"] not in there:
                    self.enter(family.name, chosen, named)

    def enter(self, family: str, chosen: Chosen, named: Mapping[str, Any]) -> None:
        optuna_study = self.recorder.ledger.study(REPLICATE, family)
        number = len(self.recorder.ledger.trials(REPLICATE, family))
        place = {"family": family, "stage": REPLICATE, "number": number, "audit": False, "params": dict(chosen.params)}
        why = {"role": chosen.role}
        optuna_study.add_trial(create_trial(state=TrialState.WAITING, user_attrs={**place, **why, **named}))

    def _enter_again(self, dropped: Sequence[TrialRecord]) -> None:
        """Dropped trials of one family run after all."""
        for record in dropped:
            named = {"key": record.key, "configuration_id": record.configuration_id, "seed": record.seed, AGAIN: True}
            chosen = Chosen(record.configuration, record.params, record.role)
            self.enter(record.family, chosen, {**named, "configuration": record.configuration})
        for family in {record.family for record in dropped}:
            self.races[family].take_up()
            self.queue = [place for place in self.queue if place[0] != family] + self._unfinished(family)

    def _chosen(self, family: Family) -> list[Chosen]:
        """What is confirmed, and what an earlier process found to be confirmed further."""
        found = {configuration_id(one.configuration): one for one in choose(family, self._searched(family), self.study)}
        for record in map(record_of, self.recorder.ledger.trials(REPLICATE, family.name)):
            if record.role == FURTHER:
                one = Chosen(record.configuration, record.params, FURTHER)
                found.setdefault(record.configuration_id, one)
        return list(found.values())

    def _searched(self, family: Family) -> list[TrialRecord]:
        return [record_of(one) for one in self.recorder.ledger.trials(SEARCH, family.name)]

    def _look_further(self) -> None:
        """Where a family is without hope, enter its next configuration."""
        ended = {place for place in self.running if self.recorder.ledger.record(place[1]).state in ENDED}
        self.running -= ended
        self.changed |= {family for family, _ in ended} - self.races.keys()
        for family in (one for one in self.study.families if one.name in self.changed):
            self._confirm_further(family)
        self.changed.clear()

    def _confirm_further(self, family: Family) -> None:
        chosen = self.chosen[family.name]
        if sum(one.role == FURTHER for one in chosen) >= self.study.replicate.further:
            return
        taken = {configuration_id(one.configuration) for one in chosen}
        candidate = further(self._searched(family), taken, self.study)
        entered = map(record_of, self.recorder.ledger.trials(REPLICATE, family.name))
        newest = {one.key: one for one in entered if one.key}  # without a key it was lost with a damaged line
        if candidate is not None and hopeless(newest.values(), self.rule):
            before = self._unfinished(family.name)
            chosen.append(candidate)
            self._plan(family)
            self.queue += [place for place in self._unfinished(family.name) if place not in before]

    def planned(self) -> dict[str, int]:
        """Runs of each family: of what is chosen now, and of what was confirmed before the study grew."""
        return {name: len(self._keys(name)) for name in self.chosen}

    def _keys(self, family: str) -> set[str]:
        """Every run once; one that failed, or was dropped, and is entered again has two trials."""
        return {record_of(trial).key for trial in self.recorder.ledger.trials(REPLICATE, family)}

    def _unfinished(self, family: str) -> list[tuple[str, int]]:
        trials = self.recorder.ledger.trials(REPLICATE, family)
        return [(family, trial._trial_id) for trial in trials if not trial.state.is_finished()]

    def left(self) -> bool:
        self._look_at_races()
        self._look_further()
        return any(self.timetable.starts(family) for family, _ in self.queue)

    def next_trial(self) -> TrialRecord | None:
        """The next run; those that other studies trained are taken over on the way to it."""
        while (trial_id := self._next_in_queue()) is not None:
            trained = self.reuse.get(self.recorder.ledger.record(trial_id).key)
            if trained is None:
                record = self.recorder.start(trial_id)
                self.running.add((record.family, trial_id))
                return record
            if self.weights is not None:
                trained.hand_over(self.weights)
            self.recorder.take_over(trial_id, trained.record, trained.study)
            self.changed |= {trained.record.family} - self.races.keys()
        return None

    def _next_in_queue(self) -> int | None:
        self._look_at_races()
        self._look_further()
        place = next((place for place in self.queue if self._opens(*place)), None)
        if place is None:
            return None
        self.queue.remove(place)
        family, trial_id = place
        if family in self.races:
            self.races[family].started(trial_id)
        return trial_id

    def _look_at_races(self) -> None:
        """Drop what has lost, and enter again what has to run after all."""
        for race in self.races.values():
            self._enter_again(race.look())

    def _opens(self, family: str, trial_id: int) -> bool:
        """Whether a trial may start now; where configurations race, a dropped one never does."""
        if family in self.races and not self.races[family].opens(trial_id):
            return False
        return self.timetable.starts(family)

    def stops(self, record: TrialRecord) -> bool:
        return False

    def out_of_time(self, record: TrialRecord) -> bool:
        return False


def anything_left(study: Study, corpus: str, recorder: Recorder, times: Times = NO_DEADLINE) -> bool:
    """Whether a study that was begun earlier has any trial still to be trained, in the time it has."""
    if SearchStage(study, corpus, recorder, timetable=times.search).left():
        return True
    return ReplicateStage(study, corpus, recorder, times.confirmation).left()
