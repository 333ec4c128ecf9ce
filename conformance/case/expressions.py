"""The little language of `graph:`: names, calls, lists, subscripts, arithmetic and a closed list of operations.

Text is parsed by Python's own parser into a tree of the types below, and only what is listed here gets through; the
tree is walked, never `eval`ed. Lanes evaluate the same tree, each with its own arrays. Standard library only: this
module also runs in lane processes.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

MAX_LENGTH = 500
"""Characters in one expression; longer ones belong into several named nodes."""

OPERATIONS: dict[str, str] = {
    "mean": "mean(x, axis=None, keepdims=False)",
    "sum": "sum(x, axis=None, keepdims=False)",
    "max": "max(x, axis=None, keepdims=False)",
    "min": "min(x, axis=None, keepdims=False)",
    "concatenate": "concatenate([x, y], axis)",
    "stack": "stack([x, y], axis=0); an array of arrays is stacked along a new first axis",
    "transpose": "transpose(x, axes)",
    "reshape": "reshape(x, shape)",
    "expand_dims": "expand_dims(x, axis)",
    "squeeze": "squeeze(x, axis)",
    "flip": "flip(x, axis)",
    "one_hot": "one_hot(ids, depth)",
    "einsum": 'einsum("bi,bi->b", x, y)',
    "cast": 'cast(x, "float32")',
    "exp": "exp(x)",
    "log": "log(x)",
    "sqrt": "sqrt(x)",
    "tanh": "tanh(x)",
    "abs": "abs(x)",
    "where": "where(condition, x, y)",
    "mask": "mask(x): the mask that x carries, as an array; an error where there is none",
    "pad": "pad(x, [[0, 0], [1, 0]], 0.0)",
    "repeat": "repeat(x, n, axis)",
    "equal": "equal(x, y)",
    "greater": "greater(x, y)",
}
"""The closed operations, each with the form in which it is called."""

LOSSES = "losses"
"""`layer.losses` is no weight: the one number that the layer adds to the loss of a training, by its last call."""

GIVEN = "__given"
"""`__given(x, m)`: x with the mask m. Not of the language of cases: plans that feed a lane what it did not compute."""

_BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.MatMult: "@",
}


class ExpressionError(Exception):
    """Text that is not of the language; `column` counts from 0 within it."""

    def __init__(self, message: str, column: int, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.column = column
        self.hint = hint


class Arrays(Protocol):
    """What a lane offers to evaluate a tree: its own arrays behind seven verbs."""

    def name(self, name: str) -> Any: ...
    def call(self, callee: str, args: list[Any], kwargs: dict[str, Any]) -> Any: ...
    def operate(self, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Any: ...
    def weight(self, layer: str, weight: str) -> Any: ...
    def arithmetic(self, operator: str, left: Any, right: Any) -> Any: ...
    def item(self, value: Any, index: Any) -> Any: ...


@dataclass(frozen=True, slots=True)
class Name:
    """A node or an input."""

    name: str
    column: int = field(compare=False, default=0)


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a string, True, False or None; also a list of these."""

    value: Any


@dataclass(frozen=True, slots=True)
class List:
    items: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A layer, a model or an operation applied to arguments."""

    callee: str
    args: tuple[Tree, ...]
    kwargs: tuple[tuple[str, Tree], ...]
    column: int = field(compare=False, default=0)


@dataclass(frozen=True, slots=True)
class LayerWeight:
    """`layer.kernel`; nested names (`layer.forward.kernel`) are joined by dots."""

    layer: str
    weight: str
    column: int = field(compare=False, default=0)


@dataclass(frozen=True, slots=True)
class Item:
    """`value[index]`; `index` is made of integers, slices and tuples of these."""

    value: Tree
    index: Any


@dataclass(frozen=True, slots=True)
class Arithmetic:
    operator: str
    left: Tree
    right: Tree


Tree = Name | Constant | List | Call | LayerWeight | Item | Arithmetic


@dataclass(frozen=True, slots=True)
class Expression:
    """A parsed expression."""

    text: str
    tree: Tree

    def walk(self) -> Iterator[Tree]:
        """Every part of the tree, outermost first."""
        waiting = [self.tree]
        while waiting:
            part = waiting.pop(0)
            yield part
            match part:
                case List(items):
                    waiting += items
                case Call(_, args, kwargs):
                    waiting += [*args, *(value for _, value in kwargs)]
                case Item(value, _):
                    waiting.append(value)
                case Arithmetic(_, left, right):
                    waiting += [left, right]

    def names(self) -> set[str]:
        """The nodes and inputs that it reads."""
        return {part.name for part in self.walk() if isinstance(part, Name)}

    def callees(self) -> set[str]:
        """The layers, models and operations that it calls."""
        return {part.callee for part in self.walk() if isinstance(part, Call)}

    def layers_with_weights(self) -> set[tuple[str, str]]:
        """The weights that it reads, as (layer, weight)."""
        return {(part.layer, part.weight) for part in self.walk() if isinstance(part, LayerWeight)}


@lru_cache(maxsize=8192)
def parse(text: str) -> Expression:
    """Reads one expression. Raises ExpressionError for anything that the language does not have."""
    if len(text) > MAX_LENGTH:
        raise ExpressionError(
            f"expression of {len(text)} characters, {MAX_LENGTH} allowed", 0, "give parts of it names of their own"
        )
    try:
        body = ast.parse(text.strip(), mode="eval").body
    except SyntaxError as error:
        if not error.offset:  # Python's way to say: at the end of the text
            raise ExpressionError("not an expression: it ends too early", len(text.rstrip())) from None
        raise ExpressionError(f"not an expression: {error.msg}", error.offset - 1) from None
    except (ValueError, MemoryError, RecursionError):
        raise ExpressionError("not an expression", 0) from None
    return Expression(text, _tree(body))


def _tree(node: ast.expr) -> Tree:
    match node:
        case ast.Name(id):
            return Name(id, node.col_offset)
        case ast.Constant(value) if value is None or isinstance(value, bool | int | float | str):
            return Constant(value)
        case ast.List(elts):
            return List(tuple(_tree(item) for item in elts))
        case ast.Tuple(elts):
            raise ExpressionError("a tuple", node.col_offset, "write a list: [a, b]")
        case ast.UnaryOp(ast.USub(), operand):
            inner = _tree(operand)
            if isinstance(inner, Constant) and isinstance(inner.value, int | float):
                return Constant(-inner.value)
            return Arithmetic("*", Constant(-1.0), inner)
        case ast.BinOp(left, operator, right) if type(operator) in _BINARY:
            return Arithmetic(_BINARY[type(operator)], _tree(left), _tree(right))
        case ast.Call(ast.Name(callee), args, keywords):
            named = []
            for keyword in keywords:
                if keyword.arg is None:
                    raise ExpressionError("`**` in a call", node.col_offset)
                named.append((keyword.arg, _tree(keyword.value)))
            return Call(callee, tuple(_tree(argument) for argument in args), tuple(named), node.col_offset)
        case ast.Attribute():
            return _layer_weight(node)
        case ast.Subscript(value, index):
            return Item(_tree(value), _index(index))
    raise ExpressionError(
        f"{type(node).__name__} is not part of the graph language",
        node.col_offset,
        "use names, calls, lists, [subscripts] and + - * / @",
    )


def _layer_weight(node: ast.Attribute) -> LayerWeight:
    path = [node.attr]
    inner: ast.expr = node.value
    while isinstance(inner, ast.Attribute):
        path.append(inner.attr)
        inner = inner.value
    if not isinstance(inner, ast.Name):
        raise ExpressionError("a weight of something that is not a layer", node.col_offset, "write layer.kernel")
    return LayerWeight(inner.id, ".".join(reversed(path)), node.col_offset)


def _index(node: ast.expr) -> Any:
    def integer(part: ast.expr | None) -> int | None:
        if part is None:
            return None
        tree = _tree(part)
        if isinstance(tree, Constant) and type(tree.value) is int:
            return tree.value
        raise ExpressionError("a subscript that is not an integer", part.col_offset, "use integers and slices")

    match node:
        case ast.Tuple(elts):
            return tuple(_index(part) for part in elts)
        case ast.Slice(lower, upper, step):
            return slice(integer(lower), integer(upper), integer(step))
        case _:
            return integer(node)


def evaluate(expression: Expression, arrays: Arrays) -> Any:
    """The value of an expression with one lane's arrays."""
    return _value(expression.tree, arrays)


def _value(tree: Tree, arrays: Arrays) -> Any:
    match tree:
        case Name(name):
            return arrays.name(name)
        case Constant(value):
            return value
        case List(items):
            return [_value(item, arrays) for item in items]
        case Call(callee, args, kwargs):
            verb: Callable[..., Any] = arrays.operate if callee in OPERATIONS or callee == GIVEN else arrays.call
            return verb(
                callee, [_value(part, arrays) for part in args], {name: _value(part, arrays) for name, part in kwargs}
            )
        case LayerWeight(layer, weight):
            return arrays.weight(layer, weight)
        case Item(value, index):
            return arrays.item(_value(value, arrays), index)
        case Arithmetic(operator, left, right):
            return arrays.arithmetic(operator, _value(left, arrays), _value(right, arrays))
