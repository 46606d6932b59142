"""YAML as a researcher means it: 1e-3 is a number, and a key given twice is refused.

A page is plain data and small: words, numbers, lists and mappings, without tags, dates or control characters. What
is written here reads back as it was: a word that looks like a number is put into quotation marks.
"""

import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from yaml.composer import Composer
from yaml.constructor import ConstructorError, SafeConstructor

MOST_BYTES = 1 << 18  # of a file, and of what it says once every alias is written out
MOST_DEPTH = 50
LARGEST = 10**18 - 1
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
NUMBER = re.compile(r"^[-+]?(\d[\d_]*)(\.[\d_]*)?([eE][-+]?\d+)$")
DATE = "tag:yaml.org,2002:timestamp"
WIDTH = 120  # of a written line


# PyYAML's wheels bring libyaml, which reads in C what Python takes half a second for in the pages of all families.
BASES = (Composer, yaml.CSafeLoader) if yaml.__with_libyaml__ else (yaml.SafeLoader,)
DUMPER = yaml.CSafeDumper if yaml.__with_libyaml__ else yaml.SafeDumper


class PageLoader(*BASES):  # type: ignore[misc]
    """Safe YAML with decimal exponents as numbers, no key twice, and bounds on what a small file can grow into."""

    def __init__(self, stream: str) -> None:
        BASES[-1].__init__(self, stream)
        self.anchors: dict[str, yaml.Node] = {}  # of `Composer`, which takes no stream
        self.depth = self.written = 0
        self.lengths: dict[str, int] = {}  # of what each anchor stands for; absent while that is still being read

    def compose_node(self, parent: Any, index: Any) -> Any:
        event, before = self.peek_event(), self.written
        if getattr(event, "tag", None) is not None:
            raise ConstructorError(None, None, f"a page carries no tags, found {event.tag!r}", event.start_mark)
        alias = isinstance(event, yaml.AliasEvent)
        self.depth += 1
        self.written += self.lengths.get(event.anchor, 0) if alias else 1 + len(getattr(event, "value", ""))
        if self.depth > MOST_DEPTH or self.written > MOST_BYTES:
            constraint = f"a page has at most {MOST_DEPTH} levels and, every alias written out, {MOST_BYTES} characters"
            raise ConstructorError(None, None, constraint, event.start_mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        if alias and event.anchor not in self.lengths:
            raise ConstructorError(None, None, f"the anchor {event.anchor!r} stands within itself", event.start_mark)
        if not alias and event.anchor is not None:
            self.lengths[event.anchor] = self.written - before
        return node


def _mapping(loader: PageLoader, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        where = key_node.start_mark
        if not isinstance(key, str | int | float | bool):
            raise ConstructorError(None, None, f"a key is a word or a number, found {key!r}", where)
        if key in seen:
            raise ConstructorError(None, None, f"the key {key!r} is given twice", where)
        seen.add(key)
    return SafeConstructor.construct_mapping(loader, node, deep=True)


def _number(loader: PageLoader, node: yaml.ScalarNode) -> float:
    whole = node.tag.endswith(":int")
    try:
        number = loader.construct_yaml_int(node) if whole else loader.construct_yaml_float(node)
    except (ValueError, OverflowError):
        number = LARGEST + 1
    if isinstance(number, int) and abs(number) > LARGEST:
        constraint = f"a whole number has at most 18 digits, found {node.value[:40]!r}"
        raise ConstructorError(None, None, constraint, node.start_mark)
    return number


def _text(loader: PageLoader, node: yaml.ScalarNode) -> str:
    strange = CONTROL.search(node.value)
    if strange is not None:
        constraint = f"a text has no control characters, found {strange[0]!r}"
        raise ConstructorError(None, None, constraint, node.start_mark)
    return str(node.value)


class PageDumper(DUMPER):  # type: ignore[misc, valid-type]
    """Safe YAML in which a word that some reader would take for a number or a date is quoted, and nothing twice."""

    def ignore_aliases(self, data: object) -> bool:
        return True


for kind in (PageLoader, PageDumper):
    kind.add_implicit_resolver("tag:yaml.org,2002:float", NUMBER, list("-+0123456789"))
for resolvers in PageLoader.yaml_implicit_resolvers.values():
    resolvers[:] = [(tag, pattern) for tag, pattern in resolvers if tag != DATE]  # a date is a word like any other
PageLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
PageLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_SCALAR_TAG, _text)
for name in ("int", "float"):
    PageLoader.add_constructor(f"tag:yaml.org,2002:{name}", _number)


def load(path: Path) -> Any:
    """What a YAML file holds.

    Raises:
        ValueError: not YAML, a key twice, or more than a page holds; the sentence names the line.
        OSError: the file cannot be read.
    """
    if (wrong := no_file(path)) is not None:
        raise ValueError(wrong)
    with path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise ValueError(f"{path}: a page is at most {MOST_BYTES} bytes long, and this file is longer")
    try:
        return yaml.load(data.decode("utf-8"), PageLoader)
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: a page is UTF-8 text; byte {error.start} is not") from None
    except yaml.MarkedYAMLError as error:
        line = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ValueError(f"{path}{line}: {error.problem or 'not YAML'}") from None
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: not YAML ({' '.join(str(error).split())})") from None


def no_file(path: Path) -> str | None:
    """Why a path that is there is not read; None where it is a file, or is not there. A pipe would wait for ever."""
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return None
    if stat.S_ISREG(mode) or stat.S_ISDIR(mode):  # opening a folder says what it is
        return None
    return f"{path}: a file is expected, and this is a pipe, a socket or a device; write it into a file, and name that"


def dump(content: Mapping[str, Any], flow: bool = False, width: int = WIDTH) -> str:
    """Plain data as YAML that reads back as it was, keys in their order.

    Args:
        content: words, numbers, lists and mappings.
        flow: innermost lists and mappings in one line each.
        width: after which a line is broken.

    Raises:
        ValueError: something in it is what a page cannot hold.
    """
    if found := unwritable(content):
        raise ValueError("\n".join(found))
    style = None if flow else False
    return yaml.dump(
        dict(content), Dumper=PageDumper, sort_keys=False, default_flow_style=style, width=width, allow_unicode=True
    )


def unwritable(content: Any) -> list[str]:
    """What in plain data no page can hold, a sentence each: control characters, and numbers of more than 18 digits."""
    found = []
    for place, value in _leaves(content, ""):
        if isinstance(value, str) and (strange := CONTROL.search(value)) is not None:
            found.append(f"{place or 'here'}: a text has no control characters, found {strange[0]!r} in {value[:40]!r}")
        elif isinstance(value, int) and abs(value) > LARGEST:
            found.append(f"{place or 'here'}: a whole number has at most 18 digits, found {str(value)[:40]}")
    return found


def _leaves(content: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Every key and value of plain data with its dotted place."""
    if isinstance(content, Mapping):
        for key, value in content.items():
            yield place, key
            yield from _leaves(value, f"{place}.{key}" if place else str(key))
    elif isinstance(content, list | tuple):
        for at, value in enumerate(content):
            yield from _leaves(value, f"{place}[{at}]")
    else:
        yield place, content
