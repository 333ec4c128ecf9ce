"""torch as its users call it: the module or function that they would reach for, with torch's own defaults.

A port computes Keras' formula, whatever that takes of torch. Here is what stands in a torch program in the place of the
Keras layer: the arguments that the case writes, under torch's names, and torch's defaults for all others. Data are
moved to torch's layout and back, and weights are mapped as for the port; nothing else is mended. What a call cannot be
told is Unsupported, with the argument that it does not have: nothing is left out in silence.
"""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.lanes.torch.port import PORTS, Config, MaskRule, Port, Unsupported, WeightMap


class NativeConfig(Config):
    """A layer's full config, and which of its arguments the case writes."""

    def __init__(self, type: str, config: Mapping[str, Any], written: Mapping[str, Any]) -> None:
        super().__init__(type, {name: value for name, value in config.items() if name != "type"})
        self.asked = written
        self.written = frozenset(written)


@dataclass(frozen=True)
class NativePort(Port):
    """torch's own call for a layer."""

    names: Mapping[str, str] = field(default_factory=dict)
    """Keras' argument to torch's of the same meaning; torch's default holds where the case does not write it."""
    takes_mask: bool = True
    """Whether a mask that the port would honour can be handed over; else it is refused."""


NATIVE: dict[str, NativePort] = {}
"""torch's own call by the Keras class name of its layer."""


def native(
    *kinds: str,
    names: Mapping[str, str] | None = None,
    weights: Callable[[Any], WeightMap] | None = None,
    mask: MaskRule | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function as torch's own call for Keras layers. Weights and masks go as they do for the port."""

    def register(call: Callable[..., Any]) -> Callable[..., Any]:
        for kind in kinds:
            port = PORTS[kind]
            takes_mask = "mask" in inspect.signature(call).parameters or "mask" not in _parameters(port)
            NATIVE[kind] = NativePort(
                kind,
                call,
                weights or port.weights,
                mask or port.mask,
                port.added_loss,
                names=names or {},
                takes_mask=takes_mask,
            )
        return call

    return register


def as_ported(*kinds: str) -> None:
    """Registers ports that are what a user of torch writes: the same call, with the same arguments."""
    for kind in kinds:
        port = PORTS[kind]
        NATIVE[kind] = NativePort(kind, port.call, port.weights, port.mask)


def given(layer: Any, names: Mapping[str, str]) -> dict[str, Any]:
    """What the case writes, under torch's names."""
    return {own: getattr(layer, name) for name, own in names.items() if name in layer.written}


def refuse(layer: Any, call: str, instead: str = "", **usual: Any) -> None:
    """Raises Unsupported for an argument that torch's call does not have, unless it says what holds anyway.

    `instead` is what users write in its place.
    """
    for name, value in usual.items():
        found = getattr(layer, name)
        if found != value:
            raise Unsupported(f"{call} has no argument for {name}={found!r}" + (f": {instead}" if instead else ""))


def _parameters(port: Port) -> Mapping[str, Any]:
    return inspect.signature(port.call).parameters


def load() -> Mapping[str, NativePort]:
    """Every native call; all ports and the modules of calls are imported first."""
    importlib.import_module("conformance.lanes.torch.lane")
    for path in sorted(Path(__file__).parent.glob("*.py")):
        if path.stem != "__init__":
            importlib.import_module(f"{__name__}.{path.stem}")
    return NATIVE
