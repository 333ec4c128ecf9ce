"""The functions of `keras.ops` as the graph of a case calls them: with arrays, and the arguments of a case.

They have no weights and no state; a symbolic tensor goes in as an array does, so that its shape and dtype are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conformance.protocol.adapter import Unsupported

FIRST = "subscripts"
"""The argument that stands before the arrays, of `einsum`."""


class AskedOperation:
    """A function of `keras.ops` with the arguments of a case."""

    is_operation = True

    def __init__(self, function: Callable[..., Any], arguments: dict[str, Any]) -> None:
        self._function = function
        self._first = [arguments[FIRST]] if FIRST in arguments else []
        self._arguments = {key: _plain(value) for key, value in arguments.items() if key != FIRST}

    def __call__(self, *arrays: Any, **others: Any) -> Any:
        """What Keras gives: a tensor, or a list of them."""
        found = self._function(*self._first, *arrays, **others, **self._arguments)
        return list(found) if isinstance(found, tuple) else found


def _plain(value: Any) -> Any:
    """Lists of a case as tuples, which is what Keras documents for axes, shapes and pairs."""
    return tuple(map(_plain, value)) if isinstance(value, list) else value


PLACES = ("", "image", "nn", "linalg", "numpy")
"""Where `keras.ops` offers its functions: those of images in a module of their own alone."""


def operation(keras: Any, name: str) -> Callable[..., AskedOperation]:
    """What makes a call of this function from its arguments. Raises Unsupported where this Keras has none."""
    ops = getattr(keras, "ops", None)
    modules = (ops if not place else getattr(ops, place, None) for place in PLACES)
    function = next((found for module in modules if (found := getattr(module, name, None)) is not None), None)
    if function is None:
        raise Unsupported(f"Keras {keras.__version__} has no operation {name}")
    return lambda name, **arguments: AskedOperation(function, arguments)
