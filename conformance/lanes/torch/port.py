"""What a port is: one Keras layer, said in torch, and how Keras' weights become torch's.

A port never calls Keras. Its weight mapping is declared, not coded: the same declaration moves the numbers in a run and
is printed in the report. Mappings are made of torch operations, so a gradient arrives in Keras' layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch

from conformance.imports import is_own
from conformance.mapping import Blocks, Mapped, Reshape, Row, Transpose, Zeros, keras
from conformance.protocol.adapter import Unsupported

__all__ = [
    "PORTS",
    "Config",
    "Mapped",
    "NoParameter",
    "Parameters",
    "Port",
    "Tensor",
    "Unsupported",
    "WeightMap",
    "applied",
    "drop",
    "keep",
    "keras",
    "port",
]

Tensor = torch.Tensor
WeightMap = Mapping[str, Mapped]
Integers = Literal["kept", "whole", "floats", "there and back"]
"""What a port makes of integers and booleans that go in, which most of torch's functions refuse. `floats`: float32, as
Keras' layers compute. `whole`: booleans alone become floats. `there and back`: float32, and what comes out has the
dtype of what went in."""
MaskRule = Callable[[Any, Any, Any], Any]
"""Layer, first input and its mask to the mask of the output."""


class _Ports(dict[str, "Port"]):
    """Ports by class name; a path of a layer of the user's own leads to one that reads the config it is called with."""

    def __missing__(self, kind: str) -> Port:
        if is_own(kind) and OF_ONES_OWN:
            return OF_ONES_OWN[0](kind)
        raise KeyError(kind)


OF_ONES_OWN: list[Callable[[str], Port]] = []
"""What makes a port of the path of a layer of the user's own."""
PORTS: dict[str, Port] = _Ports()
"""Every port by the Keras class name of its layer."""


class NoParameter(AttributeError):
    """A port asks for a torch weight that it was not given."""


class Config:
    """A layer's full config with attribute access; wrapped layers are `Config`s too, with their `type`."""

    def __init__(self, type: str, config: Mapping[str, Any]) -> None:
        self.type = type
        for name, value in config.items():
            setattr(self, name, _attributes(value))

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{self.type} has no argument {name}")


def _attributes(value: Any) -> Any:
    if isinstance(value, Mapping) and "type" in value:
        return Config(value["type"], {k: v for k, v in value.items() if k != "type"})
    if isinstance(value, list | tuple):
        return tuple(_attributes(item) for item in value)
    return value


def applied(mapped: Mapped, weights: Mapping[str, Tensor]) -> Tensor:
    """The torch weight that a mapping makes of Keras' weights."""
    value = weights[mapped.source]
    for step in mapped.steps:
        match step:
            case Transpose(axes):
                value = value.permute(axes)
            case Reshape(shape):
                value = value.reshape(shape)
            case Row(index):
                value = value[index]
            case Blocks(order, axis):
                parts = torch.tensor_split(value, len(order), dim=axis)
                value = torch.cat([parts[gate] for gate in order], dim=axis)
            case Zeros():
                value = torch.zeros_like(value)
    return value


class Parameters:
    """The torch weights of a port by name: `p.weight`. `state` lives as long as a run."""

    def __init__(self, tensors: Mapping[str, Tensor], state: dict[str, Any]) -> None:
        self.tensors = tensors
        self.state = state

    def __getattr__(self, name: str) -> Tensor:
        try:
            return self.tensors[name]
        except KeyError:
            raise NoParameter(f"no parameter {name}") from None

    def get(self, name: str) -> Tensor | None:
        return self.tensors.get(name)

    def within(self, scope: str) -> Parameters:
        prefix = scope + "."
        inner = {name[len(prefix) :]: value for name, value in self.tensors.items() if name.startswith(prefix)}
        return Parameters(inner, self.state.setdefault(scope, {}))


@dataclass(frozen=True, slots=True)
class Port:
    """A layer in torch: its weight map, its mask rule and its forward pass."""

    type: str
    call: Callable[..., Any]
    """`call(layer, p, x, ...)`: config, parameters, then what Keras' `call` takes, by the same names."""
    weights: Callable[[Any], WeightMap]
    """Config to torch weight names and where each comes from; names of weights that do not exist are left out."""
    mask: MaskRule
    added_loss: Callable[[Config, Any], Any] | None = None
    """Config and output to what a training adds to its loss; None for layers that add nothing."""
    integers: Integers = "kept"
    """What becomes of integers and booleans that go in."""


def keep(layer: Config, x: Any, mask: Any) -> Any:
    """The mask of the first input goes on unchanged."""
    return mask


def drop(layer: Config, x: Any, mask: Any) -> Any:
    """The mask ends here."""
    return None


def port(
    type: str,
    *,
    weights: Callable[[Any], WeightMap] = lambda layer: {},
    mask: MaskRule = drop,
    added_loss: Callable[[Config, Any], Any] | None = None,
    integers: Integers = "kept",
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function as the port of a Keras layer."""

    def register(call: Callable[..., Any]) -> Callable[..., Any]:
        PORTS[type] = Port(type, call, weights, mask, added_loss, integers)
        return call

    return register
