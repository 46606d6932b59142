"""`families`: what can be studied. Answers in a moment: no torch, ray or mlflow."""

from argparse import ArgumentParser, Namespace
from dataclasses import asdict
from typing import Any

from uncollapse.cli import Answer
from uncollapse.models.configuration.outside import registered
from uncollapse.search_spaces import space
from uncollapse.study.config.families import load, names
from uncollapse.study.config.page_files import installed

OURS = "uncollapse"


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/families.md")


def families(arguments: Namespace) -> Answer:
    """Every family with its paper, its page and what its study searches; then what other packages bring."""
    rows = sorted(
        (_row(name, f"search_spaces/{name}.yaml", OURS) for name in names()), key=lambda row: str(row["family"])
    )
    if arguments.markdown:
        return rows, _markdown(rows)
    rows += [_row(str(page.path), str(page.path), page.package) for page in installed()]
    components = [asdict(one) for one in registered()]
    blocks = [*map(_block, rows), *_components(components)]
    return {"families": rows, "components": components}, "\n\n".join(blocks)


def _components(found: list[dict[str, str]]) -> list[str]:
    """One block of the components that other packages register; none where there is none."""
    lines = [f"{one['slot']}: {{kind: {one['kind']}}}  {one['name']}, from {one['package']}" for one in found]
    return ["\n    ".join(["components from outside", *lines])] if lines else []


def _block(row: dict[str, Any]) -> str:
    indent = "\n    "
    lines = [
        f"{row['family']}  {row['title']}",
        row["paper"],
        row["page"] if row["from"] == OURS else f"{row['page']}, from {row['from']}",
        f"searches {', '.join(row['searched'])}",
    ]
    return indent.join(lines)


def _row(name: str, page: str, origin: str) -> dict[str, Any]:
    family = load(name, corners=False)
    names = dict.fromkeys(_short(name) for name, _ in space.hyperparameters(family.search))
    return {
        "family": family.name,
        "title": family.title,
        "paper": family.paper,
        "page": page,
        "from": origin,
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
