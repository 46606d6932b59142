"""What the facts of a study hold of its budget, so that a study which goes on keeps what was chosen for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from uncollapse.study.config.study_page import Study
from uncollapse.study.planning.budget import Numbers
from uncollapse.study.stages.pace import Expected
from uncollapse.study.storage.workspace import Workspace


@dataclass(frozen=True)
class Frozen:
    """The budget of a study as its facts hold it.

    Args:
        expected: seconds of each family's trials, as calibrated.
        slots: trials that ran at once when it was calibrated.
        asked, chosen: the page's numbers when the choice was made, and those that were chosen; None where a study that
            was under way was given its first deadline, whose numbers stay.
        hours, until: of the last run; seconds since 1970 the second.
        words: both as a person reads them.
        since: seconds since 1970 at which the study was last given more time than before.
        begun: seconds since 1970 at which each run began, or went on after a pause.
    """

    expected: Mapping[str, Expected]
    slots: int
    asked: Numbers | None = None
    chosen: Numbers | None = None
    hours: float | None = None
    until: float | None = None
    words: str = ""
    since: float = 0.0
    begun: tuple[float, ...] = ()

    def plain(self) -> dict[str, Any]:
        """As the facts hold it."""
        expected = {name: one._asdict() for name, one in self.expected.items()}
        numbers = {name: one and one._asdict() for name, one in (("asked", self.asked), ("chosen", self.chosen))}
        return {**vars(self), "expected": expected, **numbers, "begun": list(self.begun)}

    def over(self, study: Study) -> Study:
        """A study that goes on with what was chosen for it; a number that its page has changed since is the page's."""
        if self.asked is None or self.chosen is None:
            return study
        triples = zip(Numbers.of(study), self.asked, self.chosen, strict=True)
        return Numbers(*(then if own == before else own for own, before, then in triples)).over(study)


def frozen_of(workspace: Workspace) -> Frozen | None:
    """The budget of a study that has trials; None where it has none of either."""
    facts = workspace.read_facts().get("budget") if workspace.facts.exists() and workspace.recorded else None
    if facts is None:
        return None
    expected = {name: Expected(**one) for name, one in facts["expected"].items()}
    numbers = {name: facts[name] and Numbers(**facts[name]) for name in ("asked", "chosen")}
    return Frozen(**{**facts, "expected": expected, **numbers, "begun": tuple(facts["begun"])})
