"""Where a study is, drawn as wide as there is room: words wrap between words, and no figure is cut."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from uncollapse.analysis.counted import counted
from uncollapse.analysis.schema import DIVERGED, DROPPED, FAILED, STAGES, STOPPED
from uncollapse.analysis.verdict_rule import DEFAULT
from uncollapse.study.durations import duration
from uncollapse.study.errors import printable
from uncollapse.study.execution.view.budget import Budget
from uncollapse.study.execution.view.overview import Overview, RunningTrial
from uncollapse.study.stages.time_left import Left, both

NARROW = 60  # columns below which only what matters most is drawn
ALWAYS = ("done", "best", "alive")
SPARED = ("running", FAILED, DIVERGED, "collapsed", STOPPED, DROPPED)  # the last are left out first
ORDER = ("done", "running", "best", "alive", "collapsed", STOPPED, DIVERGED, FAILED, DROPPED)
IF_ANY = (STOPPED, DIVERGED, FAILED, DROPPED)
BETWEEN = 2  # spaces from column to column
SHORTEST = 8  # letters that are left of a family's name
ALIVE = f"mi >= {DEFAULT.mi:g} and latent_gain >= {DEFAULT.latent_gain:g}, of the judged"
Row = Mapping[str, Any]


class Picture:
    """A study's headline, what is running, and a table of each stage.

    Args:
        overview: what is drawn.
        stages: whose tables.
    """

    def __init__(self, overview: Overview, stages: Sequence[str] = STAGES) -> None:
        self.overview, self.stages = overview, stages

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        yield packed(headline(self.overview), width)
        if self.overview.budget and self.overview.stage:
            yield packed(_given(self.overview.budget), width)
        yield Text(printable(f"best: {self.overview.best}"))
        yield Text(f"alive: {ALIVE}")
        if self.overview.trials:
            yield packed(on_their_way(self.overview), width)
        for stage in self.stages:
            if rows := self.overview.of(stage):
                yield Text("")
                yield from _stage(stage, rows, width, self.overview.bound)


def packed(sentence: str, width: int) -> Text:
    """Lines that end after a comma, so that what belongs together stands together; longer parts end between words."""
    lines = [""]
    for part in sentence.split(", "):
        longer = f"{lines[-1]}, {part}" if lines[-1] else part
        if lines[-1] and len(longer) >= width:
            lines[-1] += ","
            lines.append(part)
        else:
            lines[-1] = longer
    return Text(printable("\n".join(lines)))


def headline(overview: Overview) -> str:
    """Stage, time that it ran, time left."""
    state = "running" if overview.running else "not running"
    ran = f"ran {duration(overview.ran)}"
    if not overview.stage:
        return f"{overview.study}: {'ending' if overview.running else 'ended'}, {ran}"
    return f"{overview.study}: {state}, {overview.stage}, {ran}, left {left(overview.stage, overview.left)}"


def _given(budget: Budget) -> str:
    """The budget, and when it is over."""
    more = f", {duration(budget.report)} of it for the report" if budget.seconds > budget.report else ""
    return f"budget: {budget.words}, {duration(max(0.0, budget.seconds))} left{more}"


def left(stage: str, of: Mapping[str, Left]) -> str:
    """Wall time left of a stage, and of the whole study where another stage follows; `of` each stage."""
    if stage == STAGES[-1] or of[stage].seconds is None:
        return in_words(of[stage])
    return f"{in_words(of[stage])}, in all {in_words(both(of[stage], of[STAGES[-1]]))}"


def in_words(wall: Left) -> str:
    """A wall time, and whether it is only about right."""
    if wall.seconds is None:
        return "unknown yet"
    return f"about {duration(wall.seconds)}" if wall.about else duration(wall.seconds)


def on_their_way(overview: Overview) -> str:
    """Which trials run and how far they are; where no process runs the study, which will go on."""
    families = groupby(sorted(overview.trials, key=lambda trial: trial.family), key=lambda trial: trial.family)
    parts = [_of_family(family, list(trials), at == 0) for at, (family, trials) in enumerate(families)]
    return f"{'running' if overview.running else 'to go on'}: {', '.join(parts)}"


def _of_family(family: str, trials: list[RunningTrial], first: bool) -> str:
    """ "seqvae 3 (epoch 7 of 30)", of several trials the least and the most."""
    least, most = min(trial.epoch for trial in trials), max(trial.epoch for trial in trials)
    epochs = f"{least}" if least == most else f"{least} to {most}"
    word = ("epoch " if least == most else "epochs ") if first else ""
    return f"{family} {len(trials)} ({word}{epochs} of {trials[0].epochs})"


def _stage(stage: str, rows: Sequence[Row], width: int, bound: str) -> RenderResult:
    """A stage's table, then what found no column in it."""
    names = columns(rows, width)
    yield _table(stage, rows, names, width)
    for state in IF_ANY:
        if state not in names and any(row[state] for row in rows):
            yield packed(f"{state}: {_counted(rows, state)}", width)
    if others := [row for row in rows if row["best"] and row["best"]["measure"] != bound]:
        yield packed(f"best by another measure: {', '.join(map(_by_another, others))}", width)


def _counted(rows: Sequence[Row], state: str) -> str:
    return ", ".join(f"{row['family']} {row[state]}" for row in rows if row[state])


def _by_another(row: Row) -> str:
    return f"{row['family']} ({row['best']['measure']})"


def columns(rows: Sequence[Row], width: int) -> list[str]:
    """The columns that are drawn in so many letters, families' names left out."""
    there = [name for name in SPARED if name not in IF_ANY or any(row[name] for row in rows)]
    chosen = [*ALWAYS, *(there if width >= NARROW else ())]
    while len(chosen) > len(ALWAYS) and _needed(rows, chosen) > width:
        chosen.pop()
    return [name for name in ORDER if name in chosen]


def _needed(rows: Sequence[Row], names: Sequence[str]) -> int:
    longest = max(len(row["family"]) for row in rows)
    return max(longest, SHORTEST) + _figures(rows, names)


def _figures(rows: Sequence[Row], names: Sequence[str]) -> int:
    return sum(BETWEEN + max(len(name), *(len(cell(row, name)) for row in rows)) for name in names)


def _table(stage: str, rows: Sequence[Row], names: Sequence[str], width: int) -> Table:
    table = Table(box=None, padding=(0, BETWEEN, 0, 0), pad_edge=False, header_style="bold")
    room = max(SHORTEST, width - _figures(rows, names))
    table.add_column(stage, no_wrap=True, overflow="ellipsis", max_width=room)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True, min_width=len(name))
    for row in rows:
        table.add_row(row["family"], *(cell(row, name) for name in names))
    return table


def cell(row: Row, name: str) -> str:
    """What stands in a column; nothing is said of verdicts where none fell."""
    match name:
        case "done":
            return f"{row['ended']}/{row['planned']}"
        case "best":
            return f"{row['best']['value']:.2f}" if row["best"] else "-"
        case "alive":
            return f"{row['alive']}/{row['judged']}" if row["judged"] else "-"
    return str(row[name])


def line(overview: Overview) -> str:
    """Where a study is, in one line."""
    rows = overview.of(overview.stage)
    ended, planned = sum(row["ended"] for row in rows), sum(row["planned"] for row in rows)
    if not overview.stage:
        return headline(overview)
    alive, judged = sum(row["alive"] for row in rows), sum(row["judged"] for row in rows)
    done = f"{overview.stage}: {ended} of {counted(planned, 'trial')} ended, {len(overview.trials)} running"
    return f"{done}, {alive} of {judged} alive, left {left(overview.stage, overview.left)}"
