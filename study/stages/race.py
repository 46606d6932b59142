"""The race of a family's configurations in the ledger: how it stands, what it drops, and whom it takes back."""

from collections.abc import Iterator, Sequence
from math import inf

from uncollapse.analysis.comparison.configurations import configurations
from uncollapse.analysis.comparison.export_rule import ExportRule
from uncollapse.analysis.schema import DIVERGED, DROPPED, ENDED, LIKELIHOODS, MISSING, REPLICATE
from uncollapse.analysis.verdicts import judge
from uncollapse.study.stages.sign_test import Standing, beats, race
from uncollapse.study.storage.ledger import record_of
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.storage.tables import tables
from uncollapse.study.trial_record import TrialRecord

AGAIN = "again"  # attribute of a trial that was dropped and is entered again


class Race:
    """One family's race, taken up from the ledger where an earlier process left it.

    Args:
        family: its name; its configurations x seeds are entered.
        seeds: in their order.
        recorder: of the study.
        rule: of export, which the winner has to keep.
    """

    def __init__(self, family: str, seeds: Sequence[int], recorder: Recorder, rule: ExportRule) -> None:
        self.family, self.seeds, self.recorder, self.rule = family, list(seeds), recorder, rule
        self.running: set[int] = set()
        self.take_up()

    def take_up(self) -> None:
        """Read every entry of the family; of a seed that was entered again, the newest counts."""
        every = self.recorder.ledger.trials(REPLICATE, self.family)
        trials = [trial for trial in every if "key" in trial.user_attrs]  # else lost with a damaged line of the ledger
        entries = [(record_of(trial), trial._trial_id) for trial in trials]
        self.again = {record_of(trial).configuration_id for trial in trials if AGAIN in trial.user_attrs}
        self.newest = {(one.configuration_id, one.seed): one for one, _ in entries}
        self.places = {trial_id: (one.configuration_id, one.seed) for one, trial_id in entries}
        self._judge()

    def opens(self, trial_id: int) -> bool:
        """Whether a trial may be started now."""
        _, seed = place = self.places[trial_id]
        return self.newest[place].state not in ENDED and self.seeds.index(seed) < self.standing.open

    def started(self, trial_id: int) -> None:
        self.running.add(trial_id)

    def look(self) -> list[TrialRecord]:
        """Take in what has ended since, and drop what has lost; returns what was dropped and has to run after all."""
        ended = [trial_id for trial_id in self.running if self.recorder.ledger.record(trial_id).state in ENDED]
        for record in map(self.recorder.ledger.record, ended):
            self.newest[record.configuration_id, record.seed] = record
        if ended:
            self.running -= set(ended)
            self._judge()
        return [] if self.settled else self._taken_back()

    def _judge(self) -> None:
        self.results: dict[str, dict[int, float | None]] = {one.configuration_id: {} for one in self.newest.values()}
        for one in self.newest.values():
            if one.state in ENDED and one.state != DROPPED:
                self.results[one.configuration_id][one.seed] = value(one)
        self.settled, dropped = False, self._dropped()
        recorded = {name: self.seeds.index(record.seed) for name, record in dropped.items()}
        over = Standing(len(self.seeds))  # once one was taken back, nobody is dropped any more
        self.standing = over if self.again else race(self.results, self.seeds, recorded)
        for name, drop in self.standing.dropped.items():
            self._drop(name, drop.after, drop.sentence())
        for name in dropped.keys() - self.again:
            self._drop(name, recorded[name], dropped[name].cause)

    def _dropped(self) -> dict[str, TrialRecord]:
        """The first seed that each dropped configuration did not get."""
        gone = [one for one in self.newest.values() if one.state == DROPPED]
        last_first = sorted(gone, key=lambda one: self.seeds.index(one.seed), reverse=True)
        return {one.configuration_id: one for one in last_first}

    def _drop(self, name: str, after: int, cause: str) -> None:
        """End every trial that a configuration still had to come; a seed before that which failed is tried again."""
        ledger = self.recorder.ledger
        for trial_id, (configuration, seed) in self.places.items():
            later = configuration == name and self.seeds.index(seed) >= after
            if later and ledger.record(trial_id).state == MISSING:
                self.recorder.drop(trial_id, cause)
                self.newest[configuration, seed] = ledger.record(trial_id)

    def _taken_back(self) -> list[TrialRecord]:
        """What was dropped and may win after all, once the others ended: see `_unbeaten`."""
        gone = [one for one in self.newest.values() if one.state == DROPPED]
        back = {one.configuration_id for one in gone} & self.again
        if gone and not back and all(one.state in ENDED for one in self.newest.values()):
            back = set(self._unbeaten({one.configuration_id for one in gone}))
        self.settled = True  # until another trial ends
        return [one for one in gone if one.configuration_id in back]

    def _unbeaten(self, dropped: set[str]) -> Iterator[str]:
        """What none has beaten that keeps the export rule, and can keep it if none of its other seeds collapses."""
        table = configurations(judge(tables(self.newest.values())[0])).set_index("configuration")
        able = self.rule.keeping(table).index
        for name, row in table.loc[sorted(dropped)].iterrows():
            hopeful = row["no latent"] or self.rule.kept_by(row["collapsed"], len(self.seeds))
            if hopeful and not any(beats(one, str(name), self.results, self.seeds) for one in able):
                yield str(name)


def value(record: TrialRecord) -> float | None:
    """What a race compares: the likelihood that the export rule goes by; None where a trial failed."""
    if record.state == DIVERGED:
        return inf
    return next((record.final[f"valid/{name}"] for name in LIKELIHOODS if f"valid/{name}" in record.final), None)
