"""The operations of the graph language in scripts: the source of a lane's own method, with the case's arguments in it.

`reshape(x, [2, 3])` becomes `x.reshape([2, 3])` because `TorchOperations.reshape` says `return x.reshape(shape)`. What
the arguments decide is folded away; a method of several statements comes along as a function. Subscripts and arithmetic
are Python's.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from conformance.case.expressions import Call, Constant, List, Tree
from conformance.repro.errors import NotScriptable
from conformance.repro.fold import MISSING, folded, known
from conformance.repro.literals import value_text
from conformance.repro.source import Edit, Module, Source, module_of

ROOT = Path(__file__).parents[1]
Texts = Callable[[Tree], str]
"""The text of a part of an expression."""
_BINDS = ast.Attribute | ast.Subscript | ast.BinOp | ast.UnaryOp | ast.Compare
"""What takes its operand more tightly than arithmetic, or as tightly."""
_ATOMS = ast.Name | ast.Constant | ast.Call | ast.Attribute | ast.Subscript | ast.Tuple | ast.List | ast.Dict


@dataclass(frozen=True)
class Table:
    """Where the operations of a framework stand, and what a script calls the modules that they use."""

    folder: Path
    module: str
    name: str
    modules: Mapping[str, str]
    """From a name in the source (`self.np`, `numpy`) to the script's."""


NUMPY = Table(ROOT / "oracle", "operations", "NumPyOperations", {"self.np": "np", "numpy": "np", "activations": "np"})
TORCH = Table(ROOT / "lanes" / "torch", "operations", "TorchOperations", {"self.torch": "torch", "self.F": "F"})
KERAS = Table(ROOT / "lanes", "keras_operations", "KerasOperations", {"self.ops": "keras.ops"})


@lru_cache(maxsize=4)
def _methods(folder: Path, name: str, kind: str) -> tuple[Module, Mapping[str, ast.FunctionDef]]:
    module = module_of(folder, name)
    held = module.definitions[kind]
    assert isinstance(held, ast.ClassDef)
    return module, {part.name: part for part in held.body if isinstance(part, ast.FunctionDef)}


def operation_text(
    table: Table, call: Call, text: Texts, holds_rows: Callable[[Tree], bool], helper: Callable[[str, str], str]
) -> str:
    """An operation as the script says it. Raises NotScriptable for a call that leaves out what it must say.

    `holds_rows` says whether an argument is an array of arrays; `helper(wish, source)` puts a function into the script
    and gives the name that it got.
    """
    name = "stack_rows" if call.callee == "stack" and holds_rows(call.args[0]) else call.callee
    module, methods = _methods(table.folder, table.module, table.name)
    method = methods[name]
    texts = _arguments(method, call, text)
    statements = [part for part in method.body if not _is_docstring(part)]
    if len(statements) == 1 and isinstance(statements[0], ast.Return) and statements[0].value is not None:
        return _inlined(table, module.source.of(statements[0].value), texts, _constants(method, call))
    shown = {key: ", ".join(value) if isinstance(value, list) else value for key, value in texts.items()}
    return f"{helper(name, _function(table, module, method))}({', '.join(shown.values())})"


def _arguments(method: ast.FunctionDef, call: Call, text: Texts) -> dict[str, str | list[str]]:
    """The text of each parameter; a list where the method takes any number."""
    names = [arg.arg for arg in method.args.args[1:]]
    given: dict[str, str | list[str]] = dict(zip(names, map(text, call.args), strict=False))
    given |= {name: text(value) for name, value in call.kwargs}
    if method.args.vararg is not None:
        given[method.args.vararg.arg] = [text(part) for part in call.args[len(names) :]]
    defaults = dict(zip(names[len(names) - len(method.args.defaults) :], method.args.defaults, strict=True))
    for name in names:
        if name not in given:
            if name not in defaults:
                raise NotScriptable(f"{call.callee} is called without {name}")
            given[name] = value_text(known(defaults[name]))
    return given


def _constants(method: ast.FunctionDef, call: Call) -> dict[str, Any]:
    """The parameters whose values the case, or the default, says."""
    names = [arg.arg for arg in method.args.args[1:]]
    parts = dict(zip(names, call.args, strict=False)) | dict(call.kwargs)
    values = {name: _constant(tree) for name, tree in parts.items()}
    defaults = dict(zip(names[len(names) - len(method.args.defaults) :], method.args.defaults, strict=True))
    values |= {name: known(default) for name, default in defaults.items() if name not in parts}
    return {name: value for name, value in values.items() if value is not MISSING}


def _constant(tree: Tree) -> Any:
    if isinstance(tree, Constant):
        return tree.value
    if isinstance(tree, List):
        items = [_constant(item) for item in tree.items]
        return MISSING if any(item is MISSING for item in items) else items
    return MISSING


def _inlined(table: Table, expression: str, texts: Mapping[str, str | list[str]], constants: Mapping[str, Any]) -> str:
    shown = _with_names(expression, {name: value_text(value) for name, value in constants.items()})
    shown = folded(shown, "self", {})
    shown = _with_names(shown, {name: value for name, value in texts.items() if name not in constants})
    return _with_modules(table, f"({shown})" if _is_loose(shown) else shown)


def _with_names(expression: str, texts: Mapping[str, str | list[str]]) -> str:
    """An expression with texts in the places of names, in brackets where they would fall apart."""
    source, edits = Source(expression), list[Edit]()
    parents = {id(child): node for node in ast.walk(source.tree) for child in ast.iter_child_nodes(node)}
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Name) and node.id in texts:
            text, parent = texts[node.id], parents[id(node)]
            if isinstance(text, list):
                edits.append((*source.span(parent), ", ".join(text)))  # the parent is the star
                continue
            edits.append((*source.span(node), f"({text})" if isinstance(parent, _BINDS) and _is_loose(text) else text))
    return source.between(0, len(expression), edits)


def _is_loose(text: str) -> bool:
    """Whether an expression falls apart where it stands beside an operator or before a dot."""
    return not isinstance(ast.parse(text, mode="eval").body, _ATOMS)


def _with_modules(table: Table, text: str) -> str:
    """What the script calls the framework's modules, and `torch.float32` for `getattr(torch, "float32")`."""
    for old, new in table.modules.items():
        text = re.sub(rf"(?<![\w.]){re.escape(old)}\b", new, text)
    return re.sub(r'\bgetattr\((\w+), "([A-Za-z_]\w*)"\)', r"\1.\2", text)


def _function(table: Table, module: Module, method: ast.FunctionDef) -> str:
    """A method as a function of its own."""
    first = method.args.args[0]
    edits = [*module.source.without_annotations(method), (*module.source.span(first), "")]
    text = textwrap.dedent(module.source.edited(method, edits))
    return _with_modules(table, re.sub(r"^(def \w+\(), ", r"\1", text)) + "\n"


def _is_docstring(part: ast.stmt) -> bool:
    return isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant)


def index_text(index: Any, is_tensor: bool = True) -> str:
    """What stands in the brackets; a lone slice of a tensor as a tuple, which symbolic tensors of Keras ask for."""

    def part(item: Any) -> str:
        if isinstance(item, slice):
            ends = [("" if end is None else str(end)) for end in (item.start, item.stop)]
            return ":".join(ends) + ("" if item.step is None else f":{item.step}")
        return str(item)

    if isinstance(index, tuple):
        return ", ".join(part(item) for item in index) + ("," if len(index) == 1 else "")
    return part(index) + ("," if is_tensor and isinstance(index, slice) else "")


PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "@": 2}


def arithmetic_text(operator: str, left: str, right: str, inner: Sequence[str | None]) -> str:
    """`left operator right`, with the parentheses that the tree asks for; `inner` are the operators of both sides."""
    level = PRECEDENCE[operator]
    if inner[0] is not None and PRECEDENCE[inner[0]] < level:
        left = f"({left})"
    if inner[1] is not None and PRECEDENCE[inner[1]] <= level:
        right = f"({right})"
    return f"{left} {operator} {right}"
