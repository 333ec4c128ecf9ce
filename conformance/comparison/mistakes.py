"""Mistakes of porting, beside those that the reference's layers name themselves: what is done to a layer in torch.

Each is a mutant of the reference's layer. Which of them gives the port's answer is tried, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import autograd.numpy as np

from conformance.diagnose.arguments import forgotten_arguments, other_arguments
from conformance.diagnose.masks import misread_masks
from conformance.mutants.activation import mistaken_activations
from conformance.mutants.gate_order import gate_orders
from conformance.mutants.layer import mutants_of
from conformance.reference.activations import gelu, sigmoid
from conformance.reference.base import Mutant
from conformance.reference.catalog import LAYERS


def _gelu_by_tanh(x: Any) -> Any:
    return gelu(x, approximate=True)


def _last(layer: Any, w: Any, x: Any, mask: Any = None, **_: Any) -> Any:
    return x[:, -1]


def _first(layer: Any, w: Any, x: Any, mask: Any = None, **_: Any) -> Any:
    return x[:, 0]


def _last_real(layer: Any, w: Any, x: Any, mask: Any = None, **_: Any) -> Any:
    if mask is None:
        return x[:, -1]
    steps = np.arange(x.shape[1])[None, :]
    last = np.max(np.where(np.asarray(mask, dtype=bool), steps, 0), axis=1)
    return x[np.arange(x.shape[0]), last]


def _largest(layer: Any, w: Any, x: Any, mask: Any = None, **_: Any) -> Any:
    return np.max(x, axis=1)


def _summed(layer: Any, w: Any, x: Any, mask: Any = None, **_: Any) -> Any:
    return np.sum(x if mask is None else x * np.asarray(mask, dtype=float)[..., None], axis=1)


def _over_steps(layer: Any, w: Any, x: Any, mask: Any = None, **_: Any) -> Any:
    return np.mean(x if mask is None else x * np.asarray(mask, dtype=float)[..., None], axis=1)


def _channels_first(layer: Any, output: Any, args: list[Any]) -> Any:
    x = args[0]
    axes = (0, np.ndim(x) - 1, *range(1, np.ndim(x) - 1))
    return np.reshape(np.transpose(x, axes), np.shape(output))


def _twice(layer: Any, w: dict[str, Any]) -> Mapping[str, Any]:
    return {name: 2.0 * array for name, array in w.items() if name.rpartition(".")[2] == "bias"}


def _none(layer: Any, w: dict[str, Any]) -> Mapping[str, Any]:
    return {name: 0.0 * array for name, array in w.items() if name.rpartition(".")[2] == "bias"}


def _pairs(layer: Any) -> list[tuple[int, int]]:
    """What a padding layer adds before and after along each axis."""
    padding = layer.padding
    if isinstance(padding, int):
        return [(padding, padding)] * 2
    return [(side, side) if isinstance(side, int) else (side[0], side[1]) for side in padding]


def _padding(layer: Any, changed: Callable[[tuple[int, int]], tuple[int, int]]) -> Mapping[str, Any]:
    return {"padding": tuple(changed(side) for side in _pairs(layer))}


_POOLED = (
    Mutant("last_step", "takes the last step for the mean", methods={"call": _last}),
    Mutant("first_step", "takes the first step for the mean", methods={"call": _first}),
    Mutant("last_real_step", "takes the last real step for the mean", methods={"call": _last_real}),
    Mutant("max_for_mean", "takes the maximum for the mean", methods={"call": _largest}),
    Mutant("sum_for_mean", "sums the steps and does not divide", methods={"call": _summed}),
    Mutant("divides_by_padding", "divides by all steps, padding included", methods={"call": _over_steps}),
)
_FLAT = (
    Mutant(
        "channels_first_order",
        "flattens channels, rows, columns, as torch lays them out, where the model flattens rows, columns, channels",
        output=_channels_first,
    ),
)
_PADDED = (
    Mutant("both_sides", "pads both sides alike", config=lambda x: _padding(x, lambda side: (max(side), max(side)))),
    Mutant("other_side", "pads at the other side", config=lambda x: _padding(x, lambda side: side[::-1])),
    Mutant("not_padded", "does not pad", config=lambda x: _padding(x, lambda side: (0, 0))),
)
_ACTIVATED = (
    Mutant(
        "exact_gelu",
        "computes the exact gelu, by erf, where the model approximates it by tanh",
        config=lambda layer: {"activation": "gelu"} if callable(layer.activation) else {},
    ),
    Mutant("gelu_by_tanh", "approximates gelu by tanh", config=lambda layer: {"activation": _gelu_by_tanh}),
    Mutant(
        "quick_gelu",
        "takes x sigmoid(1.702 x) for gelu",
        config=lambda layer: {"activation": lambda x: x * sigmoid(1.702 * x)},
    ),
)
OF_PORTING: Mapping[str, tuple[Mutant, ...]] = {
    "Activation": _ACTIVATED,
    "GlobalAveragePooling1D": _POOLED,
    "Flatten": _FLAT,
    "Reshape": _FLAT,
    "ZeroPadding2D": _PADDED,
}
"""By the layer's class in Keras."""
OF_BIASES = (
    Mutant("bias_twice", "adds the bias twice", weights=_twice),
    Mutant("bias_left_out", "leaves the bias out", weights=_none),
)
USUAL = ("half_kernel_padding", "epsilon_of_torch", "ignores_mask")
"""Named mutants that are torch's own convention: of several that fit they are the likeliest in a port."""
_LEFT_OUT = Mutant("left_out", "leaves the layer out", output=lambda layer, output, args: args[0])


def tried(kind: str, has_bias: bool) -> Iterator[Mutant]:
    """Every mistake that is tried on a layer, the most telling first; each name once."""
    made: Any = LAYERS[kind]
    seen: set[str] = set()
    every = (
        *OF_PORTING.get(kind, ()),
        *mutants_of(made).values(),
        *(OF_BIASES if has_bias else ()),
        *gate_orders(made),
        *mistaken_activations(made),
        *forgotten_arguments(made),
        *other_arguments(made),
        *misread_masks(made),
        _LEFT_OUT,
    )
    for mutant in sorted(every, key=lambda mutant: mutant.name not in USUAL):
        if mutant.name not in seen:
            seen.add(mutant.name)
            yield mutant
