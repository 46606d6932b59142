"""YAML as a researcher means it: 1e-3 is a number, and a key given twice is refused."""

import re
from pathlib import Path
from typing import Any

import yaml


class PageLoader(yaml.SafeLoader):
    """Safe YAML with decimal exponents as numbers and no key twice."""


NUMBER = re.compile(r"^[-+]?(\d[\d_]*)(\.[\d_]*)?([eE][-+]?\d+)$")
PageLoader.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+0123456789"))


def _mapping(loader: PageLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        where = key_node.start_mark
        if not isinstance(key, str | int | float | bool):
            raise yaml.constructor.ConstructorError(None, None, f"a key is a word or a number, found {key!r}", where)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is given twice", where)
        seen.add(key)
    return yaml.SafeLoader.construct_mapping(loader, node, deep=True)


PageLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load(path: Path) -> Any:
    """What a YAML file holds.

    Raises:
        ValueError: not YAML, or a key twice; the sentence names the line.
        OSError: the file cannot be read.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), PageLoader)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: a page is UTF-8 text; byte {error.start} is not") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{path}{line}: {error.problem or 'not YAML'}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not YAML ({error})") from None
