"""Where a source file can be made faulty, and how: one small change of one expression or statement each."""

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

OPERATORS: Mapping[type[ast.AST], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "/",
    ast.Div: "*",
    ast.FloorDiv: "/",
    ast.Mod: "*",
    ast.Pow: "*",
    ast.MatMult: "*",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.In: "not in",
    ast.NotIn: "in",
    ast.Is: "is not",
    ast.IsNot: "is",
}


class Mutant(NamedTuple):
    """A file with one change.

    path: of the file, from the project's folder.
    start, end: of what is replaced, in bytes.
    line: on which it begins.
    before, after: the text that is replaced, and what stands in its place.
    """

    path: str
    start: int
    end: int
    line: int
    before: str
    after: str

    @property
    def name(self) -> str:
        return f"{self.path}:{self.line}:{self.start}: {self.before} -> {self.after}"

    def applied(self, source: bytes) -> bytes:
        return source[: self.start] + self.after.encode() + source[self.end :]


def mutants(root: Path, path: str) -> list[Mutant]:
    """Every mutant of a file, in order; each still compiles.

    Args:
        root: the project's folder.
        path: of the file, from there.
    """
    source = (root / path).read_bytes()
    finder = _Finder(path, source)
    finder.visit(ast.parse(source))
    return sorted(one for one in set(finder.found) if _compiles(one.applied(source)))


def _compiles(source: bytes) -> bool:
    try:
        compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


class _Finder(ast.NodeVisitor):
    """Walks through what a program computes; what only people and type checkers read is left out."""

    def __init__(self, path: str, source: bytes) -> None:
        self.path, self.source, self.found = path, source, list[Mutant]()
        lines = source.split(b"\n")
        self.starts = [0]
        for line in lines:
            self.starts.append(self.starts[-1] + len(line) + 1)

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.expr | ast.stmt) -> str:
        start, end = self._span(node)
        return self.source[start:end].decode()

    def _replace(self, node: ast.expr | ast.stmt, after: str) -> None:
        self._add(*self._span(node), node.lineno, after)

    def _add(self, start: int, end: int, line: int, after: str) -> None:
        self.found.append(Mutant(self.path, start, end, line, self.source[start:end].decode(), after))

    def _between(self, left: ast.expr, right: ast.expr, after: str, operator: str) -> None:
        """Replace the operator that stands between two expressions."""
        start, end = self._span(left)[1], self._span(right)[0]
        gap = self.source[start:end].decode()
        if gap.count(operator) == 1:
            self._add(start, end, left.end_lineno or 0, gap.replace(operator, after))

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """A sentence for people."""

    def visit_Raise(self, node: ast.Raise) -> None:
        """What is said of an error."""

    def visit_Assert(self, node: ast.Assert) -> None:
        """What holds anyway."""

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_arg(self, node: ast.arg) -> None:
        """An annotation."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for default in [*node.args.defaults, *(one for one in node.args.kw_defaults if one is not None)]:
            self.visit(default)
        for statement in node.body:
            self.visit(statement)

    def visit_Compare(self, node: ast.Compare) -> None:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            self._between(left, right, OPERATORS[type(operator)], _SIGNS[type(operator)])
            left = right
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        if (after := OPERATORS.get(type(node.op))) is not None and not _is_text(node):
            self._between(node.left, node.right, after, _SIGNS[type(node.op)])
        self.generic_visit(node)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        before, after = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values, node.values[1:], strict=False):
            self._between(left, right, after, before)
        self.generic_visit(node)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> None:
        if isinstance(node.op, ast.Not | ast.USub):
            self._replace(node, f"({self._text(node.operand)})")
        self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if isinstance(node.value, bool):
            self._replace(node, str(not node.value))
        elif isinstance(node.value, int | float):
            self._replace(node, f"({self._text(node)} + 1)")

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._replace(node.test, f"(not ({self._text(node.test)}))")
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if "TYPE_CHECKING" not in self._text(node.test):
            self._replace(node.test, f"not ({self._text(node.test)})")
        self.generic_visit(node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if (after := OPERATORS.get(type(node.op))) is not None:
            sign = _SIGNS[type(node.op)]
            self._between(node.target, node.value, f"{after}=", f"{sign}=")
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        """A statement for its effect is left out."""
        if isinstance(node.value, ast.Call):
            self._replace(node, "pass")
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        """An argument that is a plain name says nothing any more."""
        if len(node.args) > 1:
            for argument in node.args:
                if isinstance(argument, ast.Name):
                    self._replace(argument, "0")
        self.generic_visit(node)


def _is_text(node: ast.BinOp) -> bool:
    sides = (node.left, node.right)
    return any(
        isinstance(one, ast.JoinedStr) or (isinstance(one, ast.Constant) and isinstance(one.value, str))
        for one in sides
    )


_SIGNS: Mapping[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}


def files(root: Path, folders: list[str]) -> Iterator[str]:
    """Source files under these folders, from the project's folder, in order."""
    for folder in folders:
        place = root / folder
        found = [place] if place.is_file() else sorted(place.rglob("*.py"))
        yield from (str(path.relative_to(root)) for path in found)
