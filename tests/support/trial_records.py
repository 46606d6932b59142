"""Studies whose trials are told and not trained: stages, ledger and book without a model."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.support.models import PAGE, write
from uncollapse.study.config import study_page
from uncollapse.study.config.study_page import Study
from uncollapse.study.stages.choice import Chosen, choose
from uncollapse.study.stages.replicate import ReplicateStage
from uncollapse.study.stages.search import SearchStage
from uncollapse.study.stages.stage import Stage
from uncollapse.study.storage.ledger import Ledger, record_of
from uncollapse.study.storage.recorder import Recorder
from uncollapse.study.trial_record import TrialRecord

SPACE = """
search:
  latent: {size: {choice: [2, 3, 4]}, prior_scale: {float: [0.1, 1.0], log: true}}
"""
EPOCHS = 9
Value = Callable[[TrialRecord, int], float]


def study(folder: Path, space: str = SPACE, names: tuple[str, ...] = ("one", "two"), **sections: Any) -> Study:
    """A study of made-up families, all with the same page."""
    for name in names:
        write(folder / f"{name}.yaml", PAGE + space)
    page = {
        "study": "mine",
        "corpus": {"name": "cafes"},
        "families": [f"{name}.yaml" for name in names],
        "search": {"trials": 6, "sampler": "random", "stop_early": "asha", "audit": 0.0, **sections.pop("search", {})},
        "replicate": {"configurations": 2, "seeds": 3, "also": [], **sections.pop("replicate", {})},
        "train": {"epochs": EPOCHS},
        **sections,
    }
    return study_page.parse(page, folder, "my.yaml")


def recorder(folder: Path, *listeners: Callable[[TrialRecord], None]) -> Recorder:
    """As a new process opens it."""
    return Recorder(Ledger(folder / "runs", "mine", write=True), "valid/nll_iw", tuple(listeners))


def search(of: Study, folder: Path) -> SearchStage:
    return SearchStage(of, "corpus", recorder(folder))


def replicate(of: Study, folder: Path) -> ReplicateStage:
    return ReplicateStage(of, "corpus", recorder(folder))


def epoch_record(number: int, value: float) -> dict[str, float]:
    measured = {"subset/nll_iw": value, "subset/nll_elbo": value + 1.0}
    return {"epoch": float(number), **measured, "cost/seconds": 1.0, "cost/updates": 10.0 * number}


def by_scale(record: TrialRecord, epoch: int) -> float:
    """Falls with time; ranks trials by a hyperparameter."""
    return 100.0 * record.configuration["latent"]["prior_scale"] + 50.0 / epoch + record.seed % 7 / 1000


def train(stage: Stage, record: TrialRecord, value: Value = by_scale, until: int = EPOCHS) -> str:
    """Report a trial's epochs as a worker would; "finished", "stopped", or "cut off" after epoch `until`."""
    for number in range(len(record.epochs) + 1, until + 1):
        known = stage.recorder.epoch(record.key, epoch_record(number, value(record, number)))
        if known is not None and stage.stops(known):
            stage.recorder.stop(record.key)
            return "stopped"
    if until < EPOCHS:
        return "cut off"
    stage.recorder.finish(record.key, {"valid/nll_iw": value(record, EPOCHS)} if stage.name == "replicate" else {})
    return "finished"


def run(stage: Stage, value: Value = by_scale, trials: int | None = None) -> list[TrialRecord]:
    """Train what is left, or so many trials, one after another."""
    done: list[TrialRecord] = []
    while trials is None or len(done) < trials:
        record = stage.next_trial()
        if record is None:
            break
        train(stage, record, value)
        done.append(record)
    return done


def chosen(folder: Path, of: Study, family: str = "one") -> list[Chosen]:
    """What a family's search, read anew, gives to be confirmed."""
    page = next(one for one in of.families if one.name == family)
    return choose(page, records(folder, family), of)


def records(folder: Path, family: str, stage: str = "search") -> list[TrialRecord]:
    """A family's trials, read anew."""
    return [record_of(trial) for trial in Ledger(folder / "runs", "mine").trials(stage, family)]


def states(folder: Path, of: Study, stage: str) -> dict[tuple[str, int], Mapping[str, Any]]:
    """What the ledger says of every trial, read anew."""
    ledger = Ledger(folder / "runs", "mine")
    return {
        (family.name, trial.number): {
            "key": record.key,
            "state": record.state,
            "epochs": len(record.epochs),
            "configuration": record.configuration,
            "seed": record.seed,
        }
        for family in of.families
        for trial in ledger.trials(stage, family.name)
        for record in [record_of(trial)]
    }
