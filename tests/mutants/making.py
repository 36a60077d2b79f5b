"""Mutants of a module: its source with one small thing changed, as the syntax tree shows where there is something to
change. What a person would never notice in a review, tests have to.

Left alone: docstrings, annotations, imports, and the words of messages: what is raised, f-strings, texts with spaces.
"""

from __future__ import annotations

import ast
import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
_REVERSED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.Div: ast.Mult, ast.Pow: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
_REMOVED = (ast.Expr, ast.Assign, ast.AugAssign, ast.Raise, ast.Continue, ast.Break)


@dataclass(frozen=True, slots=True)
class _Site:
    """One place and one change: the node by its number in the walk, and what to put there."""

    function: str
    number: int
    instead: ast.AST | None
    """None removes a statement."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mutant. ``str`` names it in a way that lines moving about do not change."""

    function: str
    """Where it is, qualified: ``Stage.put``; empty for the module's own lines."""
    change: str
    """What was, an arrow, what is now; numbered where the same change can be made twice."""
    _tree: ast.Module
    _site: _Site

    @property
    def source(self) -> str:
        """The whole mutated module, made when it is asked for: naming all mutants is quick, making them is not."""
        return _changed(self._tree, self._site)

    def __str__(self) -> str:
        return f"{self.function or 'module'}: {self.change}"


def mutants(source: str, only: Sequence[str] = ()) -> Iterator[Mutant]:
    """Every mutant of *source*; of the functions *only*, where some are named (a class stands for its methods)."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    seen: Counter[str] = Counter()
    for site in _sites(tree, {id(node): number for number, node in enumerate(nodes)}):
        if only and not any(site.function == one or site.function.startswith(f"{one}.") for one in only):
            continue
        before = _short(nodes[site.number])
        change = f"{before} → {_short(site.instead) if site.instead else 'nothing'}"
        seen[site.function + change] += 1
        again = seen[site.function + change]
        yield Mutant(site.function, change + (f" (#{again})" if again > 1 else ""), tree, site)


def replaced(source: str, function: str, before: str, after: str) -> str:
    """*source* with *before*, which must stand exactly once in *function*, replaced by *after*. Raises ValueError."""
    for name, node in _functions(ast.parse(source)):
        if name == function:
            lines = source.splitlines(keepends=True)
            body = "".join(lines[node.lineno - 1 : node.end_lineno])
            if body.count(before) != 1:
                raise ValueError(f"{function} has {before!r} {body.count(before)} times")
            start = len("".join(lines[: node.lineno - 1]))
            return source[:start] + body.replace(before, after) + source[start + len(body) :]
    raise ValueError(f"there is no {function}")


def _functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{prefix}{node.name}.")


# --- where there is something to change ------------------------------------------------------------------------------


def _sites(tree: ast.Module, numbers: dict[int, int]) -> Iterator[_Site]:
    def visit(node: ast.AST, function: str) -> Iterator[_Site]:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.arg) or _is_docstring(node):
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            function = f"{function}.{node.name}".lstrip(".")
        for instead in _instead(node):
            yield _Site(function, numbers[id(node)], instead)
        for child in _looked_into(node):
            yield from visit(child, function)

    yield from visit(tree, "")


def _looked_into(node: ast.AST) -> Iterator[ast.AST]:
    """The children in which to look on: no annotations, decorators, messages."""
    match node:
        case ast.Raise() | ast.JoinedStr():
            return
        case ast.AnnAssign(value=value):
            yield from [value] if value else []
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            yield from (*node.args.defaults, *(one for one in node.args.kw_defaults if one), *node.body)
        case ast.ClassDef():
            yield from node.body
        case _:
            yield from ast.iter_child_nodes(node)


def _instead(node: ast.AST) -> Iterator[ast.AST | None]:
    match node:
        case ast.Compare(ops=[operator]) if type(operator) in _COMPARED:
            yield ast.Compare(node.left, [_COMPARED[type(operator)]()], node.comparators)
        case ast.BoolOp(op=operator, values=values):
            yield ast.BoolOp(ast.And() if isinstance(operator, ast.Or) else ast.Or(), values)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            yield operand
        case ast.BinOp(op=operator) if type(operator) in _REVERSED:
            yield ast.BinOp(node.left, _REVERSED[type(operator)](), node.right)
        case ast.AugAssign(op=operator) if type(operator) in _REVERSED:
            yield ast.AugAssign(node.target, _REVERSED[type(operator)](), node.value)
        case ast.Constant():
            yield from _other_constants(node.value)
        case _:
            yield from _other_statements(node)
    if isinstance(node, _REMOVED):
        yield None


def _other_statements(node: ast.AST) -> Iterator[ast.AST | None]:
    match node:
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield ast.Return(ast.Constant(None))
        case ast.comprehension(ifs=[_, *_]):
            yield ast.comprehension(node.target, node.iter, [], node.is_async)
        case ast.If() | ast.IfExp() | ast.While():
            yield _with_test(node)
        case _:
            pass


def _with_test(node: ast.If | ast.IfExp | ast.While) -> ast.AST:
    """The same with the opposite condition; never true in place of the opposite in a loop, which would not end."""
    other = copy.copy(node)
    other.test = ast.Constant(False) if isinstance(node, ast.While) else ast.UnaryOp(ast.Not(), node.test)
    return other


def _other_constants(value: object) -> Iterator[ast.Constant]:
    if isinstance(value, bool):
        yield ast.Constant(not value)
    elif isinstance(value, int | float):
        yield ast.Constant(value + 1)
    elif isinstance(value, str) and " " not in value.strip():
        yield ast.Constant(f"{value}!" if value else "!")


def _is_none(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


# --- making it -----------------------------------------------------------------------------------------------------


def _changed(tree: ast.Module, site: _Site) -> str:
    mutated = copy.deepcopy(tree)
    target = list(ast.walk(mutated))[site.number]
    _Put(target, copy.deepcopy(site.instead)).visit(mutated)
    return ast.unparse(ast.fix_missing_locations(mutated))


class _Put(ast.NodeTransformer):
    """Puts something in the place of one node; ``pass`` in the place of a removed statement."""

    def __init__(self, target: ast.AST, instead: ast.AST | None) -> None:
        self._target = target
        self._instead = ast.Pass() if instead is None else instead

    def visit(self, node: ast.AST) -> ast.AST:
        return self._instead if node is self._target else super().generic_visit(node)


def _short(node: ast.AST) -> str:
    """The code of *node* in one line, shortened: its first line says which statement it is."""
    if isinstance(node, ast.comprehension):
        return f"for {ast.unparse(node.target)} in {ast.unparse(node.iter)}" + (" if …" if node.ifs else "")
    text = ast.unparse(ast.fix_missing_locations(node)).splitlines()[0]
    return text if len(text) <= 90 else text[:60] + "…" + text[-29:]
