"""The second stage: the chosen configurations of every family, each with every confirmation seed."""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from optuna.trial import FrozenTrial, TrialState, create_trial

from uncollapse.analysis.schema import DIVERGED, FINISHED, REPLICATE, SEARCH
from uncollapse.study.config.families import Family
from uncollapse.study.config.objectives import costs, limits, violation
from uncollapse.study.config.study_page import Study
from uncollapse.study.stages import pareto
from uncollapse.study.stages.race import AGAIN, Race
from uncollapse.study.stages.search import SearchStage
from uncollapse.study.stages.stage import confirmation_seeds, identify
from uncollapse.study.storage.ledger import record_of
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.trial_record import TrialRecord


class Chosen(NamedTuple):
    """A configuration that is confirmed: resolved, with the searched hyperparameters that made it."""

    configuration: Mapping[str, Any]
    params: Mapping[str, Any]


class ReplicateStage:
    """The chosen configurations of every family x the confirmation seeds; no training is stopped early."""

    name = REPLICATE

    def __init__(self, study: Study, corpus: str, recorder: Recorder) -> None:
        self.study, self.corpus, self.recorder = study, corpus, recorder
        for family in study.families:
            self._plan(family)
        rule = study.export.collapse_limit, limits(study.search.subject_to)
        racing = study.families if study.replicate.racing == "signs" else ()
        self.races = {one.name: Race(one.name, confirmation_seeds(study), recorder, *rule) for one in racing}
        waiting = [self._unfinished(family.name) for family in study.families]
        # seed by seed through all families, so that an interrupted night leaves every family with some seeds
        self.queue = [place for row in zip_longest(*waiting) for place in row if place is not None]

    def _plan(self, family: Family) -> None:
        """Enter every configuration x seed that is neither there nor diverged; a failed seed is entered again."""
        there = set()
        for trial in self.recorder.ledger.trials(REPLICATE, family.name):
            record = record_of(trial)
            if trial.state != TrialState.FAIL or record.state == DIVERGED:
                there.add(record.key)
        every = self._chosen(family)
        for seed in confirmation_seeds(self.study):
            for chosen in every:
                named = identify(self.study, self.corpus, family.name, chosen.configuration, seed)
                if named["key"] not in there:
                    self.enter(family.name, chosen, named)

    def enter(self, family: str, chosen: Chosen, named: Mapping[str, Any]) -> None:
        optuna_study = self.recorder.ledger.study(REPLICATE, family)
        number = len(self.recorder.ledger.trials(REPLICATE, family))
        place = {"family": family, "stage": REPLICATE, "number": number, "audit": False, "params": dict(chosen.params)}
        optuna_study.add_trial(create_trial(state=TrialState.WAITING, user_attrs={**place, **named}))

    def _enter_again(self, dropped: Sequence[TrialRecord]) -> None:
        """Dropped trials of one family run after all."""
        for record in dropped:
            named = {"key": record.key, "configuration_id": record.configuration_id, "seed": record.seed, AGAIN: True}
            chosen = Chosen(record.configuration, record.params)
            self.enter(record.family, chosen, {**named, "configuration": record.configuration})
        for family in {record.family for record in dropped}:
            self.races[family].take_up()
            self.queue = [place for place in self.queue if place[0] != family] + self._unfinished(family)

    def _chosen(self, family: Family) -> list[Chosen]:
        """The best finished configurations of the search, each once; the base of a page that searches nothing."""
        if not family.search:
            return [Chosen(family.configure({}), {})]
        return choose(self.recorder.ledger.trials(SEARCH, family.name), self.study)

    def planned(self) -> dict[str, int]:
        seeds = self.study.replicate.seeds
        return {family.name: len(self._chosen(family)) * seeds for family in self.study.families}

    def _unfinished(self, family: str) -> list[tuple[str, int]]:
        trials = self.recorder.ledger.trials(REPLICATE, family)
        return [(family, trial._trial_id) for trial in trials if not trial.state.is_finished()]

    def left(self) -> bool:
        self._look_at_races()
        return bool(self.queue)

    def next_trial(self) -> TrialRecord | None:
        self._look_at_races()
        place = next((place for place in self.queue if self._opens(*place)), None)
        if place is None:
            return None
        self.queue.remove(place)
        family, trial_id = place
        if family in self.races:
            self.races[family].started(trial_id)
        return self.recorder.start(trial_id)

    def _look_at_races(self) -> None:
        """Drop what has lost, and enter again what has to run after all."""
        for race in self.races.values():
            self._enter_again(race.look())

    def _opens(self, family: str, trial_id: int) -> bool:
        """Whether a trial may start now; where configurations race, a dropped one never does."""
        return family not in self.races or self.races[family].opens(trial_id)

    def stops(self, record: TrialRecord) -> bool:
        return False


def anything_left(study: Study, corpus: str, recorder: Recorder) -> bool:
    """Whether a study that was begun earlier has any trial still to be trained."""
    return SearchStage(study, corpus, recorder).left() or ReplicateStage(study, corpus, recorder).left()


def choose(trials: list[FrozenTrial], study: Study) -> list[Chosen]:
    """The `replicate.configurations` first finished trials that keep every limit, no configuration twice.

    With several objectives those of the Pareto front come first, spread over it.
    """
    kept = limits(study.search.subject_to)
    finished = [record for record in map(record_of, trials) if record.state == FINISHED]
    finished = [record for record in finished if violation(record.measures, kept) == 0]
    order = pareto.in_order([costs(record, study.search.select) for record in finished])
    best_of: dict[str, Chosen] = {}
    for record in (finished[at] for at in order):
        best_of.setdefault(record.configuration_id, Chosen(record.configuration, record.params))
        if len(best_of) == study.replicate.configurations:
            break
    return list(best_of.values())
