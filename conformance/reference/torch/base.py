"""What the classes of this folder share: how they are known, and how Keras' counterpart of a call is asked for."""

from __future__ import annotations

import dataclasses
import inspect
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import autograd.numpy as np
import numpy
from autograd.tracer import getval, isbox

from conformance.counterpart import Counterpart, NoCounterpart
from conformance.reference.base import TORCH, Array, Layer, LayerError, Weight
from conformance.reference.traits import Axes, Example, called

BATCHED: Mapping[int, Axes] = {
    1: ("channels", "steps"),
    2: ("channels", "height", "width"),
    3: ("channels", "depth", "height", "width"),
}
"""What the axes of a torch input are called by how many axes a window slides over; the batch goes before them."""


@dataclass(frozen=True, slots=True)
class Like:
    """What a counterpart may know of an array: its shape, with the batch, and its dtype."""

    shape: tuple[int, ...]
    dtype: str

    @property
    def rank(self) -> int:
        return len(self.shape)


def like(value: Any) -> Any:
    """Arrays as what is known of them, in the same lists; all else as it is."""
    if isinstance(value, list | tuple):
        return [like(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return Like(tuple(int(length) for length in np.shape(value)), str(getattr(value, "dtype", "float64")))


class TorchLayer(Layer):
    """A module or a function of torch's. `names` are those under which a case asks for it."""

    names: ClassVar[tuple[str, ...]] = ()
    written_as_case = ""
    not_here: ClassVar[Mapping[str, str]] = {}
    """Arguments that torch takes and no case can say, and why."""
    in_place: ClassVar[tuple[str, ...]] = ()
    """Weights that a call puts others in the place of, and from which a step of a training goes on."""
    variadic: ClassVar[str] = ""
    """The argument that holds what a constructor takes without names, if it takes any number of them."""
    none_in_training: ClassVar[str] = ""
    """Why Keras has nothing in the place of a call in training, where it has something in evaluation."""

    @classmethod
    def register(cls) -> None:
        """Known by torch's names, and native to itself."""
        own = cls.__dict__.get("names", ())
        if not own:
            return
        if cls.positional is None:
            cls.positional = tuple(field.name for field in dataclasses.fields(cls))
        cls.native = called(*own)
        if "example" not in cls.__dict__ and not cls.written_as_case:
            cls.example = Example(f"{own[0]}()", cls.example.inputs)
        for name in own:
            TORCH[name] = cls

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        """torch's weights have their outputs first."""
        return max((math.prod(weight.shape[1:]) for weight in weights.values()), default=1)

    def computes(self) -> Any:
        return self.arithmetic

    def counterpart(self, *args: Any, **kwargs: Any) -> Counterpart:
        """What Keras has in its place, for what `call` is given, arrays as `Like`. Raises NoCounterpart."""
        raise NoCounterpart(f"Keras has nothing like {self.names[0]}")

    def counterpart_of(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Counterpart:
        """The counterpart of one call with its arrays; the reason in the place of one that there is not."""
        if self.none_in_training and kwargs.get("training"):
            return Counterpart(reason=self.none_in_training)
        parameters = tuple(inspect.signature(self.call).parameters)[1:]
        given = {name: like(value) for name, value in kwargs.items() if name != "training"}
        try:
            found = self.counterpart(*map(like, args), **given)
        except NoCounterpart as none:
            return Counterpart(reason=str(none))
        return dataclasses.replace(found, parameters=parameters)

    @classmethod
    def implied(cls, shapes: Sequence[Sequence[int]]) -> Sequence[Sequence[int]]:
        """The inputs of a question that gives the first ones alone; lengths without the batch."""
        return shapes

    @classmethod
    def batch_place(cls, config: Mapping[str, Any]) -> int:
        """Which axis of an input the batch is."""
        return 0

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return {
            1: ("features",),
            2: ("steps", "features"),
            **{n + 1: words for n, words in BATCHED.items() if n > 1},
        }.get(rank, ())


def class_of(config: Mapping[str, Any]) -> type[TorchLayer]:
    """The class of a module that another one holds; what all share for one that is none of torch's."""
    found: Any = TORCH.get(config["type"], TorchLayer)
    return found  # type: ignore[no-any-return]  # the registry holds layers


def in_training(module: Layer, training: bool | None) -> dict[str, bool]:
    """What a module is told of training by the one that holds it: nothing where it is the same in both."""
    takes_it = "training" in inspect.signature(module.call).parameters
    return {} if training is None or not takes_it else {"training": training}


def plain(x: Any) -> Any:
    """An array without what follows its gradient."""
    while isbox(x):
        x = getval(x)
    return numpy.asarray(x)


def norm(x: Array, p: float, axis: int | tuple[int, ...], keepdims: bool = False) -> Array:
    """(sum of |x|^p)^(1/p) along an axis or several; for p = inf the largest |x|, for -inf the least.

    For p = 0 it is the number of elements that are not 0. Source: the documentation of torch.linalg.vector_norm.
    """
    if math.isinf(p):
        return (np.max if p > 0 else np.min)(np.abs(x), axis=axis, keepdims=keepdims)
    if p == 0:
        return np.sum(np.where(x == 0, 0.0, 1.0), axis=axis, keepdims=keepdims)
    return np.sum(np.abs(x) ** p, axis=axis, keepdims=keepdims) ** (1.0 / p)


def normalised(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    """(x - mean) / sqrt(var + eps) over these axes, with the variance of the population."""
    mean = np.mean(x, axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(np.mean((x - mean) ** 2, axis=axes, keepdims=True) + eps)


def rms_normalised(x: Array, axes: tuple[int, ...], eps: float) -> Array:
    """x / sqrt(mean of x^2 + eps) over these axes."""
    return x / np.sqrt(np.mean(x**2, axis=axes, keepdims=True) + eps)


def wants_last(x: Array, count: int, name: str, wanted: str) -> None:
    """Raises LayerError for an input whose last axis has another length, with the order of axes that fits."""
    shape = tuple(int(length) for length in np.shape(x))
    if shape and shape[-1] == count:
        return
    hint = ""
    if count in shape[:-1]:
        place = len(shape) - 2 - shape[:-1][::-1].index(count)
        moved = (*shape[:place], *shape[place + 1 :], count) if place else (shape[-1], *shape[1:-1], count)
        hint = f"; the order that fits is {', '.join(map(str, moved))}: the features come last"
    raise LayerError(f"{name} takes {wanted}, not {shape}{hint}")


def wants_channels(x: Array, axis: int, count: int, name: str, axes: Axes) -> None:
    """Raises LayerError for an input whose axis has another length, with the order of axes that fits."""
    shape = tuple(int(length) for length in np.shape(x))
    if len(shape) > axis and shape[axis] == count:
        return
    wanted = ", ".join(f"{word} {count}" if place + 1 == axis else word for place, word in enumerate(axes))
    hint = ""
    if len(shape) == len(axes) + 1 and shape[-1] == count:
        moved = (count, *shape[1:-1])
        hint = f"; the order that fits is {', '.join(map(str, moved))}: torch has channels before the other axes"
    raise LayerError(f"{name} takes (batch, {wanted}), not {shape}{hint}")
