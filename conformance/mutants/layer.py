"""A reference layer with one mistake: a subclass of the real one, so that wrappers take it for what it replaces."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar

from conformance.mutants.optimizer import loop_with_slip, with_slip
from conformance.reference.base import DoesNotApply, HookError, Layer, LayerError, Mutant, Weights
from conformance.reference.catalog import LAYERS
from conformance.reference.fit import LOOPS, Loop
from conformance.reference.optimizers import OPTIMIZERS, Optimizer

_T = TypeVar("_T")


Mutable = type[Layer] | type[Optimizer] | type[Loop]


def mutable() -> dict[str, Mutable]:
    """Everything that has mutants, by its name in Keras: layers, after them optimisers, `fit` and `evaluate`."""
    return {**dict(sorted(LAYERS.items())), **dict(sorted(OPTIMIZERS.items())), **LOOPS}


def mutants_of(kind: Mutable) -> dict[str, Mutant]:
    """The mutants of a layer or an optimiser by name."""
    return {mutant.name: mutant for mutant in kind.mutants}


def with_mistake(layer: Any, kind: Any, mutant: Mutant) -> Any:
    """The layer with every layer of this very kind in it, itself and wrapped ones, making the mistake.

    Takes optimisers too, which hold no others, and loops, which hold an optimiser.
    """
    if isinstance(layer, Optimizer):
        return with_slip(layer, kind, mutant)
    if isinstance(layer, Loop):
        return loop_with_slip(layer, kind, mutant)
    fields = _fields(layer)
    inside = {name: _inside(value, kind, mutant) for name, value in fields.items()}
    if any(inside[name] is not fields[name] for name in fields):
        layer = type(layer)(**inside)
    if type(layer) is not kind:
        return layer
    broken(layer, mutant)
    return _mistaken(kind, mutant)(**inside)  # type: ignore[arg-type]  # mypy takes the class of a layer for a layer


def _inside(value: Any, kind: type[Layer], mutant: Mutant) -> Any:
    if isinstance(value, Layer):
        return with_mistake(value, kind, mutant)
    if isinstance(value, tuple):
        changed = tuple(_inside(item, kind, mutant) for item in value)
        return value if all(new is old for new, old in zip(changed, value, strict=True)) else changed
    return value


def inside(value: Any) -> Iterator[Any]:
    """A layer and all layers that it wraps, or an optimiser; of a tuple, of every item; nothing of anything else."""
    if isinstance(value, tuple):
        for item in value:
            yield from inside(item)
    elif isinstance(value, Loop):
        yield value
        yield from inside(value.optimizer)
    elif isinstance(value, Layer | Optimizer):
        yield value
        for held in _fields(value).values() if isinstance(value, Layer) else ():
            yield from inside(held)


def _fields(layer: Layer) -> dict[str, Any]:
    return {field.name: getattr(layer, field.name) for field in dataclasses.fields(layer)}  # type: ignore[arg-type]  # made dataclasses by __init_subclass__


def broken(layer: Layer, mutant: Mutant) -> Layer:
    """The real layer with the mutant's arguments and methods. Raises DoesNotApply where the arguments cannot be."""
    if mutant.config is None and not mutant.methods:
        return layer
    changed = {} if mutant.config is None else _hooked(mutant, "config", lambda: mutant.config(layer))  # type: ignore[misc]  # not None
    wrong = _replaced(type(layer), mutant)(**{**_fields(layer), **changed})  # type: ignore[arg-type]  # as in `with_mistake`
    try:
        wrong.check()
    except LayerError as error:
        raise DoesNotApply(str(error)) from None
    return wrong


@cache
def _replaced(kind: type[Layer], mutant: Mutant) -> type[Layer]:
    """The class with the mutant's methods in place of its own; no layer of its own name."""
    return type(f"_{kind.__name__}", (kind,), dict(mutant.methods)) if mutant.methods else kind


def _hooked(mutant: Mutant, hook: str, call: Callable[[], _T]) -> _T:
    try:
        return call()
    except Exception as error:
        raise HookError(f"{hook} of {mutant.name}: {type(error).__name__}: {error}") from error


def _named(kind: type[Layer], args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Arguments that may be left out, by name: hooks look for them there, and a wrapper may pass them by place."""
    parameters = list(inspect.signature(kind.call).parameters.values())[2:]
    needed = sum(parameter.default is inspect.Parameter.empty for parameter in parameters)
    optional = {parameter.name: value for parameter, value in zip(parameters[needed:], args[needed:], strict=False)}
    return args[:needed], {**optional, **kwargs}


@cache
def _mistaken(kind: type[Layer], mutant: Mutant) -> type[Layer]:
    """The subclass; its name starts with an underscore, so it is not registered as a layer."""

    def parts(self: Layer) -> tuple[Layer, Layer]:
        real = kind(**_fields(self))
        return real, broken(real, mutant)

    def changed(real: Layer, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        if mutant.inputs is None:
            return args, kwargs
        return _hooked(mutant, "inputs", lambda: mutant.inputs(real, args, kwargs))  # type: ignore[misc]  # not None

    # the mask rule is asked after the call, without the call's arguments, and may depend on all of them
    last: list[tuple[list[Any], dict[str, Any]]] = []

    @functools.wraps(kind.call)
    def call(self: Layer, w: Weights, *args: Any, **kwargs: Any) -> Any:
        real, wrong = parts(self)
        args, kwargs = _named(kind, args, kwargs)
        last[:] = [(list(args), dict(kwargs))]
        arrays: Mapping[str, Any] = w.arrays
        if mutant.weights is not None:
            rewritten = _hooked(mutant, "weights", lambda: mutant.weights(real, dict(w.arrays)))  # type: ignore[misc]  # as above
            arrays = {**w.arrays, **rewritten}
        passed, named = changed(real, list(args), dict(kwargs))
        before = {**w.arrays, **w.state}
        output = type(wrong).call(wrong, Weights(arrays, w.state, w.random), *passed, **named)
        if mutant.state is not None and any(before.get(name) is not value for name, value in w.state.items()):
            w.state |= _hooked(mutant, "state", lambda: mutant.state(real, before, dict(w.state), list(args)))  # type: ignore[misc]  # as above
        if mutant.output is None:
            return output
        return _hooked(mutant, "output", lambda: mutant.output(real, output, list(args)))  # type: ignore[misc]  # as above

    def compute_mask(self: Layer, x: Any, mask: Any) -> Any:
        real, wrong = parts(self)
        args, kwargs = last[0]
        passed, named = changed(real, args, {**kwargs, "mask": mask})
        made = wrong.compute_mask(passed[0] if passed else x, named.get("mask"))
        return made if mutant.mask is None else _hooked(mutant, "mask", lambda: mutant.mask(real, made, mask))  # type: ignore[misc]  # as above

    def added_loss(self: Layer, output: Any) -> Any:
        _, wrong = parts(self)
        return wrong.added_loss(output)

    body = {"call": call, "compute_mask": compute_mask, "added_loss": added_loss, "__module__": kind.__module__}
    return type(f"_{kind.__name__}", (kind,), body)
