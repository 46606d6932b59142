"""The rule of posterior collapse: thresholds, and verdicts from plain figures. Free of pandas."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from uncollapse.analysis.schema import DECISIVE, SPLIT_OF_STAGE, WITHOUT_LATENT

COLLAPSED = "collapsed"
JUDGED = ("ok", "partial", COLLAPSED)
VERDICTS = (*JUDGED, "no latent", "diverged", "failed", "dropped", "running", "missing", "unjudged")


@dataclass(frozen=True)
class Thresholds:
    """Bounds of the verdict, in nats per sentence.

    mi, latent_gain: a trial below either is `collapsed`.
    partial: a trial that is not collapsed but below this in either is `partial`; log 2 is one bit, too little to tell
        two halves of the corpus apart.
    version: raise it whenever a default or the rule changes.
    """

    mi: float = 0.1
    latent_gain: float = 0.1
    partial: float = math.log(2)
    version: int = 1

    def __post_init__(self) -> None:
        bounds = {"mi": self.mi, "latent_gain": self.latent_gain, "partial": self.partial}
        wrong = [f"{name} = {value}" for name, value in bounds.items() if not 0 < value < math.inf]
        if wrong:
            raise ValueError(f"A verdict's threshold is a positive number of nats; {', '.join(wrong)}.")

    @classmethod
    def of(cls, study: Mapping[str, Any]) -> "Thresholds":
        """The thresholds a study states, defaults where it states none."""
        stated = study.get("thresholds") or {}
        known = {field.name for field in fields(cls)}
        return cls(**{key: value for key, value in stated.items() if key in known})

    def sentence(self) -> str:
        """The rule in words, for the page."""
        return (
            f"collapsed: mi < {self.mi:g} or latent_gain < {self.latent_gain:g} nats; "
            f"partial: not collapsed, but mi or latent_gain < {self.partial:.2g} nats (one bit is 0.69); "
            f"ok: everything else (thresholds version {self.version})"
        )


DEFAULT = Thresholds()


def verdicts(
    mi: npt.ArrayLike, latent_gain: npt.ArrayLike, without_latent: npt.ArrayLike, thresholds: Thresholds = DEFAULT
) -> npt.NDArray[np.str_]:
    """The verdict on each trial that ended, NaN for a measure that it lacks.

    `no latent`: neither measure, but a likelihood that only a model without a latent has. `unjudged`: one of the two
    is absent, even where the other is low: judging such trials only when they collapsed would bias every share upwards.
    """
    information, gain = np.asarray(mi, dtype=float), np.asarray(latent_gain, dtype=float)
    lacks_mi, lacks_gain = np.isnan(information), np.isnan(gain)
    rules = {
        "no latent": np.asarray(without_latent, dtype=bool) & lacks_mi & lacks_gain,
        "unjudged": lacks_mi | lacks_gain,
        COLLAPSED: (information < thresholds.mi) | (gain < thresholds.latent_gain),
        "partial": (information < thresholds.partial) | (gain < thresholds.partial),
    }
    return np.select(list(rules.values()), list(rules), default="ok")


def collapsed(measures: Mapping[str, float], thresholds: Thresholds = DEFAULT) -> bool | None:
    """Whether one trial that ended collapsed by its plain measures; None where it has no latent or is unjudged.

    Measures are named plainly or under their split. Of several splits the one that a replicate trial reports counts.
    """
    split = _reported(measures)
    mi, gain = (_finite(measures.get(split + name)) for name in DECISIVE)
    without_latent = any(not math.isnan(_finite(measures.get(split + name))) for name in WITHOUT_LATENT)
    verdict = str(verdicts(mi, gain, without_latent, thresholds))
    return verdict == COLLAPSED if verdict in JUDGED else None


def _reported(measures: Iterable[str]) -> str:
    """The prefix under which either measure is recorded: none, else the latest stage's."""
    known = set(measures)
    prefixes = ("", *(f"{split}/" for split in reversed(SPLIT_OF_STAGE.values())))
    return next((prefix for prefix in prefixes if any(prefix + name in known for name in DECISIVE)), "")


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else math.nan
