"""The closed operations of the graph language, as a framework must offer them: a method each, a subclass a framework.

A subclass holds all that its framework calls differently, and it is the only place: lanes run its methods, and
stand-alone scripts say the source of the same methods in their place (`conformance.repro.operations`). So a method is
written to be read: from its parameters to an expression of the framework, with `self.torch`, `self.np` or `self.ops`
for the module that the instance was made with. Nothing is imported here: a lane brings its own framework.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar


class Operations:
    """What every framework's operations share: their names and parameters. Arrays are the framework's own."""

    modules: ClassVar[Mapping[str, str]] = {}
    """What an attribute that holds a module is called in a script: `{"torch": "torch"}`."""

    def apply(self, operation: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Calls an operation by its name in the language; one of several arrays may be given an array of arrays."""
        if operation == "stack" and args and str(getattr(args[0], "dtype", "")) == "object":
            operation = "stack_rows"
        return getattr(self, operation)(*args, **kwargs)

    def mean(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        raise NotImplementedError

    def sum(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        raise NotImplementedError

    def max(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        raise NotImplementedError

    def min(self, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        raise NotImplementedError

    def concatenate(self, items: Any, axis: int = -1) -> Any:
        raise NotImplementedError

    def stack(self, items: Any, axis: int = 0) -> Any:
        raise NotImplementedError

    def stack_rows(self, items: Any, axis: int = 0) -> Any:
        """`stack` of a NumPy array of arrays: rows that the framework has not seen yet."""
        raise NotImplementedError

    def transpose(self, x: Any, axes: Any = None) -> Any:
        raise NotImplementedError

    def reshape(self, x: Any, shape: Any) -> Any:
        raise NotImplementedError

    def expand_dims(self, x: Any, axis: int) -> Any:
        raise NotImplementedError

    def squeeze(self, x: Any, axis: Any = None) -> Any:
        raise NotImplementedError

    def flip(self, x: Any, axis: Any) -> Any:
        raise NotImplementedError

    def one_hot(self, ids: Any, depth: int) -> Any:
        raise NotImplementedError

    def einsum(self, equation: str, *operands: Any) -> Any:
        raise NotImplementedError

    def cast(self, x: Any, dtype: str) -> Any:
        raise NotImplementedError

    def exp(self, x: Any) -> Any:
        raise NotImplementedError

    def log(self, x: Any) -> Any:
        raise NotImplementedError

    def sqrt(self, x: Any) -> Any:
        raise NotImplementedError

    def tanh(self, x: Any) -> Any:
        raise NotImplementedError

    def abs(self, x: Any) -> Any:
        raise NotImplementedError

    def where(self, condition: Any, x: Any, y: Any) -> Any:
        raise NotImplementedError

    def pad(self, x: Any, widths: Any, value: float = 0.0) -> Any:
        raise NotImplementedError

    def repeat(self, x: Any, n: int, axis: int) -> Any:
        raise NotImplementedError

    def equal(self, x: Any, y: Any) -> Any:
        raise NotImplementedError

    def greater(self, x: Any, y: Any) -> Any:
        raise NotImplementedError


def axes(axis: Any) -> Any:
    """An axis as it is, several as a tuple: NumPy and torch take no list of them. Of constants alone."""
    return tuple(axis) if isinstance(axis, list) else axis


def several(axis: Any) -> list[int]:
    """One axis or several as a list. Of constants alone."""
    return [axis] if isinstance(axis, int) else list(axis)


def last_first(widths: Any) -> list[int]:
    """Pairs of widths as torch's `pad` takes them: in a row, those of the last axis first. Of constants alone."""
    return [width for pair in reversed(widths) for width in pair]


OF_CONSTANTS = {function.__name__: function for function in (axes, several, last_first)}
"""Functions of a case's constants, which a script shows as what they give."""
