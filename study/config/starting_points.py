"""What `search.start` names, read and checked: exported files and components over a family's base."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from uncollapse.models.configuration import resolve
from uncollapse.models.configuration.unknown_name import unknown
from uncollapse.search_spaces import page_yaml
from uncollapse.study.config.families import Family, merge

Start = dict[str, Mapping[str, Any]]


def read(given: Iterable[Any], families: Iterable[Family], folder: Path) -> tuple[list[Start], list[str]]:
    """Components by family of every point, and every error.

    Args:
        given: of a page whose form is checked: paths relative to `folder`, and mappings.
        families: of the study, under its override.
    """
    known = {family.name: family for family in families}
    points, found = [], []
    for number, one in enumerate(given):
        place = f"search.start[{number}]"
        try:
            point = _exported(folder / one) if isinstance(one, str) else dict(one)
        except ValueError as error:
            found.append(f"{place}: {error}")
            continue
        points.append(point)
        found += [f"{place}: {error}" for error in _errors(point, known)]
    return points, found


def _exported(path: Path) -> Start:
    """The family and the model of a file that `uncollapse export` wrote."""
    try:
        content = page_yaml.load(path)
    except FileNotFoundError:
        raise ValueError(f"{path.name}: no such file; give an exported file, relative to the page") from None
    except OSError as error:
        raise ValueError(str(error)) from None
    if not isinstance(content, Mapping) or not isinstance(content.get("model"), Mapping):
        raise ValueError(f"{path.name}: an exported file has a family and a model; `uncollapse export` writes one")
    return {str(content.get("family")): content["model"]}


def _errors(point: Start, known: Mapping[str, Family]) -> list[str]:
    found = []
    for name, components in point.items():
        if name not in known:
            found.append(unknown("family of this study", str(name), list(known)))
        elif not isinstance(components, Mapping):
            found.append(f"{name}: components, such as {{latent: {{size: 16}}}}, found {components!r}")
        else:
            found += resolve.errors(merge(known[name].base, components), name)
    return found
