"""What a search so far leaves to be confirmed."""

from collections import Counter

from uncollapse.analysis.schema import ENDED, REPLICATE, SEARCH
from uncollapse.study.config.families import Family
from uncollapse.study.config.study_page import Study
from uncollapse.study.stages.choice import choose
from uncollapse.study.storage.fingerprints import configuration_id
from uncollapse.study.storage.ledger import Ledger, record_of
from uncollapse.study.trial_record import TrialRecord


class RunsToCome:
    """Confirmation runs of each family that have not ended, if the search ended now.

    A family that has as many configurations as are confirmed at most is not looked at again, so that a long search
    pays for few looks; one that its base joins later has less to come than said.

    Args:
        study: whose search it is.
        ledger: of it.
    """

    def __init__(self, study: Study, ledger: Ledger) -> None:
        self.study, self.ledger = study, ledger
        self.most = study.replicate.configurations + len(study.replicate.also)
        self.full: dict[str, int] = {}

    def __call__(self) -> dict[str, int]:
        return {one.name: self.full.get(one.name) or self._look(one) for one in self.study.families}

    def _look(self, family: Family) -> int:
        chosen = choose(family, self._records(SEARCH, family.name), self.study)
        ended = Counter(one.configuration_id for one in self._records(REPLICATE, family.name) if one.state in ENDED)
        names = [configuration_id(one.configuration) for one in chosen]
        count = sum(max(0, self.study.replicate.seeds - ended[name]) for name in names)
        if len(chosen) >= self.most or not family.search:
            self.full[family.name] = count
        return count

    def _records(self, stage: str, family: str) -> list[TrialRecord]:
        return [record_of(trial) for trial in self.ledger.trials(stage, family)]
