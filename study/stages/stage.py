"""The two stages that train: which trial is next, and when one is stopped. Knows no ray."""

import json
from collections import deque
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import zip_longest
from typing import Any, NamedTuple, Protocol

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from uncollapse.analysis.schema import DIVERGED, FINISHED, REPLICATE, SEARCH
from uncollapse.models.configuration import components, constraints
from uncollapse.models.configuration.annealing import end_of_annealing
from uncollapse.models.configuration.resolve import schedule_of
from uncollapse.study.config.families import Family
from uncollapse.study.config.objectives import costs, directions, limits, violation
from uncollapse.study.config.study_page import Study
from uncollapse.study.stages import pareto, samplers, successive_halving
from uncollapse.study.stages.race import AGAIN, Race
from uncollapse.study.storage.fingerprints import code_version, configuration_id, digest
from uncollapse.study.storage.ledger import record_of
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.trial_record import TrialRecord, selected

TUNING_SEEDS = 2**30  # confirmation seeds lie below, tuning seeds from here on: no seed is both
SCALE = 1000  # updates on which the end of annealing is found, as a share


class Stage(Protocol):
    """What a Tune run asks of a stage."""

    name: str
    recorder: Recorder

    def planned(self) -> dict[str, int]:
        """Trials of each family; fewer than the page asks for where too few of the search finished."""

    def left(self) -> bool:
        """Whether any trial is still to be trained."""

    def next_trial(self) -> TrialRecord | None:
        """The next trial to train, started in the ledger; None when nothing is left."""

    def stops(self, record: TrialRecord) -> bool:
        """Whether to stop a trial after the epoch it has just reported."""


def identify(study: Study, corpus: str, family: str, configuration: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Attributes that name a trial; two families that resolve to one configuration have a trial each."""
    length = [study.train.epochs, study.train.batch_size, study.train.precision, vars(study.evaluate)]
    key = digest(family, configuration, seed, corpus, length, code_version())
    return {"key": key, "configuration": configuration_id(configuration), "seed": seed, "settings": configuration}


def tuning_seed(study: Study, number: int) -> int:
    return TUNING_SEEDS + study.seed * 1000 + number


def confirmation_seeds(study: Study) -> list[int]:
    """The same for every configuration, so that comparisons are paired."""
    return [study.seed * 1000 + number for number in range(1, study.replicate.seeds + 1)]


class SearchStage:
    """Adaptive trials, equal in number for every family, one sampler and one set of rungs a family."""

    name = SEARCH

    def __init__(
        self, study: Study, corpus: str, recorder: Recorder, earlier: Mapping[str, Sequence[FrozenTrial]] | None = None
    ) -> None:
        self.study, self.corpus, self.recorder, self.earlier = study, corpus, recorder, earlier or {}
        self.families = {family.name: family for family in study.families if family.search}
        self.rungs = successive_halving.rungs(study.train.epochs) if study.search.stop_early == "asha" else []
        self.limits = limits(study.search.subject_to)
        self.at_rung: dict[tuple[str, int], dict[str, tuple[float, float]]] = {}  # what is broken, then the bound
        self.asked: dict[str, int] = {}
        self.orphans: deque[tuple[Family, int]] = deque()
        for family in self.families.values():
            self._read(family)

    def _read(self, family: Family) -> None:
        """Take up what an earlier process left: refill the rungs, go on with what was running."""
        trials = self.recorder.ledger.trials(SEARCH, family.name)
        self.asked[family.name] = len(trials)
        for trial in trials:
            record = record_of(trial)
            for rung in self.rungs:
                self._note(record, rung)
            if not trial.state.is_finished():
                self.orphans.append((family, trial._trial_id))

    def planned(self) -> dict[str, int]:
        return dict.fromkeys(self.families, self.study.search.trials)

    def left(self) -> bool:
        return bool(self.orphans) or any(asked < self.study.search.trials for asked in self.asked.values())

    def next_trial(self) -> TrialRecord | None:
        if self.orphans:
            family, trial_id = self.orphans.popleft()
            return self._prepare(family, trial_id)
        least = min(self.asked, key=lambda name: self.asked[name], default=None)
        if least is None or self.asked[least] >= self.study.search.trials:
            return None
        return self._ask(self.families[least])

    def _ask(self, family: Family) -> TrialRecord | None:
        optuna_study = self._seeded(family, self.asked[family.name])
        self.asked[family.name] += 1
        return self._prepare(family, optuna_study.ask()._trial_id)

    def _seeded(self, family: Family, number: int) -> optuna.Study:
        optuna_study = self.recorder.ledger.study(SEARCH, family.name, directions(self.study.search.select))
        earlier = self.earlier.get(family.name, ())
        kind, seed = self.study.search.sampler, self.study.seed
        optuna_study.sampler = samplers.sampler(kind, seed, family.name, number, earlier)
        return optuna_study

    def _prepare(self, family: Family, trial_id: int) -> TrialRecord | None:
        """Draw, or finish drawing, settings and start the trial; one that breaks a constraint fails and another is
        asked."""
        ledger = self.recorder.ledger
        number = ledger.storage.get_trial_number_from_id(trial_id)
        if "settings" not in ledger.storage.get_trial(trial_id).user_attrs:
            trial = optuna.Trial(self._seeded(family, number), trial_id)
            configuration = family.configure(samplers.propose(trial, family.search))
            audit = successive_halving.spread_evenly(number, self.study.search.audit)
            place = {"family": family.name, "stage": SEARCH, "number": number, "audit": audit}
            named = identify(self.study, self.corpus, family.name, configuration, tuning_seed(self.study, number))
            ledger.describe(trial_id, {**place, **named})
        record = self.recorder.start(trial_id)
        if broken := constraints.broken(record.settings):
            self.recorder.fail(record.key, "the proposal breaks a constraint: " + "; ".join(broken))
            return self.next_trial()
        return record

    def stops(self, record: TrialRecord) -> bool:
        epoch = len(record.epochs)
        if epoch not in self.rungs or not self._note(record, epoch) or record.audit:
            return False
        reached = self.at_rung[record.family, epoch]
        others = [value for key, value in reached.items() if key != record.key]
        return not successive_halving.keeps(reached[record.key], others)

    def _note(self, record: TrialRecord, rung: int) -> bool:
        """Enter a trial at a rung it has reached; not before its annealing has ended (law 3)."""
        if len(record.epochs) < rung or rung < annealed_by(record.settings) * self.study.train.epochs:
            return False
        measures = record.epochs[rung - 1]
        value = selected(measures, self.study.search.bound)
        assert value is not None, record.key
        self.at_rung.setdefault((record.family, rung), {})[record.key] = violation(measures, self.limits), value
        return True


def annealed_by(settings: Mapping[str, Any]) -> float:
    """Share of the training after which every weight of the objective has settled."""
    return max((_end(json.dumps(term)) for term in settings["objective"].values()), default=0.0)


@lru_cache(maxsize=256)  # asked at every rung of a trial
def _end(term: str) -> float:
    schedule = components.build("schedule", schedule_of(json.loads(term)), SCALE)
    return end_of_annealing(schedule, SCALE) / SCALE


class Chosen(NamedTuple):
    """A configuration that is confirmed: resolved, with the searched hyperparameters that made it."""

    settings: Mapping[str, Any]
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
                named = identify(self.study, self.corpus, family.name, chosen.settings, seed)
                if named["key"] not in there:
                    self._enter(family.name, chosen, named)

    def _enter(self, family: str, chosen: Chosen, named: Mapping[str, Any]) -> None:
        optuna_study = self.recorder.ledger.study(REPLICATE, family)
        number = len(self.recorder.ledger.trials(REPLICATE, family))
        place = {"family": family, "stage": REPLICATE, "number": number, "audit": False, "params": dict(chosen.params)}
        optuna_study.add_trial(create_trial(state=TrialState.WAITING, user_attrs={**place, **named}))

    def _enter_again(self, dropped: Sequence[TrialRecord]) -> None:
        """Dropped trials of one family run after all."""
        for record in dropped:
            named = {"key": record.key, "configuration": record.configuration, "seed": record.seed, AGAIN: True}
            self._enter(record.family, Chosen(record.settings, record.params), {**named, "settings": record.settings})
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


def choose(trials: list[optuna.trial.FrozenTrial], study: Study) -> list[Chosen]:
    """The `replicate.configurations` first finished trials that keep every limit, no configuration twice.

    With several objectives those of the front come first, spread over it.
    """
    kept = limits(study.search.subject_to)
    finished = [record for record in map(record_of, trials) if record.state == FINISHED]
    finished = [record for record in finished if violation(record.measures, kept) == 0]
    order = pareto.in_order([costs(record, study.search.select) for record in finished])
    best_of: dict[str, Chosen] = {}
    for record in (finished[at] for at in order):
        best_of.setdefault(record.configuration, Chosen(record.settings, record.params))
        if len(best_of) == study.replicate.configurations:
            break
    return list(best_of.values())
