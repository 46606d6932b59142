"""The files that modules reach by their imports, and a hash of what each says. Reads sources and imports nothing."""

import ast
import hashlib
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from uncollapse.models.configuration.sources import file_of
from uncollapse.study.errors import UserError

FRONT_DOOR = "uncollapse"  # names what a notebook imports; decides no number


@dataclass(frozen=True)
class Source:
    """One module, read.

    Args:
        hash: of what it says, less comments, layout, docstrings and imports; "" where nothing is left.
        imports: modules, and names of modules that may be modules, in its imports at any depth.
    """

    hash: str
    imports: frozenset[str]


def reached(modules: Iterable[str], packages: Collection[str]) -> dict[str, str]:
    """Hashes by file name of `modules` and of everything of `packages` that they import, however indirectly.

    A file that says nothing, such as a package's empty `__init__`, is left out.
    """
    waiting, seen, found = list(modules), set[str](), dict[str, str]()
    while waiting:
        module = waiting.pop()
        if module in seen or module == FRONT_DOOR or module.partition(".")[0] not in packages:
            continue
        seen.add(module)
        waiting.append(module.rpartition(".")[0])
        if (file := file_of(module)) is not None:
            source = read(file, module)
            waiting += source.imports
            found |= {_name(module, file): source.hash} if source.hash else {}
    return dict(sorted(found.items()))


def _name(module: str, file: Path) -> str:
    """The file as a person knows it, from its top-level package down."""
    place = module.removeprefix(f"{FRONT_DOOR}.").replace(".", "/")
    return f"{place}/__init__.py" if file.name == "__init__.py" else f"{place}.py"


@cache
def read(file: Path, module: str) -> Source:
    """A module as this process first found it, since that is what it runs."""
    try:
        tree = ast.parse(file.read_bytes(), str(file))
    except (SyntaxError, ValueError) as error:
        raise UserError(f"{file}: this module of a component is not Python that can be read ({error})") from None
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]
    bare = _Bare()
    tree = bare.visit(tree)
    said = hashlib.sha256(ast.dump(tree).encode()).hexdigest()[:12] if tree.body else ""
    return Source(said, frozenset(name for node in bare.imports for name in _imported(node, package)))


def _imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
    module = ".".join([*above, *([node.module] if node.module else [])])
    yield module
    yield from (f"{module}.{alias.name}" for alias in node.names)


class _Bare(ast.NodeTransformer):
    """Takes out of a module what decides nothing: docstrings, imports (which it keeps aside), what only a type checker
    reads."""

    def __init__(self) -> None:
        self.imports: list[ast.Import | ast.ImportFrom] = []

    def visit_Import(self, node: ast.Import) -> None:
        self.imports.append(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self.imports.append(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        if isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            return None
        return self.generic_visit(node)

    def generic_visit(self, node: ast.AST) -> ast.AST:
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = node.body[_has_docstring(node.body) :]
        return super().generic_visit(node)


def _has_docstring(body: list[ast.stmt]) -> bool:
    first = body[0].value if body and isinstance(body[0], ast.Expr) else None
    return isinstance(first, ast.Constant) and isinstance(first.value, str)
