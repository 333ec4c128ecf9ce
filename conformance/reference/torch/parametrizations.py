"""nn.utils.parametrizations: a module whose weight is worked out of others whenever it is called.

Source: the documentation of weight_norm (Salimans and Kingma 2016) and spectral_norm (Miyato et al. 2018).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import autograd.numpy as np
from autograd.tracer import getval

from conformance.counterpart import Counterpart, NoCounterpart, expression, same
from conformance.reference.base import Array, Layer, LayerError, Weight, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer, class_of, in_training
from conformance.reference.torch.linear import Linear
from conformance.reference.traits import Axes, asked

SCOPE = "parametrizations"


class _Parametrized(TorchLayer):
    """A module of torch's with one weight made of others, under `parametrizations` in its state_dict."""

    arithmetic = "rounds"

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return class_of(config["module"]).axis_words(config["module"], name, rank)

    @classmethod
    def batch_place(cls, config: Mapping[str, Any]) -> int:
        return class_of(config["module"]).batch_place(config["module"])

    def inner(self) -> Any:
        """The module."""
        return self.module  # type: ignore[attr-defined]  # a field of each

    def named(self) -> str:
        """The weight that is made of others."""
        return str(self.name)  # type: ignore[attr-defined]  # a field of each

    def check(self) -> None:
        if not isinstance(self.inner(), TorchLayer):
            raise LayerError(f"module is one of torch's, as nn.Linear, not {type(self.inner()).__name__}")

    def whole(self, *shapes: Any) -> Weight:
        """The weight as the module has it. Raises LayerError where it has none of this name."""
        held = self.inner().weights(*shapes)
        if self.named() not in held:
            raise LayerError(f"{self.inner().names[0]} has no {self.named()}; it has {', '.join(held) or 'none'}")
        found: Weight = held[self.named()]
        return found

    def parts_of(self, whole: Weight) -> Mapping[str, Weight]:
        """The weights in its place, by what they are called behind `parametrizations.weight`."""
        raise NotImplementedError

    def remade(self, parts: Weights, training: bool | None) -> Array:
        """The weight of its parts."""
        raise NotImplementedError

    def weights(self, *shapes: Any) -> Mapping[str, Weight]:
        held = {name: weight for name, weight in self.inner().weights(*shapes).items() if name != self.named()}
        parts = self.parts_of(self.whole(*shapes))
        return {**held, **{f"{SCOPE}.{self.named()}.{name}": weight for name, weight in parts.items()}}

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        whole = {self.named(): self.whole(*shapes)}
        return max(int(self.inner().longest_sum(whole, *shapes)), math.prod(whole[self.named()].shape[1:]))

    def call(self, w: Weights, input: Array, training: bool | None = None) -> Array:
        own = {name: array for name, array in w.arrays.items() if not name.startswith(f"{SCOPE}.")}
        own[self.named()] = self.remade(w.within(f"{SCOPE}.{self.named()}"), training)
        inner = self.inner()
        found: Array = inner.call(Weights(own, w.state, w.random), input, **in_training(inner, training))
        return found

    def text(self) -> str:
        """The weight of the arrays of a counterpart, for a matrix. Raises NoCounterpart."""
        raise NotImplementedError

    def arrays(self) -> Mapping[str, str]:
        """What the expression calls the weights, to what they are called behind `parametrizations.weight`."""
        raise NotImplementedError

    def counterpart(self, input: Like) -> Counterpart:
        if not isinstance(self.inner(), Linear) or self.named() != "weight":
            raise NoCounterpart(
                "a layer of Keras holds its kernel as it is: work it out, and give it to the layer anew after each step"
            )
        row = "abcdef"[: input.rank - 1]
        found = expression(f'einsum("{row}i,oi->{row}o", input, weight)', weight=self.text())
        arrays = {label: same(f"{SCOPE}.weight.{name}") for label, name in self.arrays().items()}
        if self.inner().bias:
            return Counterpart(f"{found.result} + bias", nodes=found.nodes, arrays={**arrays, "bias": same("bias")})
        return Counterpart(found.result, nodes=found.nodes, arrays=arrays)


class WeightNorm(_Parametrized):
    """The module with the weight g v / |v|, |v| over all axes but `dim`; over all of them where dim is null.

    original0 is g, with lengths of 1 but on `dim`; original1 is v. input and output are those of the module.
    """

    names = ("nn.utils.parametrizations.weight_norm",)
    example = asked("nn.utils.parametrizations.weight_norm(nn.Linear(5, 3))", "5")
    module: Layer = arg("The module.")
    name: str = arg("The weight that is made of others.", default="weight")
    dim: int | None = arg("The axis that keeps lengths of its own.", default=0)

    def over(self, rank: int) -> tuple[int, ...]:
        """The axes that the length is taken over."""
        return tuple(axis for axis in range(rank) if self.dim is None or axis != self.dim % rank)

    def parts_of(self, whole: Weight) -> Mapping[str, Weight]:
        summed = self.over(len(whole.shape))
        lengths = tuple(1 if axis in summed else length for axis, length in enumerate(whole.shape))
        return {"original0": Weight(() if self.dim is None else lengths, "scale"), "original1": whole}

    def remade(self, parts: Weights, training: bool | None) -> Array:
        v = parts.original1
        return parts.original0 * v / np.sqrt(np.sum(v**2, axis=self.over(np.ndim(v)), keepdims=True))

    def text(self) -> str:
        return f"g * v / sqrt(sum(v * v, axis={list(self.over(2))}, keepdims=True))"

    def arrays(self) -> Mapping[str, str]:
        return {"g": "original0", "v": "original1"}


class SpectralNorm(_Parametrized):
    """The module with the weight W / (u^T W v): u and v come near the first singular vectors, by power iterations.

    W is taken as a matrix whose rows are `dim`. In training u = W v and v = W^T u, each over its length, come before;
    no gradient goes through them. original is W, 0._u and 0._v are u and v.
    """

    names = ("nn.utils.parametrizations.spectral_norm",)
    moves_weights = True
    none_in_training = "SpectralNormalization iterates from a vector of its own, and keeps the kernel that it divides"
    example = asked("nn.utils.parametrizations.spectral_norm(nn.Linear(5, 3))", "5")
    module: Layer = arg("The module.")
    name: str = arg("The weight that is made of others.", default="weight")
    n_power_iterations: int = arg("How many iterations a call in training makes.", default=1, at_least=1)
    eps: float = arg("The least length of a vector.", default=1e-12)
    dim: int | None = arg("The rows of W; null for 0, and 1 of transposed convolutions.", default=None)

    def rows(self, rank: int) -> int:
        """The axis of the rows."""
        is_transposed = self.inner().names[0].startswith("nn.ConvTranspose")
        return (1 if is_transposed else 0) if self.dim is None else self.dim % rank

    def matrix(self, whole: Array) -> Array:
        return np.reshape(np.moveaxis(whole, self.rows(np.ndim(whole)), 0), (-1, self._columns(np.shape(whole))))

    def _columns(self, shape: Sequence[int]) -> int:
        return math.prod(shape) // int(shape[self.rows(len(shape))])

    def parts_of(self, whole: Weight) -> Mapping[str, Weight]:
        if len(whole.shape) < 2:
            raise LayerError("a weight of one axis is divided by its length, and has no singular vectors")
        rows = whole.shape[self.rows(len(whole.shape))]
        u = Weight((rows,), "scale", is_trained=False)
        return {"original": whole, "0._u": u, "0._v": Weight((self._columns(whole.shape),), "scale", is_trained=False)}

    def remade(self, parts: Weights, training: bool | None) -> Array:
        whole = parts.arrays["original"]
        u, v = (parts.state.get(f"0.{name}", parts.arrays[f"0.{name}"]) for name in ("_u", "_v"))
        if training:
            fixed = getval(self.matrix(whole))
            for _ in range(self.n_power_iterations):
                u = self._unit(fixed @ getval(v))
                v = self._unit(np.transpose(fixed) @ u)
            parts.state |= {"0._u": u, "0._v": v}
        return whole / (u @ self.matrix(whole) @ v)

    def _unit(self, x: Array) -> Array:
        return x / max(float(np.sqrt(np.sum(x**2))), self.eps)

    def text(self) -> str:
        if self.rows(2) != 0:
            raise NoCounterpart("only rows of axis 0 are written out here")
        return 'w / einsum("o,oi,i->", u, w, v)'

    def arrays(self) -> Mapping[str, str]:
        return {"w": "original", "u": "0._u", "v": "0._v"}
