"""What relations change: arrays, the order of inputs, and a layer's type, arguments and weights."""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.protocol.observation import Array
from conformance.reference.catalog import KINDS
from conformance.relations.relation import Pair

Changed = tuple[str, dict[str, Any], dict[str, Array]] | None


def rolled(array: Array, axis: int = 0) -> Array:
    return np.roll(array, 1, axis)


def twice(array: Array) -> Array:
    return np.concatenate([array, array], axis=0)


def prefix(base: Array, other: Array) -> Pair | None:
    """The first steps, as many as both have; the same for outputs without steps."""
    if base.ndim < 2 or base.shape[0] != other.shape[0] or base.shape[2:] != other.shape[2:]:
        return None
    steps = min(base.shape[1], other.shape[1])
    return base[:, :steps], other[:, :steps]


def before_the_last(base: Array, other: Array) -> Pair | None:
    return (base[:, :-1], other[:, :-1]) if base.ndim >= 2 and base.shape == other.shape else None


def last_changed(array: Array) -> Array:
    """The first step in the last one's place: numbers that the case has, for a loss takes probabilities only."""
    changed = np.array(array)
    changed[:, -1] = changed[:, 0]
    return changed


def padded(array: Array) -> Array:
    return np.concatenate([array, np.zeros_like(array[:, :2])], axis=1)


def integers_wider(arrays: dict[str, Array]) -> dict[str, Array] | None:
    narrow = [array for array in arrays.values() if array.dtype == np.int32]
    return {k: a.astype(np.int64) if a.dtype == np.int32 else a for k, a in arrays.items()} if narrow else None


def swapped(arrays: dict[str, Array]) -> dict[str, Array] | None:
    """Two inputs of one shape and dtype, each in the other's place."""
    if len(arrays) != 2:
        return None
    (first, a), (second, b) = arrays.items()
    return {first: b, second: a} if a.shape == b.shape and a.dtype == b.dtype else None


def argument(name: str, change: Any) -> Any:
    """Another value of an argument of this name, in every layer that has it."""

    def changed(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Changed:
        if name not in config:
            return None
        new = change(config[name])
        return None if new == config[name] else (kind, {**config, name: new}, weights)

    return changed


def stuffed(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Changed:
    """A dilated kernel as a longer one with zeros between its taps."""
    rates = config.get("dilation_rate")
    if not KINDS[kind].is_convolution or "kernel" not in weights:
        return None
    rank = weights["kernel"].ndim - 2
    by_axis = [rates] * rank if isinstance(rates, int) else list(rates or [1])
    if max(by_axis) == 1:
        return None
    kernel = weights["kernel"]
    sizes = [(length - 1) * rate + 1 for length, rate in zip(kernel.shape[:rank], by_axis, strict=True)]
    longer = np.zeros((*sizes, *kernel.shape[rank:]), kernel.dtype)
    longer[tuple(slice(None, None, rate) for rate in by_axis)] = kernel
    return kind, {**config, "kernel_size": sizes, "dilation_rate": 1}, {**weights, "kernel": longer}


def grouped(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Changed:
    """A depthwise convolution as one with a group for every channel."""
    convolution = KINDS[kind].as_grouped
    if not convolution or "kernel" not in weights:
        return None
    *sizes, channels, multiplier = weights["kernel"].shape
    told = {name: value for name, value in config.items() if not name.startswith("depth")}
    kernel = weights["kernel"].reshape(*sizes, 1, channels * multiplier)
    config = {**told, "filters": channels * multiplier, "groups": channels}
    return convolution, config, {**weights, "kernel": kernel}


def folded(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Changed:
    """Batch normalisation with its moving statistics in gamma and beta: mean 0, variance 1 - epsilon."""
    if not {"gamma", "beta", "moving_mean", "moving_variance"} <= set(weights):
        return None
    scale = weights["gamma"].astype(float) / np.sqrt(weights["moving_variance"].astype(float) + config["epsilon"])
    return (
        kind,
        config,
        {
            "gamma": scale,
            "beta": weights["beta"] - weights["moving_mean"] * scale,
            "moving_mean": np.zeros_like(scale),
            "moving_variance": np.full_like(scale, 1.0 - config["epsilon"]),
        },
    )


def units_rolled(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Changed:
    """Every unit one place further: its column of the kernel and its bias."""
    if not KINDS[kind].units_last or config.get("groups", 1) != 1:
        return None
    return kind, config, {name: rolled(array, -1) for name, array in weights.items()}


def hidden_rolled(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Changed:
    """Every hidden unit one place further: in each gate's block, and in the rows of the recurrent kernel."""
    if not KINDS[kind].is_recurrent or "recurrent_kernel" not in weights:
        return None
    units = weights["recurrent_kernel"].shape[-2]

    def by_gate(name: str, array: Array) -> Array:
        blocks = [rolled(block, -1) for block in np.split(array, array.shape[-1] // units, axis=-1)]
        whole: Array = np.concatenate(blocks, axis=-1)
        return rolled(whole, -2) if name == "recurrent_kernel" else whole

    return kind, config, {name: by_gate(name, array) for name, array in weights.items()}


def as_convolution(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Changed:
    """Dense on sequences as a convolution with a kernel of one step."""
    convolution = KINDS[kind].as_pointwise
    if not convolution or "kernel" not in weights:
        return None
    told = {"filters": config["units"], "kernel_size": 1, "activation": config["activation"]}
    return convolution, {**told, "use_bias": config["use_bias"]}, {**weights, "kernel": weights["kernel"][None]}
