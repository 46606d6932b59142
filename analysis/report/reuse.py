"""What a study took over from others, in a sentence."""

import pandas as pd

from uncollapse.analysis.counted import counted
from uncollapse.analysis.findings import Findings
from uncollapse.analysis.report.wording import listed
from uncollapse.analysis.schema import REPLICATE, SEARCH


def reuse_sentence(found: Findings) -> str:
    """How many trials other studies had trained already; "" where all were trained here."""
    taken = found.judged[found.judged["reused_from"] != ""]
    if taken.empty:
        return ""
    stages = taken["stage"].value_counts()
    nouns = {SEARCH: "search trial", REPLICATE: "confirmation run"}
    parts = [counted(int(stages[stage]), noun) for stage, noun in nouns.items() if stage in stages]
    return f"Taken over and not trained again: {listed(parts)}, {_from(taken)}."


def _from(taken: pd.DataFrame) -> str:
    counts = taken["reused_from"].value_counts()
    return listed(f"{counts[name]:,} from {name}" for name in sorted(counts.index))
