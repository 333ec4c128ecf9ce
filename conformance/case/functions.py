"""Functions that a layer takes, said in the graph language: `2 * x`, `where(greater(x, 0), x, scale * x)`.

No code of a case is ever run: the text is an expression over what the function is given and the names of the layer's
`arguments`, of operations alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.case.expressions import OPERATIONS, Call, ExpressionError, LayerWeight, Name, parse
from conformance.case.problems import did_you_mean, listed

ARGUMENTS = "arguments"
"""The argument that gives names of such a function their values."""
OF_MASKS = "mask"
"""The operation that no such function may call: inside of it there is no mask but the one that it is given."""


def mistakes(
    functions: Mapping[str, tuple[str, ...]], config: Mapping[str, Any]
) -> Iterator[tuple[str, int, str, str | None]]:
    """What is wrong with the functions of a layer: the argument, a column in its text, what is wrong, what to do.

    `functions` has its arguments that are some, each with the names of what it is given.
    """
    bound = config.get(ARGUMENTS)
    names = tuple(bound) if isinstance(bound, Mapping) else ()
    for argument, given in functions.items():
        text = config.get(argument)
        if isinstance(text, str):
            for column, message, hint in _wrong(text, (*given, *names)):
                yield argument, column, message, hint


def _wrong(text: str, known: tuple[str, ...]) -> Iterator[tuple[int, str, str | None]]:
    try:
        expression = parse(text)
    except ExpressionError as error:
        yield error.column, error.message, error.hint
        return
    operations = tuple(name for name in OPERATIONS if name != OF_MASKS)
    for part in expression.walk():
        match part:
            case Name(name, column) if name not in known:
                yield column, f"unknown name {name}", did_you_mean(name, known) or f"known here: {listed(known)}"
            case Call(callee, _, _, column) if callee not in operations:
                hint = did_you_mean(callee, operations) or f"operations: {listed(operations)}"
                yield column, f"{callee} is no operation of a function", hint
            case LayerWeight(layer, weight, column):
                yield column, f"{layer}.{weight} is a weight, which a function cannot read", "give its number a name"
