"""A layer of the user's own, by the path of its class in Keras: `type: team.layers.Scale`.

    scale: {type: team.layers.Scale, factor: 2.0, weights: {gain: [dim]},
            torch: team.ports.Scale, reference: team.reference.scale}

What `reference` names is a function `scale(x, weights, **arguments)` written with `autograd.numpy`: weights by name in
float64, the arguments of the case. It may take `mask` and `training`; where it has an attribute `compute_mask`, that
is `compute_mask(x, mask, **arguments)`, else a mask ends at the layer. A cell for `RNN` has `states:` beside it, the
length of each of its states, and its function is `slow(x, states, weights, **arguments)`, which gives the output and
the new states. The paths are imported only where the project
allows their packages (`conformance.imports`).
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from conformance import imports

from .base import NO_MASK, OF_ONES_OWN, Array, Layer, LayerError, Weight, Weights, arg
from .recurrent import _Cell
from .traits import absent, asked

_DRAWS: Mapping[str, Any] = {"gamma": "scale", "scale": "scale", "gain": "scale", "beta": "bias", "bias": "bias",
                             "embeddings": "table", "moving_variance": "variance"}  # fmt: skip
"""How a weight of such a name is drawn; any other as a kernel."""
Evaluate = Callable[..., Any]
_evaluators: list[Evaluate] = []
"""Who computes a layer without a reference: the last that was registered (`computed_by`)."""


def computed_by(evaluate: Evaluate) -> None:
    """Has layers without a reference computed so: `evaluate(path, arguments, weights, args, kwargs)`, in float64."""
    _evaluators[:] = [evaluate]


def arguments_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """What of a layer's configuration its constructor takes."""
    return {name: value for name, value in config.items() if name not in (*imports.TOLD_TO_OTHERS, "name")}


class _Own(Layer):
    """A layer of the user's own."""

    arithmetic = "rounds"
    native = absent("it is a layer of the user's own")
    example = asked("Dense(3)", "4")

    path: str = arg("The path of its class in Keras.")
    written: Mapping[str, Any] = arg("All that the case says of it.")
    keras_only: ClassVar[tuple[str, ...]] = ()

    def __hash__(self) -> int:
        return hash(self.path)

    @property
    def has_reference(self) -> bool:
        return bool(self.written.get("reference"))

    def asked_as(self) -> str:
        return self.path

    def weights(self, *shapes: Any) -> Mapping[str, Weight]:
        return _weights(self.written)

    def call(self, w: Weights, x: Array, *more: Array, mask: Any = None, training: Any = None) -> Any:
        told = {name: value for name, value in (("mask", mask), ("training", training)) if value is not None}
        if not self.has_reference:
            return self._evaluated(w, (x, *more), told)
        function = _function(self.written["reference"])
        taken = inspect.signature(function).parameters
        told = {name: value for name, value in told.items() if name in taken}
        return function(x, *more, w.arrays, **arguments_of(self.written), **told)

    def _evaluated(self, w: Weights, args: tuple[Any, ...], told: Mapping[str, Any]) -> Any:
        if not _evaluators:
            raise LayerError(f"{self.path} has no reference, and no lane to take the place of one")
        return _evaluators[-1](self.path, arguments_of(self.written), w.arrays, args, told)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        if mask is None:
            return NO_MASK
        if not self.has_reference:
            return self._evaluated(Weights({}), (x,), {"compute_mask": mask})
        rule = getattr(_function(self.written["reference"]), "compute_mask", None)
        return NO_MASK if rule is None else rule(x, mask, **arguments_of(self.written))


class _OwnCell(_Cell):
    """A cell of the user's own, of whose states the case says the lengths: what `RNN` runs along a sequence."""

    native = absent("it is a cell of the user's own")
    example = asked("GRUCell(3)", "4")

    path: str = arg("The path of its class in Keras.")
    written: Mapping[str, Any] = arg("All that the case says of it.")
    keras_only: ClassVar[tuple[str, ...]] = ()

    def __hash__(self) -> int:
        return hash(self.path)

    def asked_as(self) -> str:
        return self.path

    @property
    def state_sizes(self) -> list[Any]:
        return [int(size) for size in self.written["states"]]

    def weights(self, *shapes: Any) -> Mapping[str, Weight]:
        return _weights(self.written)

    def call(self, w: Weights, x: Array, states: Any, training: bool = False) -> Any:
        if not self.written.get("reference"):
            raise LayerError(
                f"{self.path} has no reference, by which a sequence could be run: reference: its path, a function "
                "(x, states, weights, **arguments) that gives the output and the new states"
            )
        function = _function(self.written["reference"])
        told = {"training": training} if "training" in inspect.signature(function).parameters else {}
        given = function(x, states, w.arrays, **arguments_of(self.written), **told)
        if not isinstance(given, list | tuple) or len(given) != 2:
            raise LayerError(f"{self.written['reference']} must give two things, the output and the new states")
        output, new = given
        new = list(new) if isinstance(new, list | tuple) else [new]
        if len(new) != len(self.state_sizes):
            raise LayerError(f"{self.written['reference']} gives {len(new)} states, not {len(self.state_sizes)}")
        return [output, new]

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return max(sum(math.prod(weight.shape[:-1]) for weight in weights.values()), 1)


def _weights(written: Mapping[str, Any]) -> Mapping[str, Weight]:
    """What the case says of the weights, and how each is drawn."""
    held = written.get("weights") or {}
    return {
        name: Weight(tuple(shape), _DRAWS.get(last, "kernel"), not last.startswith("moving_"))
        for name, shape in held.items()
        for last in [name.rpartition(".")[2]]
    }


def _function(path: str) -> Callable[..., Any]:
    try:
        found = imports.imported(path)
    except imports.NotAllowed as error:
        raise LayerError(str(error)) from None
    if not callable(found):
        raise LayerError(f"{path} is a {type(found).__name__}, no function")
    function: Callable[..., Any] = found
    return function


def make_own(path: str, config: Mapping[str, Any]) -> Layer:
    """The layer of a path. Raises LayerError for one that the project does not allow."""
    try:
        imports.check(path)
    except imports.NotAllowed as error:
        raise LayerError(str(error)) from None
    kind = _OwnCell if config.get("states") else _Own
    return kind(path=path, written=dict(config))


OF_ONES_OWN[:] = [(_Own, make_own)]
