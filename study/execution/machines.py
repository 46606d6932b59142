"""The Ray that a running study is on: what fits on it, why nothing trains on it, and when it is started again."""

from typing import TYPE_CHECKING

from uncollapse.analysis.counted import counted
from uncollapse.study.config.study_page import Study
from uncollapse.study.corpora.corpus import Corpus
from uncollapse.study.durations import duration
from uncollapse.study.errors import UserError
from uncollapse.study.execution import cluster
from uncollapse.study.execution.clock import Clock
from uncollapse.study.execution.surroundings import Lost

if TYPE_CHECKING:
    from uncollapse.study.planning.calibration import Estimate

SET_BACK = 10.0  # seconds by which a clock may be corrected unnoticed


class Machines:
    """Joined, or started here; raises UserError where not even one trial fits.

    Args:
        study: whose trials they are to train.
        address: of a Ray cluster; None starts Ray on this machine.
        cpus: that a Ray started here offers; None for all.
        clock: of this machine.
    """

    def __init__(self, study: Study, address: str | None, cpus: int | None, clock: Clock) -> None:
        self.address, self.cpus, self.clock = address, cpus, clock
        cluster.connect(address, cpus)
        self.resources = cluster.resources_of(study)
        self.capacity = cluster.Capacity(self.resources, study.resources.at_once)
        if self.capacity() < 1:
            raise UserError(cluster.too_small(self.resources))

    @property
    def _set_back(self) -> bool:
        return self.clock.behind > SET_BACK

    def calibrated(self, study: Study, corpus: Corpus) -> "list[Estimate]":
        """What the trials of each family take, measured where one would run."""
        return cluster.calibrated(study, corpus)

    def shortage(self, waiting: int) -> str:
        """The sentence for so many trials that find no place; raises `Lost` where only another Ray helps."""
        what = (
            f"{counted(waiting, 'trial')} {'waits' if waiting == 1 else 'wait'} for a place"
            if waiting
            else "no trial can start"
        )
        if not self._set_back:
            return f"nothing trains: {what}; {cluster.shortage(self.resources)}; the study waits for a node"
        back = f"this machine's clock was set back, and Ray places nothing for {duration(self.clock.behind)}"
        if self.address is None:
            raise Lost(f"{back}, so it is started again")
        return f"nothing trains: {what}; {back}; wait, or start the cluster again and run the study again"

    def start_again_where_set_back(self) -> None:
        """A Ray that was started here places nothing for as long as the clock was set back."""
        if self._set_back and self.address is None:
            cluster.start_again(self.cpus)
            self.clock.forget()
