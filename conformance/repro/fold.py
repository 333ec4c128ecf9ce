"""Takes out of carried functions what the case has decided: arguments of the layer become numbers, and what then can
never run goes away.

Sound where every layer of the case that has an argument gives it the same value, and no code makes layers with others.
Text is edited in place, pass after pass, until nothing changes: comments and layout stay.
"""

from __future__ import annotations

import ast
import operator
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from conformance.protocol.operations import OF_CONSTANTS
from conformance.repro.literals import value_text
from conformance.repro.source import Edit, Source

PASSES = 40
_COMPARED: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
    ast.NotIn: lambda a, b: a not in b,
    ast.Gt: operator.gt,
    ast.Lt: operator.lt,
}
_ATOMS = ast.Name | ast.Constant | ast.Call | ast.Attribute | ast.Tuple
"""What needs no brackets wherever it stands."""
_KINDS = {"int": int, "str": str, "tuple": tuple, "list": list}
MISSING = object()


def folded(text: str, name: str, arguments: Mapping[str, Any], activations: Mapping[Any, str] | None = None) -> str:
    """A function's text with `name.argument` replaced by its value, and what follows from that.

    `activations` says which function `activate(name, x)` calls; None is left out altogether.
    """
    for _ in range(PASSES):
        source = Source(text)
        edits = _apart(list(_edits(source, name, arguments, activations or {})))
        shorter = source.between(0, len(text), edits)
        if not edits or not _is_python(shorter):
            break
        text = shorter
    return text


def _is_python(text: str) -> bool:
    """Whether it can be parsed: edits beside each other may have left a block without a statement."""
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True


def pruned(texts: Sequence[str], roots: str) -> list[str]:
    """Definitions without those that neither the roots nor what these need speak of."""
    defined = {_defined_in(text): text for text in texts}
    wanted: set[str] = set()
    waiting = [roots]
    while waiting:
        words = {node.id for node in ast.walk(ast.parse(waiting.pop())) if isinstance(node, ast.Name)}
        for name in sorted(words & set(defined) - wanted):
            wanted.add(name)
            waiting.append(defined[name])
    return [text for name, text in defined.items() if name in wanted]


def _defined_in(text: str) -> str:
    (statement,) = ast.parse(text).body
    if isinstance(statement, ast.FunctionDef | ast.ClassDef):
        return statement.name
    assert isinstance(statement, ast.Assign)
    assert isinstance(statement.targets[0], ast.Name)
    return statement.targets[0].id


def _apart(edits: list[Edit]) -> list[Edit]:
    """Of edits inside each other, the inner ones: the outer ones come in a later pass."""
    return [
        one
        for one in edits
        if not any(other is not one and one[0] <= other[0] and other[1] <= one[1] for other in edits)
    ]


def _edits(source: Source, name: str, arguments: Mapping[str, Any], activations: Mapping[Any, str]) -> Iterator[Edit]:
    nodes = list(ast.walk(source.tree))
    tests = {id(node.test) for node in nodes if isinstance(node, ast.If | ast.IfExp)}
    # before Python 3.12 the parts of an f-string do not know where they stand
    unplaced = {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in nodes:
        if id(node) in unplaced:
            continue
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name:
            if node.attr in arguments and isinstance(node.ctx, ast.Load):
                yield (*source.span(node), value_text(arguments[node.attr]))
        elif isinstance(node, ast.Call) and (activated := _activated(source, node, activations)) is not None:
            yield (*source.span(node), activated)
        elif isinstance(node, ast.expr):
            text = _expression(source, node, id(node) in tests)
            if text is not None:
                yield (*source.span(node), text)
        for block in _blocks(node):
            yield from _statements(source, block)


def _activated(source: Source, node: ast.Call, activations: Mapping[Any, str]) -> str | None:
    if not (isinstance(node.func, ast.Name) and node.func.id == "activate" and len(node.args) == 2):
        return None
    name = known(node.args[0])
    if name is MISSING or (name is not None and name not in activations):
        return None
    inner = source.of(node.args[1])
    if name is None or activations[name] == "":
        return inner if isinstance(node.args[1], _ATOMS) else f"({inner})"
    return f"{activations[name]}({inner})"


def _expression(source: Source, node: ast.expr, is_test: bool) -> str | None:
    """A shorter expression of the same value (of a test: of the same truth); None where there is none."""
    if isinstance(node, ast.IfExp):
        test = known(node.test)
        if test is not MISSING:
            return source.of(node.body if test else node.orelse)  # brackets, where it needs any, stand around it
    elif isinstance(node, ast.Compare | ast.Call) or (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)):
        value = known(node)
        return None if value is MISSING else value_text(value)
    elif isinstance(node, ast.BoolOp):
        return _junction(source, node, is_test)
    return None


def _junction(source: Source, node: ast.BoolOp, is_test: bool) -> str | None:
    """`and` and `or` without the parts that are decided."""
    decides = isinstance(node.op, ast.Or)
    values = [known(part) for part in node.values]
    for place, value in enumerate(values):
        if value is MISSING or bool(value) != decides:
            continue
        if place == 0:
            return value_text(value)
        end = source.span(node.values[place])[1]
        return None if place == len(values) - 1 else source.text[source.span(node)[0] : end]
    if values[-1] is not MISSING and not is_test:
        return None if MISSING in values else value_text(values[-1])
    left = [part for part, value in zip(node.values, values, strict=True) if value is MISSING]
    if len(left) == len(values):
        return None
    word = " or " if decides else " and "
    return word.join(source.of(part) for part in left) or value_text(values[-1])


def known(node: ast.expr) -> Any:
    """The value of an expression of constants; MISSING where it has other parts."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple):
        items = [known(item) for item in node.elts]
        return MISSING if any(item is MISSING for item in items) else tuple(items)
    if isinstance(node, ast.List):
        items = [known(item) for item in node.elts]
        return MISSING if any(item is MISSING for item in items) else items
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        value = known(node.operand)
        return MISSING if value is MISSING else not value
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        value = known(node.operand)
        return -value if isinstance(value, int | float) else MISSING
    if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARED:
        sides = known(node.left), known(node.comparators[0])
        return MISSING if MISSING in sides else _COMPARED[type(node.ops[0])](*sides)
    return _called(node) if isinstance(node, ast.Call) else MISSING


def _called(node: ast.Call) -> Any:
    """The value of a call of constants: of `isinstance`, of `startswith`, or of a function that takes nothing else."""
    if isinstance(node.func, ast.Name) and node.func.id == "isinstance":
        value, kind = known(node.args[0]), node.args[1]
        if value is not MISSING and isinstance(kind, ast.Name) and kind.id in _KINDS:
            return isinstance(value, _KINDS[kind.id])
        return MISSING
    values = [known(part) for part in node.args]
    if node.keywords or any(value is MISSING for value in values):
        return MISSING
    if isinstance(node.func, ast.Name) and node.func.id in OF_CONSTANTS:
        return OF_CONSTANTS[node.func.id](*values)
    if isinstance(node.func, ast.Attribute) and node.func.attr == "startswith":
        text = known(node.func.value)
        return MISSING if text is MISSING else str(text).startswith(*values)
    return MISSING


def _blocks(node: ast.AST) -> Iterator[list[ast.stmt]]:
    for name in ("body", "orelse"):
        block = getattr(node, name, None)
        if isinstance(block, list) and block and isinstance(block[0], ast.stmt):
            yield block


def _statements(source: Source, block: list[ast.stmt]) -> Iterator[Edit]:
    """A decided `if` becomes its branch; what stands behind a return goes away."""
    for place, statement in enumerate(block):
        last = block[-1]
        if isinstance(statement, ast.Return | ast.Raise) and statement is not last:
            start, end = source.span(statement)[1], source.span(last)[1]
            yield (start, end, "")
            return
        if isinstance(statement, ast.If) and (test := known(statement.test)) is not MISSING:
            chosen = statement.body if test else statement.orelse
            yield _instead(source, statement, chosen, is_alone=len(block) == 1 and place == 0)


def _instead(source: Source, statement: ast.If, chosen: list[ast.stmt], is_alone: bool) -> Edit:
    start, end = source.span(statement)
    is_elif = source.text[start : start + 4] == "elif"
    pad = " " * statement.col_offset
    if not chosen:
        if is_elif or is_alone:
            return (start, end, "else:\n" + pad + "    pass" if is_elif else "pass")
        line = source.text.rindex("\n", 0, start) if "\n" in source.text[:start] else 0
        return (line, end, "")
    first, last = source.span(chosen[0])[0], source.span(chosen[-1])[1]
    if source.text[first : first + 4] == "elif":
        return (start, end, ("elif" if is_elif else "if") + source.text[first + 4 : last])
    if is_elif:
        return (start, end, "else:\n" + source.text[source.at(chosen[0].lineno, 0) : last])
    body = textwrap.dedent(source.text[source.at(chosen[0].lineno, 0) : last])
    return (start, end, textwrap.indent(body, pad).lstrip())
