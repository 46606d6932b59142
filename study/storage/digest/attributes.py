"""What a ledger says of a trial, and of all of them. Free of Optuna."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from uncollapse.analysis.schema import ENDED, FAILED, MISSING, RUNNING, STAGES
from uncollapse.study.config.names import CONSTRAINT, NAME
from uncollapse.study.errors import UserError
from uncollapse.study.outline import Outline
from uncollapse.study.trial_record import TrialRecord

Trial = TypeVar("Trial", bound=Outline)
EPOCH = "epoch/"  # what names of the attributes begin with that hold an epoch each


def epoch_name(number: int) -> str:
    return f"{EPOCH}{number:05d}"


def place_of(study: str, name: str) -> tuple[str, str] | None:
    """The (stage, family) of which a study holds the trials that Optuna knows by `name`; None if of none."""
    stage, dot, family = name.removeprefix(f"{study}.").partition(".")
    return (stage, family) if dot and stage in STAGES else None


def record_from(
    given: Mapping[str, Any], number: int, state: str, started: float, params: Mapping[str, Any]
) -> TrialRecord:
    """What the ledger holds of one trial.

    Args:
        given: its attributes.
        number: among the trials of its family and stage, as Optuna counts.
        state: see `state_of`.
        started: seconds since 1970, 0.0 where it has not.
        params: as Optuna knows them.

    Raises:
        UserError: a name in it would lead out of the study's folder.
    """
    attributes = attributes_of(given)
    if (error := names_outside(attributes)) is not None:
        raise UserError(error)
    return TrialRecord(
        key=attributes.get("key", ""),
        family=attributes.get("family", ""),
        stage=attributes.get("stage", ""),
        number=attributes.get("number", number),
        configuration_id=attributes.get("configuration_id", ""),
        seed=attributes.get("seed", 0),
        audit=attributes.get("audit", False),
        configuration=attributes.get("configuration", {}),
        params=attributes.get("params", params),
        state=state,
        cause=attributes.get("cause", ""),
        epochs=tuple(attributes[name] for name in sorted(attributes) if name.startswith(EPOCH)),
        final=attributes.get("final", {}),
        started=started,
        ended=attributes.get("ended", 0.0),
        artifacts=attributes.get("artifacts", {}),
        device=attributes.get("device", ""),
        kept_epoch=attributes.get("kept_epoch", 0),
        role=attributes.get("role", ""),
        origin=attributes.get("origin", ""),
        reused_from=attributes.get("reused_from", ""),
    )


def names_outside(attributes: Mapping[str, Any]) -> str | None:
    """Why a trial cannot be taken from a ledger, which may be anybody's: its names become names of files."""
    names = [attributes.get("key", ""), attributes.get("family", ""), *attributes.get("artifacts", ())]
    strange = [name for name in names if name != "" and not (isinstance(name, str) and NAME.fullmatch(name))]
    if not strange:
        return None
    return (
        f"ledger.journal: a trial's key, family and artifacts are called by {CONSTRAINT}, found {strange[0]!r}; put a "
        "copy of the ledger in its place"
    )


def attributes_of(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """A trial's attributes under today's names, in old ledgers too.

    There `configuration` was the hash, and `settings` the configuration.
    """
    name = given.get("configuration")
    if not isinstance(name, str):
        return given
    return {**given, "configuration_id": name, "configuration": given.get("settings", {})}


def state_of(attributes: Mapping[str, Any], ended: bool, running: bool) -> str:
    """How a trial stands; `ended` and `running` as Optuna knows it."""
    if not ended:
        return RUNNING if running else MISSING
    state: str = attributes.get("state", FAILED)
    assert state in ENDED, state
    return state


def newest(found: Iterable[tuple[str, Trial]]) -> list[Trial]:
    """By stage, family and number; of a trial that was entered again, the newest entry.

    Args:
        found: stages and what was entered there, in order.
    """
    kept = {(stage, one.key): one for stage, one in found if one.key}
    return sorted(kept.values(), key=lambda one: (STAGES.index(one.stage), one.family, one.number))
