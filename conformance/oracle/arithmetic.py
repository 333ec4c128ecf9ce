"""How the reference computes: exactly, as far as float64 goes, or with every operation rounded as a lane rounds it.

Moving the inputs alone does not show how far a result may lie off. Where terms cancel they move together: a
normalisation over two numbers gives ±1 whatever they are, its gradient is next to nothing, made of terms as large as
the cotangents, and the bias before a softmax that is summed has no gradient at all. What is left of such terms is their
rounding. So every operation's result, and every number that a backward pass hands on, is multiplied by a factor of its
own, as in Monte Carlo arithmetic (Parker 1997, "Monte Carlo arithmetic: exploiting randomness in floating-point
arithmetic").
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import autograd
import numpy
from autograd.core import VJPNode, backward_pass, vspace
from autograd.numpy import numpy_vjps
from autograd.tracer import Node, notrace_primitives, trace

Function = Callable[..., Any]

_FACTORS = 1 << 15
"""Numbers drawn for a pattern; longer arrays take them again from the start."""
_FAMILY = 2
"""Sets these draws apart from those of inputs and arguments with the same pattern."""
_ROUNDING = frozenset(
    {
        *("add", "divide", "mod", "multiply", "power", "subtract"),
        *("cumsum", "diff", "dot", "einsum", "matmul", "mean", "median", "prod", "sum", "tensordot", "var"),
        *(
            "arccos",
            "arccosh",
            "arcsin",
            "arcsinh",
            "arctan",
            "arctan2",
            "arctanh",
            "cos",
            "cosh",
            "sin",
            "sinh",
            "tan",
        ),
        *("erfc", "exp", "expm1", "log", "log10", "log1p", "log2", "logaddexp", "sqrt", "tanh"),
        *("det", "inv", "solve"),
    }
)
"""Operations, by name, that make numbers. All others choose or move some, and must not be rounded: the way back through
a maximum looks for the argument that equals it, and what is taken out of a table still stands in it."""


_put_back = numpy_vjps.untake


def _put_back_what_fits(x: Any, idx: Any, space: Any) -> Any:
    """autograd's way back through a subscript. Raises ValueError for a slope of more axes than were taken.

    A slip in a formula makes such slopes, and NumPy 2.4 ends the process over them, in `add.at`.
    """
    taken = numpy.broadcast_to(0.0, space.shape)[idx]
    if numpy.ndim(x) > taken.ndim:
        raise ValueError(f"a slope of shape {numpy.shape(x)} for what was taken, {taken.shape}")
    return _put_back(x, idx, space)


numpy_vjps.untake = _put_back_what_fits


class Arithmetic(NamedTuple):
    """Two ways to run a function of arrays: with its gradient by the first argument, and without."""

    grad: Callable[[Function], Function]
    """Of a function that gives a number, the function that gives its gradient."""
    run: Callable[[Function], Function]


EXACT = Arithmetic(autograd.grad, lambda function: function)


class Roundings:
    """Factors around 1, in the same order in every process."""

    def __init__(self, unit: float, pattern: int) -> None:
        self._twice = _factors(unit, pattern)
        self._place = 0

    def of(self, value: Any) -> Any:
        """A float array or number, each element moved by at most a relative unit; anything else as it is."""
        if isinstance(value, float):  # numpy's float64 is one
            return value * self.factors(())
        if not isinstance(value, numpy.ndarray) or value.dtype.kind != "f":
            return value
        return value * self.factors(value.shape)

    def factors(self, shape: tuple[int, ...]) -> Any:
        """The next factors, as an array of a shape."""
        size = math.prod(shape)
        if size > _FACTORS:
            return numpy.resize(self._twice[:_FACTORS], shape)
        start, self._place = self._place, (self._place + size) % _FACTORS
        return self._twice[start : start + size].reshape(shape)


@lru_cache(maxsize=64)
def _factors(unit: float, pattern: int) -> Any:
    """Drawn once for all cases; twice in a row, so that no stretch of them ends before its array does."""
    random = numpy.random.Generator(numpy.random.Philox(key=[pattern, _FAMILY]))
    return numpy.tile(1.0 + unit * random.uniform(-1.0, 1.0, _FACTORS), 2)


class _RoundedResult(Node):  # type: ignore[misc]  # autograd has no types
    """A step of a run forwards: autograd hands it every result before anybody else has seen it."""

    __slots__ = ("roundings",)

    def __init__(self, value: Any, fun: Any, args: Any, kwargs: Any, argnums: Any, parents: Any) -> None:
        self.roundings = parents[0].roundings
        if fun.__name__ in _ROUNDING:
            _round(value, args, self.roundings)

    def initialize_root(self, roundings: Roundings) -> None:
        self.roundings = roundings


class _RoundedNode(VJPNode):  # type: ignore[misc]  # as above
    """A step of autograd's tape that rounds its result, and what its way back hands on to each argument."""

    __slots__ = ("roundings",)
    vjp: Any

    def __init__(self, value: Any, fun: Any, args: Any, kwargs: Any, argnums: Any, parents: Any) -> None:
        roundings = self.roundings = parents[0].roundings
        rounds = fun.__name__ in _ROUNDING
        if rounds:
            _round(value, args, roundings)
        super().__init__(value, fun, args, kwargs, argnums, parents)
        if rounds:
            exact = self.vjp
            self.vjp = lambda gradient: tuple(map(roundings.of, exact(gradient)))

    def initialize_root(self, roundings: Roundings) -> None:
        super().initialize_root()
        self.roundings = roundings


for _node in (_RoundedResult, _RoundedNode):
    notrace_primitives[_node] = notrace_primitives[VJPNode]


def _round(value: Any, args: Any, roundings: Roundings) -> None:
    """Rounds a result in its place; one that only looks at an argument, as an einsum that transposes, is left alone."""
    if not isinstance(value, numpy.ndarray) or value.dtype.kind != "f":
        return
    if value.base is None or not any(isinstance(x, numpy.ndarray) and numpy.may_share_memory(value, x) for x in args):
        value *= roundings.factors(value.shape)


def rounding(unit: float, pattern: int) -> Arithmetic:
    """Every operation rounded by at most a relative `unit`; the same pattern gives the same numbers every time.

    A result that is one number alone, without axes, is rounded on the way back only.
    """
    roundings = Roundings(unit, pattern)

    def grad(function: Function) -> Function:
        def gradient(x: Any, *others: Any) -> Any:
            value, end = trace(_RoundedNode.new_root(roundings), lambda x: function(x, *others), x)
            space = vspace(x if end is None else value)
            return space.zeros() if end is None else backward_pass(space.ones(), end)

        return gradient

    def run(function: Function) -> Function:
        def value(x: Any) -> Any:
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", "Output seems independent of input")  # it may be of a constant
                return trace(_RoundedResult.new_root(roundings), function, x)[0]

        return value

    return Arithmetic(grad, run)
