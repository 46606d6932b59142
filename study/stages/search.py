"""The first stage: adaptive trials, equal in number for every family, and when one of them is stopped."""

from collections import deque
from collections.abc import Mapping, Sequence

import optuna
from optuna.trial import FrozenTrial

from uncollapse.analysis.schema import SEARCH
from uncollapse.models.configuration import constraints
from uncollapse.models.configuration.annealing import annealed_by
from uncollapse.study.config.families import Family
from uncollapse.study.config.objectives import directions, limits, standing
from uncollapse.study.config.study_page import Study
from uncollapse.study.stages import samplers, successive_halving
from uncollapse.study.stages.stage import identify, tuning_seed
from uncollapse.study.storage.ledger import record_of
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.trial_record import TrialRecord

Earlier = Mapping[str, Sequence[FrozenTrial]]  # what the sampler knows from other studies, by family


class SearchStage:
    """Adaptive trials, equal in number for every family, one sampler and one set of rungs a family."""

    name = SEARCH

    def __init__(self, study: Study, corpus: str, recorder: Recorder, earlier: Earlier | None = None) -> None:
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
        """The next trial whose configuration breaks no constraint; one that does fails at once, and counts too."""
        while (place := self._next_place()) is not None:
            if (record := self._prepare(*place)) is not None:
                return record
        return None

    def _next_place(self) -> tuple[Family, int] | None:
        """What an earlier process left running, else a new trial of the family that has the fewest."""
        if self.orphans:
            return self.orphans.popleft()
        least = min(self.asked, key=lambda name: self.asked[name], default=None)
        if least is None or self.asked[least] >= self.study.search.trials:
            return None
        optuna_study = self._seeded(self.families[least], self.asked[least])
        self.asked[least] += 1
        return self.families[least], optuna_study.ask()._trial_id

    def _seeded(self, family: Family, number: int) -> optuna.Study:
        optuna_study = self.recorder.ledger.study(SEARCH, family.name, directions(self.study.search.select))
        earlier = self.earlier.get(family.name, ())
        kind, seed = self.study.search.sampler, self.study.seed
        optuna_study.sampler = samplers.sampler(kind, seed, family.name, number, earlier)
        return optuna_study

    def _prepare(self, family: Family, trial_id: int) -> TrialRecord | None:
        """Start a trial, its configuration drawn; None where that breaks a constraint, which ends it."""
        if not self.recorder.ledger.record(trial_id).configuration:
            self._draw(family, trial_id)
        record = self.recorder.start(trial_id)
        if broken := constraints.broken(record.configuration):
            self.recorder.fail(record.key, "the proposal breaks a constraint: " + "; ".join(broken))
            return None
        return record

    def _draw(self, family: Family, trial_id: int) -> None:
        """Draw, or finish drawing, the configuration of a trial and write it down."""
        ledger = self.recorder.ledger
        number = ledger.storage.get_trial_number_from_id(trial_id)
        trial = optuna.Trial(self._seeded(family, number), trial_id)
        configuration = family.configure(samplers.propose(trial, family.search))
        audit = successive_halving.spread_evenly(number, self.study.search.audit)
        place = {"family": family.name, "stage": SEARCH, "number": number, "audit": audit}
        named = identify(self.study, self.corpus, family.name, configuration, tuning_seed(self.study, number))
        ledger.describe(trial_id, {**place, **named})

    def stops(self, record: TrialRecord) -> bool:
        epoch = len(record.epochs)
        if epoch not in self.rungs or not self._note(record, epoch) or record.audit:
            return False
        reached = self.at_rung[record.family, epoch]
        others = [value for key, value in reached.items() if key != record.key]
        return not successive_halving.keeps(reached[record.key], others)

    def _note(self, record: TrialRecord, rung: int) -> bool:
        """Enter a trial at a rung it has reached; not before its annealing has ended (law 3)."""
        if len(record.epochs) < rung or rung < annealed_by(record.configuration) * self.study.train.epochs:
            return False
        measures = record.epochs[rung - 1]
        place = standing(measures, self.study.search.bound, self.limits)
        self.at_rung.setdefault((record.family, rung), {})[record.key] = place
        return True
