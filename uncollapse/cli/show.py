"""`show`: one family's page, resolved. Answers in a moment: no torch, ray or mlflow."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from uncollapse.cli import Answer
from uncollapse.search_spaces import page_yaml, space
from uncollapse.study.config import families


def options(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument("family", help="a family's name, or the path of a page")


def show(arguments: Namespace) -> Answer:
    """A family's page, resolved."""
    family = families.load(arguments.family, Path.cwd())
    base = family.configure({})
    hyperparameters = {hyperparameter: str(leaf) for hyperparameter, leaf in space.hyperparameters(family.search)}
    data = {
        "family": family.name,
        "title": family.title,
        "paper": family.paper,
        "base": base,
        "search": hyperparameters,
    }
    width = max(map(len, hyperparameters), default=0)
    searched = "\n".join(f"  {hyperparameter:<{width}}  {leaf}" for hyperparameter, leaf in hyperparameters.items())
    text = page_yaml.dump({"base": base}, flow=True, width=110)
    return data, f"# {family.title}\n# {family.paper}\n{text}\nsearched:\n{searched}"
