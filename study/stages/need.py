"""What a search so far leaves to be confirmed."""

from uncollapse.analysis.schema import ENDED, REPLICATE, SEARCH
from uncollapse.study.config.study_page import Study, planned
from uncollapse.study.stages.replicate import choose
from uncollapse.study.storage.ledger import Ledger, record_of


def runs_to_come(study: Study, ledger: Ledger) -> dict[str, int]:
    """Confirmation runs of each family that have not ended, if the search ended now."""
    whole = planned(study.settings())[REPLICATE]
    return {family.name: _to_come(study, ledger, family.name, whole[family.name]) for family in study.families}


def _to_come(study: Study, ledger: Ledger, family: str, whole: int) -> int:
    seeds, trials = study.replicate.seeds, ledger.trials(SEARCH, family)
    unsearched = whole // seeds - study.replicate.configurations  # what is confirmed whatever the search finds
    searches = next(one for one in study.families if one.name == family).search
    count = min(whole, (len(choose(trials, study)) + unsearched) * seeds) if searches else whole
    ended = sum(record_of(trial).state in ENDED for trial in ledger.trials(REPLICATE, family))
    return max(0, count - ended)
