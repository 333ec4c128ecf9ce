"""Gradients of Keras on torch and on JAX, where no tape follows a run: torch's graph, and a function that JAX traces.

A run for gradients is one of its own there, before the one whose values are observed: torch refuses to change in place
what it differentiates, and JAX shows no numbers of what it traces. What the run moved is put back after it.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from conformance.lanes.keras_arrays import KerasArrays
from conformance.lanes.keras_gradients import Cotangents, variables_of, weighted
from conformance.protocol.plan import Plan
from conformance.protocol.wire import pack

Run = Callable[[], Any]
Scored = Callable[[Mapping[str, Any]], Any]
"""A run of the whole graph over these inputs, to the one number that is differentiated."""


def gradients_by_cotangents(plan: Plan, arrays: KerasArrays, inputs: Mapping[str, Any], backend: str) -> None:
    """Observes every gradient, or what was raised; the weights of the layers, which are built, are as before then.

    What the run raises forwards counts too, where the one whose values are observed does not raise it: it is raised
    because gradients are wanted.
    """
    observing = arrays.observing
    calls = len(observing.steps)
    variables = variables_of(plan, arrays.layers)
    before = {name: np.array(variable) for name, variable in variables.items()}

    def scored(feed: Mapping[str, Any]) -> Any:
        arrays.run(feed, is_symbolic=False)
        observing.node = ""  # from here on, an error is of the way back
        return _score(arrays, plan.cotangents)

    try:
        found = _BACKENDS[backend](scored, inputs, variables, arrays)
        observing.gradients = {
            name: {"data": pack(arrays.ops.convert_to_numpy(value))} for name, value in found.items()
        }
    except Exception as error:  # of the framework, whatever it is: the values are the answer
        observing.failed_backwards(error, observing.node)
    finally:
        del observing.steps[calls:]
        for name, variable in variables.items():
            variable.assign(before[name])


def _score(arrays: KerasArrays, cotangents: Cotangents) -> Any:
    """The sum of all observed outputs times their cotangents. Raises Unsupported as `weighted` does."""
    ops, terms = arrays.ops, list(weighted(arrays.values, cotangents))
    is_wide = any("float64" in str(item.dtype) for item, _ in terms)
    wide = "float64" if is_wide else "float32"
    score = ops.convert_to_tensor(np.zeros((), wide))
    for item, times in terms:
        score = score + ops.sum(ops.cast(item, wide) * ops.convert_to_tensor(times.astype(wide)))
    return score


def _by_torch(
    scored: Scored, inputs: Mapping[str, Any], variables: Mapping[str, Any], arrays: KerasArrays
) -> dict[str, Any]:
    torch = importlib.import_module("torch")
    leaves = {
        name: value.detach().clone().requires_grad_(True)
        for name, value in inputs.items()
        if not isinstance(value, np.ndarray) and value.is_floating_point()
    }
    held = {name: variable.value for name, variable in variables.items()}
    asked = {name: parameter.requires_grad for name, parameter in held.items()}
    try:
        for parameter in held.values():
            if parameter.is_floating_point():
                parameter.requires_grad_(True)
        sources = {**{f"input {name}": leaf for name, leaf in leaves.items()}, **held}
        wanted = {name: source for name, source in sources.items() if source.requires_grad}
        score, found = scored({**inputs, **leaves}), [None] * len(wanted)
        if wanted and score.requires_grad:  # else nothing depends on anything: zeros, as elsewhere
            found = torch.autograd.grad(score, list(wanted.values()), allow_unused=True)
    finally:
        for name, parameter in held.items():
            parameter.requires_grad_(asked[name])
    return {
        name: torch.zeros_like(source) if gradient is None else gradient
        for (name, source), gradient in zip(wanted.items(), found, strict=True)
    }


def _by_jax(
    scored: Scored, inputs: Mapping[str, Any], variables: Mapping[str, Any], arrays: KerasArrays
) -> dict[str, Any]:
    jax = importlib.import_module("jax")
    floats = {
        name: value
        for name, value in inputs.items()
        if not isinstance(value, np.ndarray) and "float" in str(value.dtype)
    }
    held = {name: variable.value for name, variable in variables.items() if "float" in str(variable.dtype)}

    def function(fed: Mapping[str, Any], weights: Mapping[str, Any]) -> Any:
        mapping = [(variables[name], value) for name, value in weights.items()]
        with arrays.keras.StatelessScope(state_mapping=mapping, collect_losses=True):  # as a step of fit's
            return scored({**inputs, **fed})

    of_inputs, of_weights = jax.grad(function, argnums=(0, 1))(floats, held)
    return {**{f"input {name}": value for name, value in of_inputs.items()}, **of_weights}


_BACKENDS = {"torch": _by_torch, "jax": _by_jax}
BACKENDS = frozenset(_BACKENDS)
"""Backends that this module differentiates on."""


def torch_gradients(run: Run, trained: Sequence[Any], moved: Sequence[Any], keras: Any) -> Sequence[Any]:
    """The gradient of the number that `run` gives by every trained variable; None where one has no part in it."""
    torch = importlib.import_module("torch")
    found: Sequence[Any] = torch.autograd.grad(run(), [variable.value for variable in trained], allow_unused=True)
    return found


def jax_gradients(run: Run, trained: Sequence[Any], moved: Sequence[Any], keras: Any) -> Sequence[Any]:
    """The same in JAX; what `run` itself moves is assigned after it: while JAX traces, nothing can be."""
    jax = importlib.import_module("jax")

    def function(values: Sequence[Any]) -> Any:
        mapping = list(zip(trained, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping, collect_losses=True) as scope:  # as a step of fit's
            score = run()
        return score, [scope.get_current_value(variable) for variable in moved]

    found, after = jax.grad(function, has_aux=True)([variable.value for variable in trained])
    for variable, value in zip(moved, after, strict=True):
        if value is not None:
            variable.assign(value)
    return list(found)
