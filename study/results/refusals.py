"""Why families have no exported file, and what to try next: for the terminal, for JSON and beside the files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from uncollapse.analysis.findings import Findings
from uncollapse.analysis.whole_file import write_whole

README = "README.md"


class Refusal(NamedTuple):
    """A family without a file, as a row of `comparison.unexported`.

    Args:
        configuration: nearest to the export rule; "" where none has a finished seed.
        role: why it was confirmed.
        settings: its hyperparameters in one line.
        lacks: what it breaks.
        moves: what the search says to move.
        next: the next edit and command.
    """

    configuration: str
    role: str
    settings: str
    lacks: str
    moves: Sequence[str]
    next: str

    @property
    def why(self) -> str:
        """In one sentence."""
        if not self.configuration:
            return self.lacks
        return f"no configuration keeps the rule; the nearest is {self.configuration} ({self.role}): {self.lacks}"

    @property
    def advice(self) -> list[str]:
        """What to try, a sentence each."""
        return [*(f"move {one}" for one in self.moves), f"next {self.next}"]


def refusals(found: Findings) -> dict[str, Refusal]:
    """By family, of those that have no configuration that keeps the rule."""
    table = found.unexported.set_index("family")
    return {str(family): Refusal(**row) for family, row in table.to_dict("index").items()}


def nothing(refused: Mapping[str, Refusal]) -> list[str]:
    """The errors of an export that brings no file at all, with what to try."""
    said = [f"{family}: {'; '.join([one.why, *one.advice])}" for family, one in refused.items()]
    return said or ["the study has no families"]


def as_data(refused: Mapping[str, Refusal]) -> dict[str, Any]:
    """For JSON: by family, `why` in one sentence, `advice` as sentences, and what the refusal holds."""
    return {
        family: {"why": one.why, "advice": one.advice, **one._asdict(), "moves": list(one.moves)}
        for family, one in refused.items()
    }


def told(refused: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Lines for a terminal, of what `as_data` gave."""
    lines = []
    for family, one in refused.items():
        lines.append(f"no best  {family}: {one['why']}")
        lines += [f"         {sentence}" for sentence in one["advice"]]
    return lines


def write_readme(folder: Path, study: str, rule: str, sure: Mapping[str, str], refused: Mapping[str, Refusal]) -> Path:
    """Say beside the exported files how sure each is, and what to do for the families without one.

    Args:
        folder: of the files.
        study: its name.
        rule: of the export, in words.
        sure: of every exported family how sure it is.
        refused: the others.
    """
    lines = [f"# What study `{study}` hands over", "", f"The rule: {rule}.", ""]
    lines += [
        f"- `{family}.yaml`: {sentence}. Train it: `uncollapse train {family}.yaml`."
        for family, sentence in sure.items()
    ]
    if refused:
        lines += ["", "## Families without a file"]
    for family, one in refused.items():
        lines += [
            "",
            f"**{family}**: {one.why}.",
            *([f"Its hyperparameters: {one.settings}."] if one.settings else []),
            "",
        ]
        lines += [f"- {sentence}" for sentence in one.advice]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / README
    write_whole(path, "\n".join(lines) + "\n")
    return path
