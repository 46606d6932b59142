"""A budget of hours in a sentence: what was given, what was planned for it, and what was done."""

from collections.abc import Mapping

import pandas as pd

from uncollapse.analysis.counted import counted
from uncollapse.analysis.findings import Findings
from uncollapse.analysis.schema import ENDED, OUT_OF_TIME, REPLICATE, SEARCH


def budget_sentence(found: Findings) -> str:
    """Budget, plan and what was done; "" for a study that never had a budget."""
    held = found.study.get("budget")
    if not held:
        return ""
    given = f"Budget: {held['words'] or 'none any more'}."
    planned = f" Planned for it: {_planned(held['chosen'], held['asked'])}." if held["chosen"] else ""
    return f"{given}{planned} Done in {held['used_hours']:.3g} h, before the report: {_done(found.judged)}"


def _planned(chosen: Mapping[str, int], asked: Mapping[str, int]) -> str:
    """What was chosen, and what of the page was cut."""
    cut = [name for name in ("epochs", "configurations", "seeds") if chosen[name] < asked[name]]
    page = f" (the page has {', '.join(f'{asked[name]} {name}' for name in cut)})" if cut else ""
    return (
        f"about {counted(chosen['trials'], 'search trial')} a family of {counted(chosen['epochs'], 'epoch')} and "
        f"{counted(chosen['configurations'], 'searched configuration')} a family × "
        f"{counted(chosen['seeds'], 'seed')}{page}"
    )


def _done(judged: pd.DataFrame) -> str:
    ended = judged["state"].isin(ENDED)
    search, confirmation = judged["stage"] == SEARCH, judged["stage"] == REPLICATE
    cut_off = int((search & (judged["cause"] == OUT_OF_TIME)).sum())
    without = int((confirmation & ~ended).sum())
    text = counted(int((search & ended).sum()), "search trial")
    text += f", {cut_off:,} of them stopped because its time was over," * bool(cut_off)
    text += f" and {counted(int((confirmation & ended).sum()), 'confirmation run')}."
    return text + f" {counted(without, 'confirmation run')} found no time." * bool(without)
