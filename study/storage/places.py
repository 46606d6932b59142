"""Where each entry of a journal stands, so that what a damaged line held can be told from the lines around it.

An entry that makes a study or a trial stands at the number that Optuna gives to it by counting; any other entry of a
trial is its first, second, ... one. A gap in these numbers says what was lost, and of which trial.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

CREATE_STUDY, SET_STUDY_USER_ATTRIBUTE, SET_STUDY_SYSTEM_ATTRIBUTE = 0, 2, 3  # as Optuna numbers its operations
CREATE_TRIAL, SET_PARAM, SET_STATE, SET_INTERMEDIATE_VALUE, SET_USER_ATTRIBUTE, SET_SYSTEM_ATTRIBUTE = 4, 5, 6, 7, 8, 9


class Places:
    """Counts what the entries of a journal make, in their order."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.numbers: Counter[int] = Counter()  # trials of a study
        self.entries: list[int] = []  # of each trial after the one that makes it

    def count(self, log: Mapping[str, Any]) -> None:
        """Count an entry."""
        try:
            self.entries[log["trial_id"]] += 1  # as of nearly all
        except (KeyError, IndexError):
            self.next(log)

    def next(self, log: Mapping[str, Any]) -> str:
        """Count an entry; returns its place.

        That is the number of the study that it makes; the number of the trial that it makes among all, and in its
        study, as `7.3`; how many entries of its trial there are; "" where nothing is counted.
        """
        if "trial_id" in log:
            return self._of_trial(log["trial_id"])
        match log.get("op_code"):
            case 0:
                return self._study(log["study_name"])
            case 4:
                return self._trial(log["study_id"])
        return ""

    def _of_trial(self, trial_id: int) -> str:
        if trial_id >= len(self.entries):
            return ""
        self.entries[trial_id] += 1
        return str(self.entries[trial_id])

    def _study(self, name: str) -> str:
        if name in self.names:  # which Optuna does not make again
            return ""
        self.names.add(name)
        return str(len(self.names) - 1)

    def _trial(self, study_id: int) -> str:
        if study_id >= len(self.names):
            return ""
        self.entries.append(0)
        self.numbers[study_id] += 1
        return f"{len(self.entries) - 1}.{self.numbers[study_id] - 1}"
