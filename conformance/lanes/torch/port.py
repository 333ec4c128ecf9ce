"""What a port is: one Keras layer, said in native torch, and how Keras' weights become torch's.

A port never calls Keras. Its weight mapping is declared, not coded: the same declaration moves the numbers in a run and
is printed in the report. Mappings are made of torch operations, so a gradient arrives in Keras' layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch

Tensor = torch.Tensor
WeightMap = Mapping[str, "Mapped"]
MaskRule = Callable[[Any, Any, Any], Any]
"""Layer, first input and its mask to the mask of the output."""

PORTS: dict[str, Port] = {}
"""Every port by the Keras class name of its layer."""


class Unsupported(Exception):
    """Native torch cannot do this; the message says what is missing. Shown and counted, never a pass."""


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


@dataclass(frozen=True, slots=True)
class Mapped:
    """A torch weight as a chain of steps from one Keras weight: `keras("kernel").transpose(2, 1, 0)`."""

    source: str
    steps: tuple[tuple[str, tuple[Any, ...]], ...] = ()

    def _then(self, step: str, *arguments: Any) -> Mapped:
        return replace(self, steps=(*self.steps, (step, arguments)))

    def transpose(self, *axes: int) -> Mapped:
        return self._then("transpose", *axes)

    def reshape(self, *shape: int) -> Mapped:
        return self._then("reshape", *shape)

    def row(self, index: int) -> Mapped:
        """One entry of the first axis."""
        return self._then("row", index)

    def blocks(self, *order: int, axis: int = -1) -> Mapped:
        """Cuts an axis into as many equal blocks as named and puts them in the order given (gates)."""
        return self._then("blocks", order, axis)

    def zeros(self) -> Mapped:
        """Zeros of the same shape: where torch keeps a second weight that Keras does not have."""
        return self._then("zeros")

    def within(self, scope: str) -> Mapped:
        return replace(self, source=f"{scope}.{self.source}")

    def apply(self, weights: Mapping[str, Tensor]) -> Tensor:
        value = weights[self.source]
        for step, arguments in self.steps:
            value = _STEPS[step](value, *arguments)
        return value

    def __str__(self) -> str:
        words = [self.source]
        for step, arguments in self.steps:
            shown = ", ".join(str(argument) for argument in arguments)
            words.append(f"{step}({shown})")
        return ".".join(words)


_STEPS: dict[str, Callable[..., Tensor]] = {
    "transpose": lambda value, *axes: value.permute(*axes),
    "reshape": lambda value, *shape: value.reshape(*shape),
    "row": lambda value, index: value[index],
    "blocks": lambda value, order, axis: torch.cat(
        [torch.tensor_split(value, len(order), dim=axis)[i] for i in order], dim=axis
    ),
    "zeros": torch.zeros_like,
}


def keras(name: str) -> Mapped:
    """The Keras weight of this name, the start of a mapping."""
    return Mapped(name)


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


def keep(layer: Config, x: Any, mask: Any) -> Any:
    """The mask of the first input goes on unchanged."""
    return mask


def drop(layer: Config, x: Any, mask: Any) -> Any:
    """The mask ends here."""
    return None


def port(
    type: str, *, weights: Callable[[Any], WeightMap] = lambda layer: {}, mask: MaskRule = drop
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function as the port of a Keras layer."""

    def register(call: Callable[..., Any]) -> Callable[..., Any]:
        PORTS[type] = Port(type, call, weights, mask)
        return call

    return register
