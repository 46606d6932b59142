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
SPLITS = ("", *(f"{split}/" for split in reversed(SPLIT_OF_STAGE.values())))  # prefixes, the latest stage's first
JUDGED_BY = frozenset(split + name for split in SPLITS for name in (*DECISIVE, *WITHOUT_LATENT))


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
    return all_collapsed([measures], thresholds)[0]


def all_collapsed(found: Iterable[Mapping[str, float]], thresholds: Thresholds = DEFAULT) -> list[bool | None]:
    """The same of many trials at once, a hundredth of the time each."""
    figures = np.array([_decisive(measures) for measures in found], dtype=float).reshape(-1, 3)
    judged = verdicts(figures[:, 0], figures[:, 1], figures[:, 2], thresholds).tolist()
    return [verdict == COLLAPSED if verdict in JUDGED else None for verdict in judged]


def _decisive(measures: Mapping[str, float]) -> tuple[float, float, bool]:
    """Both decisive measures, NaN for one that is absent, and whether there is a likelihood without a latent."""
    split = next((one for one in SPLITS if any(one + name in measures for name in DECISIVE)), "")
    mi, gain = (_finite(measures.get(split + name)) for name in DECISIVE)
    return mi, gain, any(not math.isnan(_finite(measures.get(split + name))) for name in WITHOUT_LATENT)


def _finite(value: float | None) -> float:
    return value if value is not None and math.isfinite(value) else math.nan
