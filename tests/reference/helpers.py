"""What the tests of the reference share: weights to run a layer with, a run, a check of its gradients, mutants."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import autograd
import autograd.numpy as np
import numpy
from autograd.misc.flatten import flatten

from conformance.mutants.layer import broken
from conformance.reference.base import Layer, Weight, Weights

STEP = 1e-5
"""Of the central difference: its truncation error STEP^2 and its rounding error 1e-16 / STEP are about equal."""


def draw(weight: Weight, random: numpy.random.Generator) -> numpy.ndarray:
    """Values as `Weight.draw` describes them; none is a default (no bias of zero, no scale of one)."""
    normal = random.normal(size=weight.shape)
    if weight.draw == "table":
        return normal
    if weight.draw == "bias":
        return numpy.sign(normal) * (0.1 + 0.2 * numpy.abs(normal))
    if weight.draw == "scale":
        return 1.0 + numpy.sign(normal) * (0.1 + 0.1 * numpy.abs(normal))
    if weight.draw == "variance":
        return 0.5 + numpy.abs(normal)
    fan_in = max(1, int(numpy.prod(weight.shape[:-1])))
    return normal / numpy.sqrt(fan_in)


def weights_of(layer: Layer, *shapes: Any, seed: int = 0) -> dict[str, numpy.ndarray]:
    """Distinct weights for a layer that is called on arguments of these shapes, the same for the same seed."""
    random = numpy.random.default_rng(seed)
    return {name: draw(weight, random) for name, weight in layer.weights(*shapes).items()}


def shape_of(argument: Any) -> Any:
    """An array's shape; for a list of arrays the list of theirs."""
    if isinstance(argument, list | tuple):
        return [shape_of(item) for item in argument]
    return numpy.shape(argument)


def run(layer: Layer, *args: Any, weights: Mapping[str, Any] | None = None, seed: int = 0, **kwargs: Any) -> Any:
    """Calls a layer with the weights given, or with weights drawn from the seed; lists become arrays where flat.

    `args` and `kwargs` are those of the layer's `call`. A mask is passed as a keyword argument.
    """
    layer.check()
    if weights is None:
        weights = weights_of(layer, *map(shape_of, args), seed=seed)
    random = numpy.random.default_rng(seed)
    return layer.call(Weights({k: np.asarray(v, dtype=float) for k, v in weights.items()}, {}, random), *args, **kwargs)


def assert_gradient_matches_finite_difference(
    layer: Layer,
    *args: Any,
    weights: Mapping[str, Any] | None = None,
    seed: int = 0,
    rtol: float = 1e-6,
    **kwargs: Any,
) -> None:
    """Asserts that autograd and a directional central difference agree, for all weights and float arguments at once.

    Integer and boolean arguments are held fixed. The data must not lie within STEP of a kink.
    """
    if weights is None:
        weights = weights_of(layer, *map(shape_of, args), seed=seed)
    variable = [is_float(argument) for argument in args]
    floats = [argument for argument, varies in zip(args, variable, strict=True) if varies]
    point, unflatten = flatten((floats, dict(weights)))
    random = numpy.random.default_rng(seed + 1)

    def outputs(vector: Any) -> Any:
        moved, arrays = unflatten(vector)
        values = iter(moved)
        arguments = [
            argument if not varies else list(next(values)) if isinstance(argument, list) else next(values)
            for argument, varies in zip(args, variable, strict=True)
        ]
        result = layer.call(Weights(arrays, {}, numpy.random.default_rng(seed)), *arguments, **kwargs)
        return list(result) if isinstance(result, list | tuple) else [result]

    cotangents = [random.normal(size=numpy.shape(output)) for output in outputs(point)]
    assert_directional_derivative(
        lambda vector: sum(np.sum(c * o) for c, o in zip(cotangents, outputs(vector), strict=True)),
        point,
        random.normal(size=point.shape),
        rtol,
    )


def assert_directional_derivative(function: Any, point: Any, direction: Any, rtol: float = 1e-6) -> None:
    """Asserts that grad(function) at the point, times the direction, is the slope of the function along it."""
    slope = (function(point + STEP * direction) - function(point - STEP * direction)) / (2 * STEP)
    gradient = autograd.grad(function)(point)
    exact = float(gradient @ direction)
    scale = max(abs(exact), float(numpy.linalg.norm(gradient)), 1e-12)
    assert abs(exact - slope) <= rtol * scale, f"autograd says {exact}, the central difference {slope}"


def is_float(argument: Any) -> bool:
    """Whether an argument, or every array of a list, holds floats."""
    if isinstance(argument, list | tuple):
        return all(is_float(item) for item in argument)
    return numpy.issubdtype(numpy.asarray(argument).dtype, numpy.floating)


def run_mutant(
    layer: Layer, name: str, *args: Any, weights: Mapping[str, Any] | None = None, seed: int = 0, **kwargs: Any
) -> tuple[Any, Any]:
    """Output and output mask of a layer with one of its named mistakes.

    `mask` may be given to any layer: it reaches `call` only where that takes one, and the mask rule always.
    """
    (mutant,) = [mutant for mutant in layer.mutants if mutant.name == name]
    given = dict(weights_of(layer, *map(shape_of, args), seed=seed) if weights is None else weights)
    wrong = broken(layer, mutant)
    if mutant.weights is not None:
        given.update(mutant.weights(layer, given))
    passed, named = list(args), dict(kwargs)
    if mutant.inputs is not None:
        passed, named = mutant.inputs(layer, passed, named)
    output = run(wrong, *passed, weights=given, seed=seed, **_taken(wrong, named))
    if mutant.output is not None:
        output = mutant.output(layer, output, list(args))
    mask = wrong.compute_mask(passed[0], named.get("mask"))
    return output, mask if mutant.mask is None else mutant.mask(layer, mask, kwargs.get("mask"))


def _taken(layer: Layer, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments that the layer's `call` has."""
    names = inspect.signature(type(layer).call).parameters
    return {name: value for name, value in kwargs.items() if name in names}


def is_seen(layer: Layer, name: str, *args: Any, **kwargs: Any) -> bool:
    """Whether a mutant's output or mask differs from the layer's own on this data, beyond float32 rounding."""
    own = {key: value for key, value in kwargs.items() if key in ("weights", "seed")}
    named = {key: value for key, value in kwargs.items() if key not in own}
    right = run(layer, *args, **own, **_taken(layer, named)), layer.compute_mask(args[0], named.get("mask"))
    wrong = run_mutant(layer, name, *args, **kwargs)
    return any(_differ(ours, theirs) for ours, theirs in zip(right, wrong, strict=True))


def _differ(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, list | tuple):
        return any(_differ(mine, other) for mine, other in zip(ours, theirs, strict=True))
    if ours is None or theirs is None:
        return (ours is None) != (theirs is None)
    if numpy.shape(ours) != numpy.shape(theirs):
        return True
    return not numpy.allclose(ours, theirs, rtol=1e-5, atol=1e-6, equal_nan=True)
