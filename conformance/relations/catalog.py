"""The relations. Each is tried on every case; where the reference itself does not keep one, it is not asked of a lane.

So a relation is said once, without a list of the layers that it holds for: that a pool may be turned round, that a
convolution looks at no later step or that a batch may be reordered follows from the mathematics of the case at hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from conformance.lanes.observation import Array
from conformance.relations.plans import (
    Pair,
    Relation,
    each_along,
    each_float,
    renamed,
    same,
    through,
    with_inputs,
    with_layers,
)

Changed = tuple[str, dict[str, Any], dict[str, Array]] | None

_RECURRENT = ("SimpleRNN", "GRU", "LSTM")
_CONVOLUTIONS = ("Conv1D", "Conv2D")


def _rolled(array: Array, axis: int = 0) -> Array:
    return np.roll(array, 1, axis)


def _twice(array: Array) -> Array:
    return np.concatenate([array, array], axis=0)


def _prefix(base: Array, other: Array) -> Pair | None:
    """The first steps, as many as both have; the same for outputs without steps."""
    if base.ndim < 2 or base.shape[0] != other.shape[0] or base.shape[2:] != other.shape[2:]:
        return None
    steps = min(base.shape[1], other.shape[1])
    return base[:, :steps], other[:, :steps]


def _before_the_last(base: Array, other: Array) -> Pair | None:
    return (base[:, :-1], other[:, :-1]) if base.ndim >= 2 and base.shape == other.shape else None


def _last_changed(array: Array) -> Array:
    changed = np.array(array)
    changed[:, -1] = changed[:, -1] + 1 if array.dtype.kind == "f" else changed[:, -2]
    return changed


def _padded(array: Array) -> Array:
    return np.concatenate([array, np.zeros_like(array[:, :2])], axis=1)


def _integers_wider(arrays: dict[str, Array]) -> dict[str, Array] | None:
    narrow = [array for array in arrays.values() if array.dtype == np.int32]
    return {k: a.astype(np.int64) if a.dtype == np.int32 else a for k, a in arrays.items()} if narrow else None


def _swapped(arrays: dict[str, Array]) -> dict[str, Array] | None:
    """Two inputs of one shape and dtype, each in the other's place."""
    if len(arrays) != 2:
        return None
    (first, a), (second, b) = arrays.items()
    return {first: b, second: a} if a.shape == b.shape and a.dtype == b.dtype else None


def _argument(kinds: tuple[str, ...], name: str, change: Any) -> Any:
    def changed(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Changed:
        if kind not in kinds or name not in config:
            return None
        new = change(config[name])
        return None if new == config[name] else (kind, {**config, name: new}, weights)

    return changed


def _stuffed(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Changed:
    """A dilated kernel as a longer one with zeros between its taps."""
    rates = config.get("dilation_rate")
    if kind not in _CONVOLUTIONS or "kernel" not in weights:
        return None
    rank = 1 if kind == "Conv1D" else 2
    by_axis = [rates] * rank if isinstance(rates, int) else list(rates or [1])
    if max(by_axis) == 1:
        return None
    kernel = weights["kernel"]
    sizes = [(length - 1) * rate + 1 for length, rate in zip(kernel.shape[:rank], by_axis, strict=True)]
    longer = np.zeros((*sizes, *kernel.shape[rank:]), kernel.dtype)
    longer[tuple(slice(None, None, rate) for rate in by_axis)] = kernel
    return kind, {**config, "kernel_size": sizes, "dilation_rate": 1}, {**weights, "kernel": longer}


def _folded(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Changed:
    """Batch normalisation with its moving statistics in gamma and beta: mean 0, variance 1 - epsilon."""
    if kind != "BatchNormalization" or not {"gamma", "beta", "moving_mean", "moving_variance"} <= set(weights):
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


def _units_rolled(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Changed:
    """Every unit one place further: its column of the kernel and its bias."""
    if kind not in ("Dense", *_CONVOLUTIONS) or config.get("groups", 1) != 1:
        return None
    return kind, config, {name: _rolled(array, -1) for name, array in weights.items()}


def _hidden_rolled(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Changed:
    """Every hidden unit one place further: in each gate's block, and in the rows of the recurrent kernel."""
    if kind not in _RECURRENT:
        return None
    units = weights["recurrent_kernel"].shape[0]

    def rolled(name: str, array: Array) -> Array:
        blocks = [_rolled(block, -1) for block in np.split(array, array.shape[-1] // units, axis=-1)]
        whole: Array = np.concatenate(blocks, axis=-1)
        return _rolled(whole, 0) if name == "recurrent_kernel" else whole

    return kind, config, {name: rolled(name, array) for name, array in weights.items()}


def _as_convolution(kind: str, config: dict[str, Any], weights: dict[str, Array]) -> Changed:
    """Dense on sequences as a convolution with a kernel of one step."""
    if kind != "Dense" or "kernel" not in weights:
        return None
    told = {"filters": config["units"], "kernel_size": 1, "activation": config["activation"]}
    return "Conv1D", {**told, "use_bias": config["use_bias"]}, {**weights, "kernel": weights["kernel"][None]}


RELATIONS: tuple[Relation, ...] = (
    # not to the last bit: torch's GRU on a CPU differs by a rounding with the place of its data in memory
    Relation("run_twice", "a second run gives the same", lambda plan: renamed(plan, "run_twice"), same),
    Relation(
        "batch_reordered",
        "samples in another order give their outputs in that order",
        with_inputs("batch_reordered", each_along(0, _rolled)),
        through(_rolled),
    ),
    Relation(
        "batch_of_one",
        "the first sample alone gives the first output",
        with_inputs("batch_of_one", each_along(0, lambda x: x[:1])),
        through(lambda y: y[:1]),
    ),
    Relation(
        "batch_twice",
        "a batch beside itself gives its outputs twice",
        with_inputs("batch_twice", each_along(0, _twice)),
        through(_twice),
    ),
    Relation("wider_integers", "int64 gives what int32 gives", with_inputs("wider_integers", _integers_wider), same),
    Relation(
        "inputs_swapped", "the order of two inputs does not matter", with_inputs("inputs_swapped", _swapped), same
    ),
    Relation(
        "doubled",
        "twice the input gives twice the output",
        with_inputs("doubled", each_float(lambda x: 2 * x)),
        through(lambda y: 2 * y),
    ),
    Relation(
        "scale_free",
        "four times the input gives the same output",
        with_inputs("scale_free", each_float(lambda x: 4 * x)),
        same,
    ),
    Relation(
        "negated",
        "the negative input gives the negative output",
        with_inputs("negated", each_float(lambda x: -x)),
        through(lambda y: -y),
    ),
    Relation("even", "the negative input gives the same output", with_inputs("even", each_float(lambda x: -x)), same),
    Relation(
        "shifted",
        "an input that is higher by 1 gives an output that is",
        with_inputs("shifted", each_float(lambda x: x + x.dtype.type(1))),
        through(lambda y: y + 1),
    ),
    Relation(
        "shift_free",
        "an input that is higher by 1 gives the same output",
        with_inputs("shift_free", each_float(lambda x: x + x.dtype.type(1))),
        same,
    ),
    Relation(
        "order_free",
        "the order of the steps does not matter",
        with_inputs("order_free", each_along(1, lambda x: _rolled(x, 1))),
        same,
    ),
    Relation(
        "step_by_step",
        "steps in another order give their outputs in that order",
        with_inputs("step_by_step", each_along(1, lambda x: _rolled(x, 1))),
        through(lambda y: _rolled(y, 1) if y.ndim > 1 else y),
    ),
    Relation(
        "turned_round",
        "a sequence from its end gives its outputs from their end",
        with_inputs("turned_round", each_along(1, lambda x: x[:, ::-1])),
        through(lambda y: y[:, ::-1] if y.ndim > 1 else y),
    ),
    Relation(
        "causal",
        "the last step changes no output before it",
        with_inputs("causal", each_along(1, _last_changed)),
        _before_the_last,
    ),
    Relation(
        "prefix",
        "a sequence without its last step gives the first of the outputs",
        with_inputs("prefix", each_along(1, lambda x: x[:, :-1])),
        _prefix,
    ),
    Relation(
        "padding_is_nothing",
        "zeros after the end, which a mask leaves out, change nothing",
        with_inputs("padding_is_nothing", each_along(1, _padded)),
        same,
    ),
    Relation(
        "channel_by_channel",
        "channels in another order give their outputs in that order",
        with_inputs("channel_by_channel", each_float(lambda x: _rolled(x, -1) if x.ndim > 1 else x)),
        through(lambda y: _rolled(y, -1)),
    ),
    Relation(
        "unrolled",
        "unrolling the steps changes nothing",
        with_layers("unrolled", _argument(_RECURRENT, "unroll", lambda unroll: not unroll)),
        same,
    ),
    Relation(
        "dilation_is_zeros",
        "a dilated kernel is a longer one with zeros",
        with_layers("dilation_is_zeros", _stuffed),
        same,
    ),
    Relation(
        "folded_normalization",
        "moving statistics may be folded into gamma and beta",
        with_layers("folded_normalization", _folded),
        same,
        near=1e-6,  # the folded weights are rounded to float32
    ),
    Relation(
        "units_reordered",
        "units in another order give their outputs in that order",
        with_layers("units_reordered", _units_rolled),
        through(lambda y: _rolled(y, -1)),
    ),
    Relation(
        "hidden_reordered",
        "hidden units in another order give their outputs in that order",
        with_layers("hidden_reordered", _hidden_rolled),
        through(lambda y: _rolled(y, -1)),
    ),
    Relation(
        "dense_is_convolution",
        "Dense on a sequence is a convolution of one step",
        with_layers("dense_is_convolution", _as_convolution),
        same,
    ),
    Relation(
        "no_dropout",
        "in inference dropout of any rate does nothing",
        with_layers("no_dropout", _argument(("Dropout",), "rate", lambda rate: 0.0)),
        same,
    ),
)
