"""Small faults, planted one at a time into a module: each is one that a test should notice.

Flipped comparisons, negated conditions, `and` for `or`, other numbers, `True` for `False`, `+` for
`-`, statements left out, nothing returned. Left alone are annotations and decorators, which say
what a value is and not what happens, and messages. Not planted is what changes nothing: nothing
returned for `False`, and `strict=False`, for the code itself makes both lists of `zip`.
"""

import ast
import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FLIPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
}
# A condition of these is negated by its flip already.
NEGATED = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)
UNTOUCHED = ("annotation", "returns", "decorator_list", "type_params")
SKIPPED = (ast.Import, ast.ImportFrom, ast.AnnAssign)


@dataclass(frozen=True)
class Mutant:
    """One fault in one file."""

    path: str
    number: int
    """Its place among the faults of this file."""
    line: int
    function: str
    """The function or method around it, or nothing: `Lock.names`."""
    was: str
    """The changed lines of the statement, as `ast.unparse` writes them."""
    now: str

    def __str__(self) -> str:
        """Write it as a diff."""
        lines = [f"- {line}" for line in self.was.split("\n")]
        lines += [f"+ {line}" for line in self.now.split("\n")]
        return "\n".join([f"{self.path}:{self.line} (number {self.number})", *lines])


def mutants(root: Path, path: str) -> Iterator[Mutant]:
    """List all faults of a file, in the order of its text."""
    tree = ast.parse((root / path).read_text("utf-8"))
    spans = list(_functions(tree))
    for number, (statement, line, put) in enumerate(_faults(tree)):
        before = ast.unparse(statement[0])
        put()
        was, now = _changed(before, ast.unparse(statement[0]))
        around = next((name for name, first, last in spans if first <= line <= last), "")
        yield Mutant(path, number, line, around, was, now)


def source(text: str, number: int | None) -> str:
    """Give a module's text with one of its faults, or without any; comments are lost in both."""
    tree = ast.parse(text)
    for at, (_, _, put) in enumerate(_faults(tree)):
        if at == number:
            put()
            return ast.unparse(tree)
    return ast.unparse(tree)


def _functions(
    parent: ast.Module | ast.ClassDef, prefix: str = ""
) -> Iterator[tuple[str, int, int]]:
    """Give each function and method with its first and last line."""
    for node in parent.body:
        if isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield f"{prefix}{node.name}", node.lineno, node.end_lineno or node.lineno


def _changed(before: str, after: str) -> tuple[str, str]:
    lines = list(difflib.ndiff(before.splitlines(), after.splitlines()))
    was, now = (
        "\n".join(x[2:].strip() for x in lines if x.startswith(sign)) for sign in ("- ", "+ ")
    )
    return was, now


class _Place:
    """A place in the tree that holds a node, and can hold another."""

    def __init__(self, parent: ast.AST, field: str, index: int | None) -> None:
        self.parent, self.field, self.index = parent, field, index

    def put(self, node: object) -> None:
        if self.index is None:
            setattr(self.parent, self.field, node)
        else:
            getattr(self.parent, self.field)[self.index] = node


def _faults(tree: ast.Module) -> Iterator[tuple[Any, int, Any]]:
    """Give for each fault its statement, in a list, its line, and what plants it.

    The fault is taken away again before the next one.
    """
    for statement, place, node in list(_places(tree)):
        for other in _others(place, node):
            holder = [statement]

            def put(place: _Place = place, node: object = other, at: list[Any] = holder) -> None:
                place.put(node)
                # Where the statement itself was left out, the new one is what there is to show.
                at[0] = node if isinstance(node, ast.stmt) else at[0]

            yield holder, getattr(node, "lineno", statement.lineno), put
            place.put(node)


def _places(parent: ast.AST, statement: Any = None) -> Iterator[tuple[Any, _Place, ast.AST]]:
    for field, value in ast.iter_fields(parent):
        if field in UNTOUCHED:
            continue
        for index, node in enumerate(value if isinstance(value, list) else [value]):
            if not isinstance(node, ast.AST) or _is_fixed(node):
                continue
            inner = node if isinstance(node, ast.stmt) else statement
            yield inner, _Place(parent, field, index if isinstance(value, list) else None), node
            yield from _places(node, inner)


def _is_fixed(node: ast.AST) -> bool:
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return True
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return True
    return isinstance(node, SKIPPED) and getattr(node, "value", None) is None


def _others(place: _Place, node: ast.AST) -> Iterator[ast.AST]:
    """Give what could stand in the place of a node."""
    if type(node) in FLIPS:
        yield FLIPS[type(node)]()
    elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield ast.Constant(node.value + 1)
        yield ast.Constant(node.value - 1)
    elif isinstance(node, ast.Return) and node.value and not _is_nothing(node.value):
        yield ast.copy_location(ast.Return(ast.Constant(None)), node)
    elif isinstance(node, ast.stmt) and _can_go(node):
        yield ast.copy_location(ast.Pass(), node)
    if _is_condition(place) and isinstance(node, ast.expr) and not _flips(node):
        inner = node.operand if isinstance(node, ast.UnaryOp) else None
        yield inner or ast.UnaryOp(ast.Not(), node)


def _is_nothing(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and (node.value is None or node.value is False)


def _can_go(node: ast.stmt) -> bool:
    """Say whether a statement can be left out, and the rest still has its names."""
    if isinstance(node, ast.Expr):
        return not isinstance(node.value, ast.Constant | ast.Yield)
    if isinstance(node, ast.Assign):
        given = {n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
        read = {n.id for n in ast.walk(node.value) if isinstance(n, ast.Name)}
        stored = any(not isinstance(t, ast.Name | ast.Tuple) for t in node.targets)
        return stored or bool(given & read)
    return isinstance(node, ast.AugAssign | ast.Delete | ast.Raise | ast.Continue | ast.Break)


def _is_condition(place: _Place) -> bool:
    return place.field == "test" or (
        place.field == "ifs" and isinstance(place.parent, ast.comprehension)
    )


def _flips(node: ast.expr) -> bool:
    return isinstance(node, ast.Compare) and len(node.ops) == 1 and isinstance(node.ops[0], NEGATED)
