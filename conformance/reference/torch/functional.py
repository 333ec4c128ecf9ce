"""torch.nn.functional where a function takes as inputs what a module keeps as parameters; and functions alone.

`F.linear(input, weight, bias)` is asked with three inputs. What is left of the arguments stands in the constructor's
place: `F.conv1d(stride=2)`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import autograd.numpy as np
import numpy

from conformance.counterpart import Counterpart, KerasLayer, NoCounterpart, expression
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer, norm
from conformance.reference.torch.conv import extended, extended_text
from conformance.reference.torch.embedding import EmbeddingBag as EmbeddingBagModule
from conformance.reference.traits import Drawn, asked


class Linear(TorchLayer):
    """input weight^T + bias. weight: (out, in)."""

    names = ("F.linear",)
    arithmetic = "linear"
    written_as_case = "its weight has no batch"

    def call(self, w: Weights, input: Array, weight: Array, bias: Any = None) -> Array:
        y = np.einsum("...i,oi->...o", input, weight)
        return y if bias is None else y + bias

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][-1])

    def counterpart(self, input: Like, weight: Like, bias: Any = None) -> Counterpart:
        row = "abcdef"[: input.rank - 1]
        text = f'einsum("{row}i,oi->{row}o", input, weight)'
        return expression(text if bias is None else f"{text} + bias")


class Bilinear(TorchLayer):
    """input1^T weight_o input2 + bias_o. weight: (out, in1, in2)."""

    names = ("F.bilinear",)
    arithmetic = "linear"
    written_as_case = "its weight has no batch"

    def call(self, w: Weights, input1: Array, input2: Array, weight: Array, bias: Any = None) -> Array:
        y = np.einsum("...oj,...j->...o", np.einsum("...i,oij->...oj", input1, weight), input2)
        return y if bias is None else y + bias

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][-1]) * int(shapes[1][-1])

    def counterpart(self, input1: Like, input2: Like, weight: Like, bias: Any = None) -> Counterpart:
        row = "abcdef"[: input1.rank - 1]
        text = f'einsum("{row}i,oij,{row}j->{row}o", input1, weight, input2)'
        return expression(text if bias is None else f"{text} + bias")


class Embedding(TorchLayer):
    """The row of each id of a table that is an input."""

    names = ("F.embedding",)
    arithmetic = "moves"
    written_as_case = "its table has no batch"
    not_here: ClassVar = {
        "padding_idx": "nn.Embedding has it",
        "max_norm": "it changes the table where it is called",
        "norm_type": "it belongs to max_norm",
        "scale_grad_by_freq": "it is a matter of single steps of training",
        "sparse": "it changes how gradients are kept, and no number",
    }

    def call(self, w: Weights, input: Array, weight: Array) -> Array:
        return weight[input]

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return 1

    def counterpart(self, input: Like, weight: Like) -> Counterpart:
        return expression(f"one_hot(input, {weight.shape[0]}) @ weight")


class EmbeddingBag(TorchLayer):
    """The sum, mean or maximum of the rows of each bag, of a table that is an input.

    input: (bags, ids), or (ids,) with offsets; weight: (rows, features). Returns (bags, features).
    """

    names = ("F.embedding_bag",)
    arithmetic = "rounds"
    written_as_case = "its table has no batch"
    not_here: ClassVar = {
        "max_norm": "it changes the table where it is called: nn.EmbeddingBag has it",
        "norm_type": "it belongs to max_norm",
        "scale_grad_by_freq": "it is a matter of single steps of training",
        "sparse": "it changes how gradients are kept, and no number",
        "include_last_offset": "leave the last offset out",
    }
    mode: Literal["sum", "mean", "max"] = arg("What is made of the rows of a bag.", default="mean")
    padding_idx: int | None = arg("The id that is left out.", default=None)

    def inner(self, weight: Any) -> EmbeddingBagModule:
        """The module over this table."""
        rows, features = weight.shape
        return EmbeddingBagModule(
            num_embeddings=int(rows), embedding_dim=int(features), mode=self.mode, padding_idx=self.padding_idx
        )

    def call(
        self, w: Weights, input: Array, weight: Array, offsets: Any = None, per_sample_weights: Any = None
    ) -> Array:
        return self.inner(weight).call(Weights({"weight": weight}), input, offsets, per_sample_weights)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][-1])

    def counterpart(
        self, input: Like, weight: Like, offsets: Any = None, per_sample_weights: Any = None
    ) -> Counterpart:
        self.inner(weight).counterpart(input, offsets, per_sample_weights)
        rows = f"(one_hot(input, {weight.shape[0]}) @ weight)"
        rows = rows if per_sample_weights is None else f"{rows} * expand_dims(per_sample_weights, -1)"
        return expression(f"{self.mode}({rows}, axis=1)")


class PairwiseDistances(TorchLayer):
    """The p-norms of the differences of all pairs of rows, the first with each after it, then the second.

    input: (rows, features). Returns (rows (rows - 1) / 2,). Source: the documentation of F.pdist.
    """

    names = ("F.pdist",)
    arithmetic = "rounds"
    example = asked("F.pdist()", "5")
    p: float = arg("The norm.", default=2.0)

    def call(self, w: Weights, input: Array) -> Array:
        if np.ndim(input) != 2:
            raise LayerError(f"F.pdist takes (rows, features), not {np.shape(input)}")
        first, second = numpy.triu_indices(np.shape(input)[0], 1)
        return norm(input[first] - input[second], self.p, -1)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][-1])

    def counterpart(self, input: Like) -> Counterpart:
        raise NoCounterpart("Keras has no pairs of rows: the distances of all are a matrix, whose upper half this is")


class PReLU(TorchLayer):
    """x, or weight x below 0: a slope for all, or one for each channel."""

    names = ("F.prelu",)
    arithmetic = "rounds"
    written_as_case = "its slopes have no batch"

    def call(self, w: Weights, input: Array, weight: Array) -> Array:
        slope = np.reshape(weight, (-1, *(1,) * (np.ndim(input) - 2)))
        return np.where(input > 0, input, slope * input)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return 1

    def counterpart(self, input: Like, weight: Like) -> Counterpart:
        slope = f"reshape(weight, {[-1, *[1] * (input.rank - 2)]})"
        return expression(f"where(greater(input, 0.0), input, {slope} * input)")


class OneHot(TorchLayer):
    """Integers: 1 at the id, 0 elsewhere, on a new last axis."""

    names = ("F.one_hot",)
    arithmetic = "moves"
    example = asked("F.one_hot(7)", "5")
    num_classes: int = arg("How many classes; torch counts them itself for -1, which is not asked here.", at_least=1)

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn("int64", {"integers": [0, config["num_classes"]]})

    def call(self, w: Weights, input: Array) -> Array:
        ids = numpy.asarray(input)
        if ids.size and not (ids.min() >= 0 and ids.max() < self.num_classes):
            raise LayerError(f"ids from 0 to {self.num_classes - 1}")
        return (ids[..., None] == numpy.arange(self.num_classes)).astype(numpy.int64)

    def counterpart(self, input: Like) -> Counterpart:
        return expression(f'cast(one_hot(input, {self.num_classes}), "int64")')


class Normalize(TorchLayer):
    """x / max(its p-norm along an axis, eps)."""

    names = ("F.normalize",)
    arithmetic = "rounds"
    example = asked("F.normalize()", "5")
    p: float = arg("The norm.", default=2.0)
    dim: int = arg("The axis.", default=1)
    eps: float = arg("The least norm.", default=1e-12)
    not_here: ClassVar = {"out": "it says where torch writes, and changes no number"}

    def call(self, w: Weights, input: Array) -> Array:
        return input / np.maximum(norm(input, self.p, self.dim, keepdims=True), self.eps)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return int(shapes[0][self.dim])

    def counterpart(self, input: Like) -> Counterpart:
        if self.p != 2 or self.eps != 1e-12:
            raise NoCounterpart("UnitNormalization knows the Euclidean norm alone, and has no eps")
        return Counterpart("layer(input)", {"layer": KerasLayer("UnitNormalization", {"axis": self.dim})})


class Pad(TorchLayer):
    """The last axes with more at their ends; `pad` has pairs, those of the last axis first."""

    names = ("F.pad",)
    arithmetic = "moves"
    example = asked("F.pad([1, 2], mode='reflect')", "3,4")
    pad: tuple[int, ...] = arg("How much before and after, of the last axis first.")
    mode: Literal["constant", "reflect", "replicate", "circular"] = arg("What is added.", default="constant")
    value: float | None = arg("The number of the mode constant; null for 0.", default=None)

    def check(self) -> None:
        if len(self.pad) % 2:
            raise LayerError("pad has pairs: before and after")
        if self.mode != "constant" and self.value is not None:
            raise LayerError(f"value is for mode='constant', not {self.mode!r}")

    def widths(self) -> list[tuple[int, int]]:
        return [(self.pad[i], self.pad[i + 1]) for i in reversed(range(0, len(self.pad), 2))]

    def call(self, w: Weights, input: Array) -> Array:
        widths = self.widths()
        if len(widths) > np.ndim(input):
            raise LayerError(f"{len(self.pad)} numbers for an input of {np.ndim(input)} axes")
        if self.mode != "constant" and len(widths) not in (np.ndim(input) - 2, np.ndim(input) - 1):
            raise LayerError(f"mode={self.mode!r} pads all axes after the channels, with a batch or without")
        for place, (left, right) in enumerate(widths):
            axis = np.ndim(input) - len(widths) + place
            cut = slice(max(-left, 0), np.shape(input)[axis] - max(-right, 0))
            input = input[(slice(None),) * axis + (cut,)]
        return extended(input, [(max(a, 0), max(b, 0)) for a, b in widths], self.mode, self.value or 0.0)

    def counterpart(self, input: Like) -> Counterpart:
        widths = self.widths()
        if any(min(pair) < 0 for pair in widths):
            raise NoCounterpart("negative widths cut: a Cropping layer, and then what is left")
        if self.mode != "constant":
            return extended_text("input", input, widths, self.mode)
        every = [*[[0, 0]] * (input.rank - len(widths)), *map(list, widths)]
        return expression(f"pad(input, {every}, {float(self.value or 0.0)})")
