"""Sentences that the models wrote: of each family's best configuration, those of its first confirmation seed."""

from typing import NamedTuple

from uncollapse.analysis.comparison.configurations import best
from uncollapse.analysis.findings import Findings

SHEET = "samples.txt"


class Written(NamedTuple):
    """The sheet of one trained model."""

    family: str
    configuration: str
    seed: int
    sheet: str


def written(found: Findings) -> list[Written]:
    """A sheet for every family that has one."""
    sheets = []
    for row in best(found.configurations).to_dict("records"):
        own = found.judged[(found.judged["stage"] == "replicate") & (found.judged["state"] == "finished")]
        own = own[(own["family"] == row["family"]) & (own["configuration"] == row["configuration"])]
        for trial in own.sort_values("seed").to_dict("records"):
            sheet = found.texts.get(trial["key"], {}).get(SHEET)
            if sheet:
                sheets.append(Written(row["family"], row["configuration"], int(trial["seed"]), sheet))
                break
    return sheets
