"""What `plan` says of hours: what a page's budget chooses or, where it has none, what would cut them."""

from collections.abc import Sequence
from typing import Any

from uncollapse.study.config.study_page import Study
from uncollapse.study.planning import budget, cuts
from uncollapse.study.planning.budget import HOUR, Numbers
from uncollapse.study.planning.calibration import Estimate
from uncollapse.study.planning.frozen import frozen_of
from uncollapse.study.storage.workspace import Workspace


def within_hours(
    study: Study, workspace: Workspace, estimates: Sequence[Estimate], slots: int
) -> tuple[Study, list[Estimate], dict[str, Any]]:
    """A study with the numbers of its budget, its estimates for them, and what a plan holds of either.

    Args:
        study: as its page has it.
        workspace: of it; one that is under way keeps what was chosen for it.
        estimates: of every family, for the page's epochs.
        slots: trials that run at once.

    Raises:
        UserError: not even the least of the study fits into its hours.
    """
    expected, hours = budget.expected_of(estimates, study.train.epochs), study.search.hours
    if hours is None:
        return study, list(estimates), {"cuts": cuts.cuts(study, expected, slots)}
    frozen = frozen_of(workspace)
    if frozen is not None:
        chosen = Numbers.of(frozen.over(study))
    else:
        chosen = budget.choose(study, expected, slots, HOUR * hours, "search.hours")
    sentences = budget.sentences(study, chosen, expected, slots, f"{hours:g} h")
    sentences += ["           as chosen when it began"] * (frozen is not None)
    found = {"hours": hours, "asked": Numbers.of(study)._asdict(), "chosen": chosen._asdict(), "sentences": sentences}
    scaled = [one.of_epochs(study.train.epochs, chosen.epochs) for one in estimates]
    return chosen.over(study), scaled, {"budget": found}
