"""What the analysis reads: one study's facts, its trials and their curves."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from study.records import MEASURES as UNITS

SPLIT_OF_STAGE = {"search": "subset", "replicate": "valid"}

TRIAL_COLUMNS = (
    "key",
    "family",
    "stage",
    "number",
    "configuration",
    "seed",
    "state",
    "cause",
    "audit",
    "epochs",
    "seconds",
)
CURVE_COLUMNS = ("key", "epoch", "updates")

MEASURES = tuple(name for name in UNITS if not name.startswith("kl_"))  # the KL of each variable is found in the tables


@dataclass(frozen=True)
class Records:
    """Everything recorded of one study, as plain tables.

    study: JSON-able facts. All keys are optional: name, created, code_version, packages, corpus {name, digest, facts},
        families (names in order), epochs, thresholds {mi, latent_gain, partial, version}, iw_samples_subset,
        iw_samples_valid, subset_sentences, valid_sentences, select ("subset/nll_iw"), resources, settings, commands,
        unconfirmed (why nothing is confirmed, by family; "" where nothing speaks against it).
    trials: one row per planned trial, missing ones included: `TRIAL_COLUMNS`, `param.<path>`, `<split>/<measure>`.
    curves: one row per trial and epoch: `CURVE_COLUMNS` and `<split>/<measure>`.
    texts: small texts that a trial left, by its key and the file's name.
    """

    study: Mapping[str, Any]
    trials: pd.DataFrame
    curves: pd.DataFrame
    texts: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
