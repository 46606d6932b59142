"""Posterior means of the same validation sentences, as each confirmation run left them. N sentences; C components."""

import base64
import binascii
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from uncollapse.analysis.statistics.intervals import Array

FILE = "codes.json"
ACTIVE = 0.01  # variance of a posterior mean, Burda et al. 2016

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Code:
    """What one trained model makes of N sentences.

    means: (N, C) posterior means.
    off: (N, C) probability that a component is switched off, or None for dense codes.
    digest: names the sentences; only codes of the same sentences can be matched.
    """

    means: Array
    off: Array | None = None
    digest: str = ""


def read(text: str) -> Code:
    """A code from its file; ValueError where the file is not what the `codes` probe writes."""
    try:
        kept = json.loads(text)
        shape = int(kept["sentences"]), int(kept["size"])
        off = None if kept.get("off") is None else _matrix(kept["off"], shape)
        return Code(_matrix(kept["means"], shape), off, str(kept.get("sentences_digest", "")))
    except (ValueError, KeyError, TypeError, binascii.Error) as error:
        raise ValueError(
            f"{FILE} holds `means` as base64 of sentences x size halves; this one does not ({error!r}); train it again."
        ) from None


def _matrix(packed: str, shape: tuple[int, int]) -> Array:
    values = np.frombuffer(base64.b64decode(packed, validate=True), "<f2").astype(np.float64).reshape(shape)
    if not np.isfinite(values).all():
        raise ValueError("not every value is finite")
    return values


def of_seeds(texts: Mapping[str, Mapping[str, str]], trials: pd.DataFrame) -> tuple[dict[Any, Code], str]:
    """The readable codes of these finished trials by seed, all over the same sentences, and a note of what is left out.

    Where trials encoded different sentences, those of the commonest set are kept.
    """
    found: dict[Any, Code] = {}
    broken = 0
    for key, seed in zip(trials["key"], trials["seed"], strict=True):
        text = texts.get(key, {}).get(FILE)
        if text is None:
            continue
        try:
            found[seed] = read(text)
        except ValueError:
            broken += 1
    kept = _same_sentences(found)
    notes = [f"{broken} of {len(trials)} codes could not be read"] if broken else []
    notes += (
        [f"{len(found) - len(kept)} of {len(found)} codes are of other sentences"] if len(kept) < len(found) else []
    )
    return kept, "; ".join(notes)


def _same_sentences(found: Mapping[Any, Code]) -> dict[Any, Code]:
    if not found:
        return {}
    sets = {seed: (code.digest, len(code.means)) for seed, code in found.items()}
    commonest = Counter(sets.values()).most_common(1)[0][0]
    return {seed: code for seed, code in found.items() if sets[seed] == commonest}


def active(means: Array, threshold: float = ACTIVE) -> Mask:
    """(C,) dimensions whose mean has a variance above `threshold`; above `threshold` / C where codes have length one.

    On a sphere the C variances sum to 1 at most, so 0.01 would ask a different thing of each size.
    """
    lengths = np.linalg.norm(means, axis=1)
    on_sphere = bool(np.ptp(lengths) < 0.01 * lengths.mean() and lengths.mean() <= 1.01)
    return np.asarray(means.var(axis=0, ddof=1) > threshold / (means.shape[1] if on_sphere else 1))
