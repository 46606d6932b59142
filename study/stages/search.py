"""The first stage: adaptive trials, equal in number for every family, and when one of them is stopped."""

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna
from optuna.samplers import BaseSampler
from optuna.trial import FrozenTrial

from uncollapse.analysis.schema import BASE, DROPPED, SAMPLER, SEARCH, START, STOPPED
from uncollapse.models.configuration import constraints
from uncollapse.models.configuration.annealing import annealed_by
from uncollapse.search_spaces import grid
from uncollapse.study.config.families import Family
from uncollapse.study.config.grid import GRID
from uncollapse.study.config.objectives import directions, limits, standing
from uncollapse.study.config.study_page import DOUBLES, Study, planned
from uncollapse.study.stages import successive_halving
from uncollapse.study.stages.reuse import Reusable, Reuse
from uncollapse.study.stages.sampling.point import PointSampler
from uncollapse.study.stages.sampling.proposal import propose
from uncollapse.study.stages.sampling.samplers import Proposal, sampler
from uncollapse.study.stages.stage import identify, tuning_seed
from uncollapse.study.stages.stated_points import StatedPoint, stated_points
from uncollapse.study.stages.timetable import UNHURRIED, Timetable
from uncollapse.study.storage.ledger import record_of
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.trial_record import TrialRecord

Earlier = Mapping[str, Sequence[FrozenTrial]]  # what the sampler knows from other studies, by family


class SearchStage:
    """Adaptive trials, equal in number for every family, one sampler and one set of rungs a family.

    Args:
        study: checked.
        corpus: its digest.
        recorder: of the study.
        earlier: what the sampler knows from other studies.
        timetable: how long the search lasts.
        reuse: trials that other studies trained, which are taken over.
    """

    name = SEARCH

    def __init__(
        self,
        study: Study,
        corpus: str,
        recorder: Recorder,
        earlier: Earlier | None = None,
        timetable: Timetable = UNHURRIED,
        reuse: Reuse | None = None,
    ) -> None:
        self.study, self.corpus, self.recorder, self.earlier = study, corpus, recorder, earlier or {}
        self.timetable, self.reuse = timetable, reuse or {}
        self.families = {family.name: family for family in study.families if family.search}
        self.rungs = successive_halving.rungs(study.train.epochs) if study.search.stop_early == "asha" else []
        self.limits = limits(study.search.subject_to)
        self.at_rung: dict[tuple[str, int], dict[str, tuple[float, float]]] = {}  # what is broken, then the bound
        self.stated = {one.name: stated_points(one, study.search.start) for one in self.families.values()}
        self.asked: dict[str, int] = {}
        self.drawn: dict[str, Counter[str]] = {}  # trials of a family by origin, dropped ones included
        self.doubles: dict[str, int] = {}  # the last proposals of a family that were trained already
        self.orphans: deque[tuple[Family, int]] = deque()
        for family in self.families.values():
            self._read(family)

    def _read(self, family: Family) -> None:
        """Take up what an earlier process left: refill the rungs, go on with what was running."""
        trials = self.recorder.ledger.trials(SEARCH, family.name)
        self.asked[family.name], self.doubles[family.name], self.drawn[family.name] = 0, 0, Counter()
        for trial in trials:
            record = record_of(trial)
            self.drawn[family.name] += Counter([record.origin] if record.configuration else [])
            dropped = record.state == DROPPED
            self.asked[family.name] += not dropped
            if record.key:  # else it was lost with a damaged line of the ledger
                self.doubles[family.name] = self.doubles[family.name] + 1 if dropped else 0
            for rung in self.rungs:
                self._note(record, rung)
            if not trial.state.is_finished():
                self.orphans.append((family, trial._trial_id))

    def planned(self) -> dict[str, int]:
        """Fewer of a family whose space holds no more configurations."""
        most = planned(self.study.settings())[SEARCH]
        return {name: asked if self._exhausted(name) else max(most[name], asked) for name, asked in self.asked.items()}

    def left(self) -> bool:
        return self._orphaned() or self._next_family() is not None

    def _orphaned(self) -> bool:
        """Whether something that an earlier process left running goes on; under no time left it stays as it is."""
        return bool(self.orphans) and not self.timetable.over

    def _next_family(self) -> str | None:
        """The family that has the fewest trials; None where it gets no further one, so that no family gets ahead."""
        least = min(filter(self._open, self.asked), key=lambda name: self.asked[name], default=None)
        return least if least is not None and self.timetable.starts(least) else None

    def _open(self, family: str) -> bool:
        """Whether a family may get a further trial."""
        wanted = self.timetable.beyond or self.asked[family] < self.study.search.trials
        return wanted and not self._exhausted(family)

    def _exhausted(self, family: str) -> bool:
        """Whether a family's grid is at its end, or its space seems to hold no other configuration."""
        if self.study.search.sampler != GRID:
            return self.doubles[family] >= DOUBLES
        drawn = self.drawn[family]
        stated = drawn[BASE] + drawn[START] >= len(self.stated[family])
        return stated and drawn[SAMPLER] >= grid.size(self.families[family].search)

    def next_trial(self) -> TrialRecord | None:
        """The next trial whose configuration breaks no constraint; one that does fails at once, and counts too, as does
        what is taken over. What proposes an earlier trial's configuration is dropped, and counts as none."""
        while (place := self._next_place()) is not None:
            if (record := self._prepare(*place)) is not None:
                return record
        return None

    def _next_place(self) -> tuple[Family, int] | None:
        """What an earlier process left running, else a new trial of the family that has the fewest."""
        if self._orphaned():
            return self.orphans.popleft()
        if (least := self._next_family()) is None:
            return None
        self.asked[least] += 1
        return self.families[least], self._optuna_study(self.families[least]).ask()._trial_id

    def _optuna_study(self, family: Family) -> optuna.Study:
        return self.recorder.ledger.study(SEARCH, family.name, directions(self.study.search.select))

    def _prepare(self, family: Family, trial_id: int) -> TrialRecord | None:
        """Start a trial, its configuration drawn; None where that ends it: it breaks a constraint, or is known."""
        if not self.recorder.ledger.record(trial_id).configuration:
            self._draw(family, trial_id)
        if (double := self._trained_already(family, trial_id)) is not None:
            self.recorder.drop(trial_id, f"it proposes what trial {double} trained")
            self.asked[family.name] -= 1
            self.doubles[family.name] += 1
            return None
        self.doubles[family.name] = 0
        if (trained := self.reuse.get(self.recorder.ledger.record(trial_id).key)) is not None:
            self._take_over(trial_id, trained)
            return None
        record = self.recorder.start(trial_id)
        if broken := constraints.broken(record.configuration):
            self.recorder.fail(record.key, "the proposal breaks a constraint: " + "; ".join(broken))
            return None
        return record

    def _take_over(self, trial_id: int, trained: Reusable) -> None:
        """End a trial as another study's, or where this one would have stopped it."""
        own, whole = self.recorder.ledger.record(trial_id), trained.record
        for rung in self.rungs:
            if rung <= len(whole.epochs) and self.stops(replace(own, epochs=whole.epochs[:rung])):
                cut = whole.epochs[:rung]
                whole = replace(whole, epochs=cut, state=STOPPED, cause="", kept_epoch=0, final={}, artifacts={})
        self.recorder.take_over(trial_id, whole, trained.study)

    def _draw(self, family: Family, trial_id: int) -> None:
        """Draw, or finish drawing, the configuration of a trial and write it down."""
        ledger = self.recorder.ledger
        number = ledger.storage.get_trial_number_from_id(trial_id)
        stated = self._stated(family, number)
        configuration = stated.configuration if stated else self._proposed(family, trial_id, number)
        if stated and stated.params:
            self._suggest(family, trial_id, PointSampler(stated.params))
        audit = successive_halving.spread_evenly(number, self.study.search.audit)
        origin = stated.origin if stated else SAMPLER
        place = {"family": family.name, "stage": SEARCH, "number": number, "audit": audit, "origin": origin}
        named = identify(self.study, self.corpus, family.name, configuration, tuning_seed(self.study, number))
        ledger.describe(trial_id, {**place, **named})
        self.drawn[family.name][origin] += 1

    def _stated(self, family: Family, number: int) -> StatedPoint | None:
        """The next configuration that is stated and not tried yet."""
        trials = self.recorder.ledger.trials(SEARCH, family.name)[:number]
        tried = sum(record_of(trial).origin in (BASE, START) for trial in trials)
        return next(iter(self.stated[family.name][tried:]), None)

    def _proposed(self, family: Family, trial_id: int, number: int) -> dict[str, Any]:
        """The configuration that the sampler proposes."""
        earlier, seed = self.earlier.get(family.name, ()), self.study.seed
        proposal = Proposal(seed, family.name, number, family.search, self._optuna_study(family), earlier)
        return family.configure(self._suggest(family, trial_id, sampler(self.study.search.sampler, proposal)))

    def _suggest(self, family: Family, trial_id: int, by: BaseSampler) -> dict[str, Any]:
        """Have Optuna record what a sampler draws for a trial."""
        optuna_study = self._optuna_study(family)
        optuna_study.sampler = by
        return propose(optuna.Trial(optuna_study, trial_id), family.search)

    def _trained_already(self, family: Family, trial_id: int) -> int | None:
        """The number of the trial that trained, or trains, the configuration of this one."""
        own = self.recorder.ledger.record(trial_id)
        for record in map(record_of, self.recorder.ledger.trials(SEARCH, family.name)[: own.number]):
            if record.configuration_id == own.configuration_id and record.state != DROPPED:
                return record.number
        return None

    def stops(self, record: TrialRecord) -> bool:
        epoch = len(record.epochs)
        if epoch not in self.rungs or not self._note(record, epoch) or record.audit:
            return False
        reached = self.at_rung[record.family, epoch]
        others = [value for key, value in reached.items() if key != record.key]
        return not successive_halving.keeps_either(reached[record.key], others)

    def out_of_time(self, record: TrialRecord) -> bool:
        return self.timetable.over and len(record.epochs) < self.study.train.epochs

    def _note(self, record: TrialRecord, rung: int) -> bool:
        """Enter a trial at a rung it has reached; not before its annealing has ended (law 3)."""
        if len(record.epochs) < rung or rung < annealed_by(record.configuration) * self.study.train.epochs:
            return False
        measures = record.epochs[rung - 1]
        place = standing(measures, self.study.search.bound, self.limits)
        self.at_rung.setdefault((record.family, rung), {})[record.key] = place
        return True
