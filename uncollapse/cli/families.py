"""`families`: what can be studied. Answers in a moment: no torch, ray or mlflow."""

from argparse import ArgumentParser, Namespace
from typing import Any

from uncollapse.cli import Answer
from uncollapse.search_spaces import space
from uncollapse.study.config import families as pages
from uncollapse.study.config.systems import BY_COMMAND, SYSTEMS


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/families.md")


def families(arguments: Namespace) -> Answer:
    """Every family with its systems, its paper, its page and the hyperparameters that its study searches."""
    rows = sorted((_row(pages.load(name, corners=False)) for name in pages.names()), key=_place)
    if arguments.markdown:
        return rows, _markdown(rows)
    by_command = [f"{SYSTEMS[number]} ({number}): `uncollapse {command}`" for number, command in BY_COMMAND.items()]
    return rows, "\n\n".join([*map(_block, rows), *by_command])


def _place(row: dict[str, Any]) -> tuple[int, str]:
    """Pages in the order of the systems they stand for."""
    return min((list(SYSTEMS).index(number) for number in row["systems"]), default=len(SYSTEMS)), row["family"]


def _block(row: dict[str, Any]) -> str:
    indent = "\n    "
    lines = [
        f"{row['family']}  {row['title']} ({', '.join(row['systems'])})",
        row["paper"],
        row["page"],
        f"searches {', '.join(row['searched'])}",
    ]
    return indent.join(lines)


def _row(family: pages.Family) -> dict[str, Any]:
    names = dict.fromkeys(_short(name) for name, _ in space.hyperparameters(family.search))
    return {
        "family": family.name,
        "title": family.title,
        "systems": list(family.systems),
        "paper": family.paper,
        "page": f"search_spaces/{family.name}.yaml",
        "searched": list(names),
    }


def _markdown(rows: list[dict[str, Any]]) -> str:
    """The table of `docs/families.md`, by name."""
    lines = ["| family | what | paper | searched |", "|---|---|---|---|"]
    for row in sorted(rows, key=lambda row: row["family"]):
        searched = ", ".join(
            f"`{hyperparameter}`" for hyperparameter in row["searched"] if not hyperparameter.startswith("annealing")
        )
        lines.append(f"| [`{row['family']}`](../{row['page']}) | {row['title']} | {row['paper']} | {searched} |")
    return "\n".join(lines)


def _short(hyperparameter: str) -> str:
    """The hyperparameters of an annealing schedule are one line: the schedule and its weight."""
    if hyperparameter.startswith("objective."):
        term = ".".join(hyperparameter.split(".")[1:3])
        return f"annealing and weight of {term}"
    return hyperparameter
