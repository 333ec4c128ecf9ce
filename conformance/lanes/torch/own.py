"""A port of the user's own: `torch: team.ports.Scale` of a layer whose type is a path, by itself or inside of another.

It is an `nn.Module`, made with the arguments of the case, whose parameters and buffers are called as Keras' weights are
and have their shapes; or a function `scale(x, weights, **arguments)` of tensors, as the reference's. That of a cell is
called with `(x, states)`, or `(x, states, weights, **arguments)`, and gives the output and the new states.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch

from conformance import imports
from conformance.lanes.torch.port import OF_ONES_OWN, Config, Parameters, Port, keep
from conformance.mapping import keras
from conformance.protocol.adapter import Unsupported

_MODULE = "own module"


def own_port(path: str, config: Mapping[str, Any]) -> Port:
    """The port of a layer of the user's own. Raises Unsupported where the case names none, NotAllowed as imports do."""
    return Port(
        path, _call(path, config), lambda layer: {name: keras(name) for name in config.get("weights") or ()}, keep
    )


def _of_its_config(path: str) -> Port:
    """The port of a layer inside of another one, which is called with its own config."""

    def call(layer: Any, p: Parameters, x: Any, *more: Any, mask: Any = None, training: Any = None) -> Any:
        if _MODULE not in p.state:
            p.state[_MODULE] = _call(path, {name: item for name, item in _plain(layer).items() if name != "type"})
        return p.state[_MODULE](layer, p, x, *more, mask=mask, training=training)

    return Port(path, call, lambda layer: {name: keras(name) for name in getattr(layer, "weights", None) or ()}, keep)


OF_ONES_OWN[:] = [_of_its_config]


def _plain(value: Any) -> Any:
    """What a case wrote, of a config with attributes."""
    if isinstance(value, Config):
        return {name: _plain(item) for name, item in vars(value).items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def _call(path: str, config: Mapping[str, Any]) -> Callable[..., Any]:
    named = config.get("torch")
    if not named:
        raise Unsupported(f"the case names no port of {path}: torch: its path")
    found = imports.imported(named)
    arguments = {name: value for name, value in config.items() if name not in (*imports.TOLD_TO_OTHERS, "name")}
    is_module = isinstance(found, type) and issubclass(found, torch.nn.Module)
    call = _module_call(found, arguments) if is_module else _function_call(found, arguments)
    return _stepped(call) if config.get("states") else call


def _stepped(call: Callable[..., Any]) -> Callable[..., Any]:
    """The call of a cell: the output, and the new states in a list."""

    def step(layer: Any, p: Parameters, x: Any, states: Any, mask: Any = None, training: Any = None) -> Any:
        output, new = call(layer, p, x, states, training=training)
        return [output, list(new) if isinstance(new, list | tuple) else [new]]

    return step


def _module_call(kind: type[torch.nn.Module], arguments: Mapping[str, Any]) -> Callable[..., Any]:
    module = kind(**arguments)
    taken = inspect.signature(module.forward).parameters

    def call(layer: Any, p: Parameters, x: Any, *more: Any, mask: Any = None, training: Any = None) -> Any:
        own = dict(module.named_parameters()) | dict(module.named_buffers())
        for name, tensor in p.tensors.items():
            if name not in own or own[name].shape != tensor.shape:
                there = f"{tuple(own[name].shape)} there" if name in own else f"it has {', '.join(own) or 'none'}"
                raise ValueError(f"{kind.__name__} has no {name} of shape {tuple(tensor.shape)}: {there}")
        left = [name for name, _ in module.named_parameters() if name not in p.tensors]
        if left:  # they would hold what torch drew for them
            raise ValueError(f"no weight of the case is called {', '.join(left)}, which {kind.__name__} has")
        module.train(bool(training))
        told = {"mask": mask} if mask is not None and "mask" in taken else {}
        return torch.func.functional_call(module, dict(p.tensors), (x, *more), told)

    return call


def _function_call(function: Callable[..., Any], arguments: Mapping[str, Any]) -> Callable[..., Any]:
    taken = inspect.signature(function).parameters

    def call(layer: Any, p: Parameters, x: Any, *more: Any, mask: Any = None, training: Any = None) -> Any:
        told = {name: value for name, value in (("mask", mask), ("training", training)) if value is not None}
        told = {name: value for name, value in told.items() if name in taken}
        return function(x, *more, dict(p.tensors), **arguments, **told)

    return call
