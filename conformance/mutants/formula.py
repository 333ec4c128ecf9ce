"""A slip in a formula: one place of the reference's own source written otherwise, in every way that people slip.

Nobody has to think of such a mistake beforehand. Each slip is one expression of a function that a layer calls: another
function of the same kind, a function or a term left out, another sign, a number, a neighbour's name.
"""

from __future__ import annotations
import __future__

import ast
import copy
import inspect
import textwrap
import types
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import Any

from conformance.reference.base import Layer

HOME = "conformance.reference"
NOT_FORMULAS = {"check", "weights", "rule", "longest_sum"}
"""Methods that decide no number of an answer."""
KINDS = (
    ("max", "mean", "sum", "min"),
    ("logical_and", "logical_or"),
    ("maximum", "minimum"),
    ("zeros", "ones"),
    ("zeros_like", "ones_like"),
    ("any", "all"),
    ("tanh", "sigmoid"),
)
"""Functions that stand in each other's place."""
LEFT_OUT = {
    "tanh",
    "sqrt",
    "exp",
    "log",
    "abs",
    "sigmoid",
    "softmax",
    "log_softmax",
    "square",
    "activate",
    "where",
    "clip",
}
"""Functions that may be left out: one of their arguments is taken instead."""
COUNTS = {"len", "prod", "size"}
"""Functions that count, and may be one off."""


@dataclass(frozen=True)
class Words:
    """Which functions stand in each other's place, which may be left out, and whether a truth is turned too."""

    kinds: tuple[tuple[str, ...], ...] = KINDS
    left_out: frozenset[str] = frozenset(LEFT_OUT)
    turns_truths: bool = False
    about_one: bool = True
    """Whether a name in a sum may be one less itself."""


OF_LAYERS = Words()
SIGNS: tuple[tuple[type[ast.operator], type[ast.operator]], ...] = (
    (ast.Add, ast.Sub),
    (ast.Sub, ast.Add),
    (ast.Mult, ast.Div),
    (ast.Div, ast.Mult),
)
BOUNDS: tuple[tuple[type[ast.cmpop], type[ast.cmpop]], ...] = (
    (ast.Lt, ast.LtE),
    (ast.LtE, ast.Lt),
    (ast.Gt, ast.GtE),
    (ast.GtE, ast.Gt),
)
DEPTH = 2
"""How far functions are followed from a method to those that it calls."""
LONGEST = 90
"""Characters of an expression that are shown."""


@dataclass(frozen=True, slots=True)
class Slip:
    """A function with one place written otherwise."""

    owner: Any
    """The module or class that holds it."""
    name: str
    made: Any
    mistake: str

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The reference makes the slip while this lasts."""
        had = vars(self.owner)[self.name]
        setattr(self.owner, self.name, self.made)
        try:
            yield
        finally:
            setattr(self.owner, self.name, had)


@cache
def slips(kind: type[Layer]) -> tuple[Slip, ...]:
    """Every slip in the formulas of a layer, those of its own methods first."""
    found: dict[tuple[Any, str], Any] = {}
    _collect(kind, found, DEPTH)
    return tuple(slip for (owner, name), function in found.items() for slip in _of(owner, name, function))


def _collect(kind: type[Any], found: dict[tuple[Any, str], Any], depth: int) -> None:
    """The functions of a class, and those that they call, by the module or class that holds them."""
    for base in kind.__mro__:
        if base.__module__.startswith(HOME) and base is not Layer:
            for name, function in vars(base).items():
                if isinstance(function, types.FunctionType) and name not in NOT_FORMULAS and not name.startswith("__"):
                    _follow(base, name, function, found, depth)


def _follow(owner: Any, name: str, function: Any, found: dict[tuple[Any, str], Any], depth: int) -> None:
    if (owner, name) in found or function.__name__ == "<lambda>":
        return
    found[owner, name] = function
    if not depth:
        return
    for called in called_names(function.__code__):
        other = function.__globals__.get(called)
        if getattr(other, "__module__", "").startswith(HOME):
            if isinstance(other, types.FunctionType):
                _follow(inspect.getmodule(function), called, other, found, depth - 1)
            elif isinstance(other, type) and issubclass(other, Layer) and other is not Layer:
                _collect(other, found, depth - 1)


def called_names(code: types.CodeType) -> tuple[str, ...]:
    """The names that a function reads, its comprehensions included."""
    inner = [name for each in code.co_consts if isinstance(each, types.CodeType) for name in called_names(each)]
    return (*code.co_names, *inner)


def reads(function: Any, name: str) -> bool:
    """Whether the body of a function reads this name."""
    body = _tree(function).body[0]
    return any(isinstance(node, ast.Name) and node.id == name for part in _body(body) for node in ast.walk(part))


def _body(defined: ast.stmt) -> list[ast.stmt]:
    return defined.body if isinstance(defined, ast.FunctionDef) else []


def _tree(function: Any) -> ast.Module:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


def function_slips(owner: Any, name: str, function: Any, words: Words) -> Iterator[Slip]:
    """Every slip in one function, what decorates it left out."""
    tree = _tree(function)
    defined = tree.body[0]
    if isinstance(defined, ast.FunctionDef) and defined.name == function.__name__:  # not one made by another
        defined.decorator_list = []
        yield from _in(owner, name, function, tree, words)


def _of(owner: Any, name: str, function: Any) -> Iterator[Slip]:
    tree = _tree(function)
    defined = tree.body[0]
    if isinstance(defined, ast.FunctionDef) and not defined.decorator_list:
        yield from _in(owner, name, function, tree, OF_LAYERS)


def _in(owner: Any, name: str, function: Any, tree: ast.Module, words: Words) -> Iterator[Slip]:
    defined = tree.body[0]
    assert isinstance(defined, ast.FunctionDef)
    where = f"{function.__module__.rpartition('.')[2]}.{function.__qualname__}"
    yield from _exchanged(owner, name, function, tree, where)
    for holder, field, place, around in list(_expressions(defined)):
        old = getattr(holder, field) if place is None else getattr(holder, field)[place]
        before = ast.unparse(around)
        is_weight = isinstance(old, ast.Attribute) and ast.unparse(old.value) == "w"
        is_term = is_weight or (words.about_one and isinstance(holder, ast.BinOp))
        term = _about_one(old, defined) if is_term else ()
        for new in (*_otherwise(old, defined, words), *term):
            _put(holder, field, place, new)
            after = ast.unparse(around if around is not old else new)
            made = _compiled(tree, function)
            _put(holder, field, place, old)
            if made is not None and after != before and max(len(before), len(after)) <= LONGEST:
                yield Slip(owner, name, made, f"has `{after}` where the formula has `{before}` ({where})")


def _exchanged(owner: Any, name: str, function: Any, tree: ast.Module, where: str) -> Iterator[Slip]:
    """Two weights, each in the place of the other wherever they stand."""
    held = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "w"]
    for one, other in combinations(sorted({node.attr for node in held}), 2):
        had = [node.attr for node in held]
        for node in held:
            node.attr = {one: other, other: one}.get(node.attr, node.attr)
        made = _compiled(tree, function)
        for node, attribute in zip(held, had, strict=True):
            node.attr = attribute
        if made is not None:
            yield Slip(owner, name, made, f"swaps `w.{one}` and `w.{other}` in the formula ({where})")


def _put(holder: Any, field: str, place: int | None, value: Any) -> None:
    if place is None:
        setattr(holder, field, value)
    else:
        getattr(holder, field)[place] = value


def _expressions(defined: ast.FunctionDef) -> Iterator[tuple[Any, str, int | None, ast.expr]]:
    """Every expression of a body by the field that holds it, and what is shown of it: the call or sum around a name."""

    def within(node: ast.AST, around: ast.expr | None) -> Iterator[tuple[Any, str, int | None, ast.expr]]:
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns"):
                continue
            for place, child in enumerate(value) if isinstance(value, list) else ((None, value),):
                if isinstance(child, ast.Raise) or not isinstance(child, ast.AST):
                    continue
                if isinstance(child, ast.expr):
                    is_small = isinstance(child, ast.Name | ast.Constant | ast.Attribute)
                    shown = around if is_small and around is not None else child
                    yield node, field, place, shown
                    whole = child if isinstance(child, ast.Call | ast.BinOp | ast.Compare | ast.Subscript) else around
                    yield from within(child, whole)
                else:
                    yield from within(child, None)

    for statement in defined.body:
        is_docstring = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
        if not is_docstring and not isinstance(statement, ast.Raise):
            yield from within(statement, None)


def _otherwise(node: ast.expr, defined: ast.FunctionDef, words: Words) -> Iterator[ast.expr]:
    """The ways in which one expression is written otherwise."""
    match node:
        case ast.Call(func=ast.Attribute(attr=called) | ast.Name(id=called)):
            for other in (one for kind in words.kinds if called in kind for one in kind if one != called):
                swapped = copy.deepcopy(node)
                setattr(swapped.func, "attr" if isinstance(swapped.func, ast.Attribute) else "id", other)
                yield swapped
            if called in words.left_out:
                yield from node.args
            if called in COUNTS:
                yield from (ast.BinOp(node, op(), ast.Constant(1)) for op in (ast.Sub, ast.Add))
        case ast.BinOp(left=left, op=op, right=right):
            yield left
            yield right
            for kind, instead in SIGNS:
                if isinstance(op, kind):
                    yield ast.BinOp(left, instead(), right)
            if isinstance(op, ast.Mult | ast.Div):
                yield ast.BinOp(node, op, right)
            if isinstance(op, ast.Mult) and isinstance(right, ast.Call) and len(right.args) == 1:
                within = copy.deepcopy(right)
                within.args = [ast.BinOp(left, ast.Mult(), right.args[0])]
                yield within
        case ast.UnaryOp(operand=operand):
            yield operand
        case ast.Constant(value=bool() as truth) if words.turns_truths:
            yield ast.Constant(not truth)
        case ast.Constant(value=bool() | str() | None):
            return
        case ast.Constant(value=int() | float() as number):
            yield from (ast.Constant(type(number)(other)) for other in (0, 1, 2 * number) if other != number)
        case ast.IfExp(body=body, orelse=orelse):
            yield body
            yield orelse
        case ast.Compare(left=left, ops=[op], comparators=right):
            for bound, same in BOUNDS:
                if isinstance(op, bound):
                    yield ast.Compare(left, [same()], right)
        case ast.Subscript(value=value, slice=ast.Slice() | ast.Tuple()):
            yield value
        case ast.Name(ctx=ast.Load()) | ast.Attribute(ctx=ast.Load(), value=ast.Name(id="w")):
            yield from _neighbours(node, defined)


def _about_one(node: ast.expr, defined: ast.FunctionDef) -> Iterator[ast.expr]:
    """A gate for its opposite or that of another gate, a factor that is kept around zero."""
    if isinstance(node, ast.Name | ast.Attribute):
        yield ast.BinOp(ast.Constant(1), ast.Add(), node)
        for one in (node, *_neighbours(node, defined)):
            yield ast.BinOp(ast.Constant(1), ast.Sub(), one)


def _neighbours(node: ast.Name | ast.Attribute, defined: ast.FunctionDef) -> Iterator[ast.expr]:
    """Other weights of the same layer, and names that get their values together with this one."""
    seen = set()
    for other in ast.walk(defined):
        if isinstance(node, ast.Attribute):
            is_weight = isinstance(other, ast.Attribute) and ast.unparse(other.value) == ast.unparse(node.value)
            names = [other.attr] if is_weight and isinstance(other, ast.Attribute) else []
            made: Any = [ast.Attribute(node.value, name, ast.Load()) for name in names]
            own = node.attr
        else:
            is_target = isinstance(other, ast.Tuple) and isinstance(other.ctx, ast.Store)
            group = [each.id for each in ast.walk(other) if isinstance(each, ast.Name)] if is_target else []
            is_target = node.id in group
            names = group if is_target else []
            made = [ast.Name(name, ast.Load()) for name in names]
            own = node.id
        for name, expression in zip(names, made, strict=True):
            if name != own and name not in seen:
                seen.add(name)
                yield expression


def _compiled(tree: ast.Module, function: Any) -> Any:
    """The function of the changed source; None where Python does not take it."""
    wrapped = ast.parse("def make(__class__):\n    pass")
    maker: Any = wrapped.body[0]
    maker.body = [copy.deepcopy(tree.body[0]), ast.Return(ast.Name(function.__name__, ast.Load()))]
    made: dict[str, Any] = {}
    owner = function.__closure__[0].cell_contents if "__class__" in function.__code__.co_freevars else None
    try:
        flags = __future__.annotations.compiler_flag
        code = compile(ast.fix_missing_locations(wrapped), "<a slip>", "exec", flags, dont_inherit=True)
        exec(code, function.__globals__, made)
    except (SyntaxError, ValueError, TypeError):
        return None
    return made["make"](owner)
