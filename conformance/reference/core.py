"""Layers that most models are made of: Dense, Embedding, Masking, Activation, Dropout, Identity."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from . import activations
from .activations import Activation as ActivationName
from .activations import activate
from .backwards import ROW_0_IS_CONSTANT, SHARED_BY_OCCURRENCE
from .base import NO_MASK, Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .invariants import OF_ACTIVATION
from .lookup import rows
from .traits import Axes, Drawn, absent, asked, called, composed

DENSE_KERAS_ONLY = (
    "kernel_initializer",
    "bias_initializer",
    "kernel_regularizer",
    "bias_regularizer",
    "kernel_constraint",
    "bias_constraint",
)


_RELU_LEAKS = "takes leaky_relu with torch's slope, 0.01, for relu"


def _leaking(name: ActivationName, x: Array) -> Array:
    return activations.leaky_relu(x, 0.01) if name == "relu" else activate(name, x)


def _bias_last(layer: Any, w: Weights, x: Array) -> Array:
    y = layer.activated(np.dot(x, w.kernel))
    return y + w.bias if layer.use_bias else y


LINEAR_LINE = "F.linear(x, weight, bias)  # weight is the model's kernel transposed; the bias once"
MASK_LOST = Mutant("mask_lost", "loses the mask", mask=lambda layer, mask, given: NO_MASK)


class Dense(Layer):
    """activation(x W + b): every output is a weighted sum of all features of the last axis.

    x: (batch, ..., features). Returns (batch, ..., units). Goodfellow, Bengio, Courville, "Deep Learning" (2016), 6.1.
    """

    arithmetic = "linear"
    native = called("nn.Linear")
    also_modules = ("Conv1D", "Conv1d", "Conv2d")  # transformers' Conv1D is a linear layer with its weight (in, out)
    layout = "linear"
    example = asked("Dense(7)", "3")
    weights_by_name = True
    units_last = True
    as_pointwise = "Conv1D"

    keras_only: ClassVar[tuple[str, ...]] = DENSE_KERAS_ONLY
    supports_masking: ClassVar[bool] = True

    units: int = arg("Length of the last axis of the output.", at_least=1)
    invariants = OF_ACTIVATION
    activation: ActivationName = arg("Applied to the weighted sums.", default=None)
    use_bias: bool = arg("Whether a number per unit is added.", default=True)

    def weights(self, shape: Shape) -> Mapping[str, Weight]:
        if len(shape) < 2:
            raise LayerError(f"Dense needs a batch axis and a feature axis, not the shape {shape}")
        kernel = {"kernel": Weight((shape[-1], self.units))}
        return {**kernel, "bias": Weight((self.units,), "bias")} if self.use_bias else kernel

    def call(self, w: Weights, x: Array) -> Array:
        y = np.dot(x, w.kernel)
        return self.activated(y + w.bias if self.use_bias else y)

    def activated(self, y: Array) -> Array:
        """The activation of the weighted sums."""
        return activate(self.activation, y)

    def rule(self, shape: Shape) -> str:
        return f"the last axis, {shape[-1]} features, becomes {self.units} units; kernel ({shape[-1]}, {self.units})"

    @classmethod
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        return (LINEAR_LINE,)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "transposed_kernel",
            "reads the kernel's numbers in the (out, in) layout",
            weights=lambda layer, w: {"kernel": w["kernel"].T.reshape(w["kernel"].shape)},
        ),
        Mutant("no_activation", "forgets the activation", config=lambda layer: {"activation": None}),
        Mutant(
            "no_bias",
            "forgets the bias",
            weights=lambda layer, w: {"bias": 0.0 * w["bias"]} if layer.use_bias else {},
        ),
        Mutant(
            "bias_taken_off",
            "subtracts the bias",
            weights=lambda layer, w: {"bias": -w["bias"]} if layer.use_bias else {},
        ),
        Mutant("relu_leaks", _RELU_LEAKS, methods={"activated": lambda layer, y: _leaking(layer.activation, y)}),
        Mutant("bias_after_activation", "adds the bias after the activation", methods={"call": _bias_last}),
        MASK_LOST,
    )


class Embedding(Layer):
    """A table with a row a word: id i is replaced by row i, cut towards 0 where it is not an integer.

    x: (...) of ids. Returns (..., output_dim). With `mask_zero` the mask (...) is false where the id is 0; without,
    there is none. An id outside 0 .. input_dim - 1 has no row. Bengio et al. (2003), section 2.
    """

    arithmetic = "moves"
    native = called("nn.Embedding")
    layout = "table"
    example = asked("Embedding(7, 3)", "5")
    input_names = ("ids",)
    takes_ids = True
    backwards = (ROW_0_IS_CONSTANT, SHARED_BY_OCCURRENCE)
    makes_mask = True
    weights_by_name = True

    keras_only: ClassVar[tuple[str, ...]] = (
        "embeddings_initializer",
        "embeddings_regularizer",
        "embeddings_constraint",
        "input_length",
    )

    input_dim: int = arg("Number of rows: the largest id plus 1.", at_least=1)
    output_dim: int = arg("Length of a row.", at_least=1)
    mask_zero: bool = arg("Whether id 0 is padding and is masked; it keeps its row.", default=False)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("steps",) if rank == 1 else ("rows", "steps")

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn("int32", {"integers": [0, config["input_dim"]]})

    def weights(self, *shapes: Shape) -> Mapping[str, Weight]:
        return {"embeddings": Weight((self.input_dim, self.output_dim), "table")}

    def call(self, w: Weights, x: Array) -> Array:
        ids = numpy.trunc(getval(x)).astype(int)
        outside = ids[(ids < 0) | (ids >= self.input_dim)]
        if outside.size:
            raise LayerError(f"id {outside[0]} has no row: the vocabulary is 0 .. {self.input_dim - 1}")
        return rows(w.embeddings, ids)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        return getval(x) != 0 if self.mask_zero else NO_MASK

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return 1

    def rule(self, shape: Shape) -> str:
        return f"each of the {math.prod(shape)} ids becomes a row of {self.output_dim} numbers"

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "off_by_one",
            "counts the rows from 1",
            inputs=lambda layer, args, kwargs: ([(args[0] + layer.input_dim - 1) % layer.input_dim], kwargs),
        ),
        Mutant(
            "next_row",
            "counts the ids from 1 and the rows from 0",
            inputs=lambda layer, args, kwargs: ([(args[0] + 1) % layer.input_dim], kwargs),
        ),
        Mutant(
            "rounds",
            "rounds ids that are not integers to the nearest",
            inputs=lambda layer, args, kwargs: ([numpy.rint(args[0])], kwargs),
        ),
        Mutant(
            "transposed_table",
            "reads the table's numbers column by column",
            weights=lambda layer, w: {"embeddings": w["embeddings"].T.reshape(w["embeddings"].shape)},
        ),
        Mutant(
            "zero_row",
            "gives padding a row of zeros",
            output=lambda layer, y, args: y * (args[0] != 0)[..., None] if layer.mask_zero else y,
        ),
        Mutant("no_mask", "forgets the mask of id 0", mask=lambda layer, mask, given: NO_MASK),
        Mutant(
            "inverted_mask",
            "marks the padding instead of the words",
            mask=lambda layer, mask, given: None if mask is None else ~mask,
        ),
    )


class Masking(Layer):
    """Leaves out the steps whose features all equal `mask_value`: false in the mask, 0 in the output.

    x: (batch, steps, ..., features). Returns x with those steps set to 0, and the mask (batch, steps, ...). NaN equals
    nothing, so a `mask_value` of NaN leaves nothing out (documentation of `keras.layers.Masking`; IEEE 754).
    """

    arithmetic = "moves"
    native = composed("x * (x != mask_value).any(-1, keepdim=True)")
    example = asked("Masking", "5,3")
    makes_mask = True

    mask_value: float = arg("The number that marks a step as left out.", default=0.0)

    def call(self, w: Weights, x: Array) -> Array:
        return np.where(self.compute_mask(x, NO_MASK)[..., None], x, np.zeros_like(x))

    def compute_mask(self, x: Any, mask: Any) -> Any:
        return numpy.any(getval(x) != self.mask_value, axis=-1)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("keeps_values", "masks the steps but leaves their values", output=lambda layer, y, args: args[0]),
        Mutant("masks_zero", "masks zeros whatever the value", config=lambda layer: {"mask_value": 0.0}),
        Mutant("no_mask", "sets the values to 0 but gives no mask", mask=lambda layer, mask, given: NO_MASK),
        Mutant("inverted_mask", "marks what is left out", mask=lambda layer, mask, given: ~mask),
        Mutant(
            "any_feature",
            "leaves a step out as soon as one feature equals the value",
            methods={"compute_mask": lambda layer, x, mask: numpy.all(getval(x) != layer.mask_value, axis=-1)},
        ),
    )


def _instead(name: str, wrong: Any) -> Any:
    """A hook that gives the wrong function of the input where the layer's activation has that name."""
    return lambda layer, y, args: wrong(args[0]) if layer.activation == name else y


def _sparsemax_of_all_sums(x: Array) -> Array:
    rows = np.reshape(x, (-1, np.shape(x)[-1]))
    order = numpy.argsort(-getval(rows), axis=-1)
    falling = np.reshape(rows[numpy.arange(len(order))[:, None], order], np.shape(x))
    sums = np.cumsum(falling, axis=-1)
    support = 1.0 + np.arange(1, np.shape(x)[-1] + 1) * falling > sums
    total = np.sum(np.where(support, sums, 0.0), axis=-1, keepdims=True)
    return np.maximum(x - (total - 1.0) / np.sum(support, axis=-1, keepdims=True), 0.0)


_PORTED_GELU = (
    Mutant(
        "exact_gelu",
        "computes the exact gelu, by erf, where the model approximates it by tanh",
        config=lambda layer: {"activation": "gelu"} if callable(layer.activation) else {},
    ),
    Mutant(
        "gelu_by_tanh",
        "approximates gelu by tanh",
        config=lambda layer: {"activation": partial(activations.gelu, approximate=True)},
    ),
    Mutant(
        "quick_gelu",
        "takes x sigmoid(1.702 x) for gelu",
        config=lambda layer: {"activation": lambda x: x * activations.sigmoid(1.702 * x)},
    ),
)


class Activation(Layer):
    """The named function of every entry (`softmax`, `log_softmax`, `sparsemax` and `glu`: of the last axis).

    x: any shape; the shape stays, but for `glu`, which halves the last axis. Formulas: the module `activations`.
    """

    arithmetic = "moves"
    native = absent("torch has a function for each activation: F.relu, F.gelu, torch.tanh")
    also_modules = activations.TORCH_MODULES
    applies_function = True
    porting = _PORTED_GELU
    example = asked("Activation(activation='relu')", "3")

    supports_masking: ClassVar[bool] = True

    invariants = OF_ACTIVATION
    activation: ActivationName = arg("Name of the function.")

    def call(self, w: Weights, x: Array) -> Array:
        return activate(self.activation, x)

    @classmethod
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        line = activations.TORCH_LINES.get(str(config.get("activation")))
        return () if line is None else (line,)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("linear", "forgets the function", config=lambda layer: {"activation": None}),
        Mutant(
            "hard_sigmoid_of_keras_2",
            "takes x / 5 + 1 / 2 for the hard sigmoid",
            output=_instead("hard_sigmoid", lambda x: np.clip(0.2 * x + 0.5, 0.0, 1.0)),
        ),
        Mutant(
            "gelu_by_tanh",
            "approximates gelu by tanh",
            output=_instead("gelu", lambda x: activations.gelu(x, approximate=True)),
        ),
        Mutant(
            "leaky_slope_of_torch",
            "takes 0.01 for the slope of leaky_relu",
            output=_instead("leaky_relu", lambda x: activations.leaky_relu(x, 0.01)),
        ),
        Mutant(
            "selu_without_scale", "forgets the scale of selu", output=_instead("selu", lambda x: activations.elu(x))
        ),
        Mutant(
            "softmax_over_batch",
            "sums softmax over the first axis",
            output=_instead("softmax", lambda x: activations.softmax(x, axis=0)),
        ),
        Mutant("relu_leaks", _RELU_LEAKS, output=lambda layer, y, args: _leaking(layer.activation, args[0])),
        Mutant(
            "sparsemax_of_all_sums",
            "adds up the cumulative sums of the support of sparsemax, where the last of them is its sum",
            output=_instead("sparsemax", _sparsemax_of_all_sums),
        ),
        MASK_LOST,
        Mutant("silu_without_x", "gives sigmoid(x) for silu", output=_instead("silu", activations.sigmoid)),
    )


class Dropout(Layer):
    """In training, zeroes a share `rate` of the entries at random and divides the others by 1 - rate; else nothing.

    x: any shape; the shape stays. Axes where `noise_shape` is 1 share one draw. Srivastava et al. (2014), section 10.
    """

    arithmetic = "moves"
    native = called("nn.Dropout")
    also_modules = ("Dropout1d", "Dropout2d")
    example = asked("Dropout(0.5)", "3")
    draws = True

    keras_only: ClassVar[tuple[str, ...]] = ("seed",)
    supports_masking: ClassVar[bool] = True

    rate: float = arg("Share of the entries that become 0.")
    noise_shape: tuple[int | None, ...] | None = arg("Shape of the draw, None for an axis of the input.", default=None)

    def check(self) -> None:
        if not 0 <= self.rate <= 1:
            raise LayerError(f"rate={self.rate} is not between 0 and 1")
        if self.noise_shape is not None and any(size is not None and size < 1 for size in self.noise_shape):
            raise LayerError(f"noise_shape={self.noise_shape} must be positive")

    def call(self, w: Weights, x: Array, training: bool | None = False) -> Array:
        if not training or self.rate == 0:
            return x
        if self.rate == 1:
            return np.zeros_like(x)
        sizes = x.shape if self.noise_shape is None else self.noise_shape
        shape = tuple(length if size is None else size for size, length in zip(sizes, x.shape, strict=True))
        return np.where(w.random.random(shape) >= self.rate, x / (1 - self.rate), 0.0)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "drops_in_inference",
            "drops outside of training too",
            inputs=lambda layer, args, kwargs: (args, {**kwargs, "training": True}),
        ),
        Mutant(
            "never_drops",
            "drops nothing in training",
            inputs=lambda layer, args, kwargs: (args, {**kwargs, "training": False}),
        ),
        Mutant(
            "scales_in_inference",
            "leaves training unscaled and multiplies by 1 - rate in inference",
            output=lambda layer, y, args: y * (1 - layer.rate),
        ),
        Mutant("ignores_noise_shape", "draws for every entry", config=lambda layer: {"noise_shape": None}),
        MASK_LOST,
    )


class Identity(Layer):
    """x. Any shape; the mask goes on."""

    arithmetic = "moves"
    native = called("nn.Identity")
    example = asked("Identity", "3")

    supports_masking: ClassVar[bool] = True

    def call(self, w: Weights, x: Array) -> Array:
        return x

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("no_mask", "loses the mask", mask=lambda layer, mask, given: NO_MASK),
    )
