"""Layers that merge several tensors into one, and the mask that the result carries.

Masks (Keras 3.4 and later): a merged step is real when it is real in any input, and there is no mask when any input has
none. Add, Subtract and Average take masked values as they are; Multiply, Maximum and Minimum leave them out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any, ClassVar

import autograd.numpy as np

from .base import NO_MASK, Array, Layer, LayerError, Mutant, Shape, Weights, arg
from .invariants import MEAN, ONE_OF, Seen
from .traits import asked, called, composed

InputsHook = Callable[[Any, list[Any], dict[str, Any]], tuple[list[Any], dict[str, Any]]]


def aligned(inputs: Any) -> list[Array]:
    """The inputs with equal ranks: lower ones get axes of length 1 after the batch axis.

    Raises LayerError for anything but a list, for unequal batch sizes and for lengths that do not broadcast.
    """
    if not isinstance(inputs, list | tuple) or not inputs:
        raise LayerError("a merge layer takes a list of inputs")
    shapes = [np.shape(x) for x in inputs]
    if len({shape[0] for shape in shapes if shape}) > 1:
        raise LayerError(f"different batch sizes: {shapes}")
    raised = _raised(shapes)
    for axis in range(1, len(raised[0])):
        if len({shape[axis] for shape in raised} - {1}) > 1:
            raise LayerError(f"shapes that do not broadcast after the batch axis: {shapes}")
    return [np.reshape(x, shape) for x, shape in zip(inputs, raised, strict=True)]


def _raised(shapes: Sequence[Shape]) -> list[Shape]:
    rank = max(map(len, shapes))
    return [shape[:1] + (1,) * (rank - len(shape)) + shape[1:] for shape in map(tuple, shapes)]


def masks_of(inputs: Sequence[Any], mask: Any) -> list[Any]:
    """One mask or None for each input."""
    return [None] * len(inputs) if mask is None else list(mask)


def over_features(mask: Any, x: Array) -> Array:
    """A mask over the leading axes of x, of x's shape; true everywhere for None."""
    everywhere = np.ones(np.shape(x), bool)
    if mask is None:
        return everywhere
    return np.logical_and(np.reshape(mask, mask.shape + (1,) * (np.ndim(x) - mask.ndim)), everywhere)


def any_real(masks: Any) -> Any:
    """True where any of the masks is; no mask where any input has none."""
    if masks is None or any(mask is None for mask in masks):
        return NO_MASK
    return reduce(np.logical_or, masks)


def all_real(masks: Any) -> Any:
    """True where all of the masks are: the rule of Keras 2."""
    present = [mask for mask in masks or () if mask is not None]
    return reduce(np.logical_and, present) if present else NO_MASK


def _unmasked(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    return args, {**kwargs, "mask": None}


def _masked_as_zero(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
    def zeroed(x: Any, mask: Any) -> Any:
        if isinstance(x, list | tuple):
            return [zeroed(*pair) for pair in zip(x, masks_of(x, mask), strict=True)]
        return np.where(over_features(mask, x), x, 0.0)

    return [zeroed(args[0], kwargs.get("mask"))], {**kwargs, "mask": None}


def _rearranged(change: Callable[[list[Any]], list[Any]]) -> InputsHook:
    """Changes the list of inputs, and the list of masks in the same way."""

    def hook(layer: Any, args: list[Any], kwargs: dict[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        mask = kwargs.get("mask")
        return [change(list(args[0]))], kwargs if mask is None else {**kwargs, "mask": change(list(mask))}

    return hook


_backwards = _rearranged(lambda items: items[::-1])
_two_only = _rearranged(lambda items: items[:2])

_MASK_AND = Mutant("mask_and", "ANDs the masks, as Keras 2 did", mask=lambda layer, mask, masks: all_real(masks))
_MASK_LOST = Mutant("mask_lost", "drops the masks, as Keras 3.0 to 3.3 did", mask=lambda layer, mask, masks: NO_MASK)
_IGNORES_MASK = Mutant("ignores_mask", "takes padding for data", inputs=_unmasked)
_MASKED_AS_ZERO = Mutant("masked_as_zero", "takes masked values as 0", inputs=_masked_as_zero)
_TWO_ONLY = Mutant("two_only", "takes the first two inputs only", inputs=_two_only)


class _Merge(Layer):
    """What all element-wise merges share: equal ranks in, any real step out."""

    takes_list: ClassVar[tuple[int, int | None] | None] = (2, None)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        return any_real(mask)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return len(shapes[0])

    def made_of(self, seen: Seen) -> Any:
        return np.stack(np.broadcast_arrays(*aligned(list(seen.inputs or ()))), axis=-1) * 1.0

    def rule(self, *shapes: Any) -> str:
        given = [tuple(shape) for shape in shapes[0]]
        raised = _raised(given)
        if raised == given:
            return ""
        return "lower ranks get axes of length 1 after the batch axis: " + ", ".join(map(str, raised))


class Add(_Merge):
    """x1 + x2 + ...

    inputs: a list of arrays of one shape (lower ranks get axes of length 1 after the batch axis). Masked values count.
    """

    arithmetic = "linear"
    native = called("add")
    example = asked("Add", "3", "3")

    mutants = (
        _MASK_AND,
        _MASK_LOST,
        _TWO_ONLY,
        Mutant("mean", "divides by the number of inputs", output=lambda layer, y, args: y / len(args[0])),
    )

    def call(self, w: Weights, inputs: Any) -> Array:
        return reduce(np.add, aligned(inputs))


class Subtract(_Merge):
    """x1 - x2. Masked values count.

    inputs: a list of two arrays of one shape (lower ranks get axes of length 1 after the batch axis), which stays.
    """

    arithmetic = "linear"
    native = called("sub")
    example = asked("Subtract", "3", "3")
    takes_list = (2, 2)

    mutants = (
        _MASK_AND,
        _MASK_LOST,
        Mutant("swapped", "takes the first from the second", inputs=_backwards),
        Mutant("distance", "gives the distance", output=lambda layer, y, args: np.abs(y)),
    )

    def call(self, w: Weights, inputs: Any) -> Array:
        if not isinstance(inputs, list | tuple) or len(inputs) != 2:
            raise LayerError("Subtract takes exactly 2 inputs")
        first, second = aligned(inputs)
        return first - second


class Multiply(_Merge):
    """x1 x2 ..., where a masked factor counts as 1; a step that is masked in every input gives 0.

    inputs: a list of arrays of one shape, which stays (lower ranks get axes of length 1 after the batch axis).
    """

    arithmetic = "linear"
    native = called("mul")
    example = asked("Multiply", "3", "3")

    mutants = (_MASK_AND, _MASK_LOST, _TWO_ONLY, _IGNORES_MASK, _MASKED_AS_ZERO)

    def call(self, w: Weights, inputs: Any, mask: Any = None) -> Array:
        values = aligned(inputs)
        masks = masks_of(values, mask)
        product = reduce(
            np.multiply,
            [x if m is None else np.where(over_features(m, x), x, 1.0) for x, m in zip(values, masks, strict=True)],
        )
        anywhere = any_real(masks)
        return product if anywhere is None else np.where(over_features(anywhere, product), product, 0.0)


class Average(_Merge):
    """(x1 + x2 + ...) / number of inputs. Masked values count, in the sum and in the number.

    inputs: a list of arrays of one shape, which stays (lower ranks get axes of length 1 after the batch axis).
    """

    arithmetic = "rounds"
    native = composed("torch.stack([a, b]).mean(0)")
    example = asked("Average", "3", "3")

    invariants = MEAN
    mutants = (
        _MASK_AND,
        _MASK_LOST,
        _TWO_ONLY,
        Mutant("sum", "does not divide", output=lambda layer, y, args: y * len(args[0])),
        Mutant(
            "running",
            "averages the average so far with the next input",
            output=lambda layer, y, args: reduce(lambda mean, x: (mean + x) / 2.0, aligned(args[0])),
        ),
    )

    def call(self, w: Weights, inputs: Any) -> Array:
        values = aligned(inputs)
        return reduce(np.add, values) / len(values)


class Maximum(_Merge):
    """The largest of the inputs that are real at a step; where all are masked, the first input's value.

    inputs: a list of arrays of one shape, which stays (lower ranks get axes of length 1 after the batch axis).
    """

    arithmetic = "moves"
    native = called("maximum")
    example = asked("Maximum", "3", "3", "3")

    invariants = ONE_OF
    mutants = (_MASK_AND, _MASK_LOST, _TWO_ONLY, _IGNORES_MASK, _MASKED_AS_ZERO)

    def call(self, w: Weights, inputs: Any, mask: Any = None) -> Array:
        return _extreme(np.maximum, -np.inf, aligned(inputs), mask)


class Minimum(_Merge):
    """The smallest of the inputs that are real at a step; where all are masked, the first input's value.

    inputs: a list of arrays of one shape, which stays (lower ranks get axes of length 1 after the batch axis).
    """

    arithmetic = "moves"
    native = called("minimum")
    example = asked("Minimum", "3", "3")

    invariants = ONE_OF
    mutants = (_MASK_AND, _MASK_LOST, _TWO_ONLY, _IGNORES_MASK, _MASKED_AS_ZERO)

    def call(self, w: Weights, inputs: Any, mask: Any = None) -> Array:
        return _extreme(np.minimum, np.inf, aligned(inputs), mask)


def _extreme(pick: Callable[..., Array], worst: float, values: list[Array], mask: Any) -> Array:
    masks = masks_of(values, mask)
    best = reduce(
        pick, [x if m is None else np.where(over_features(m, x), x, worst) for x, m in zip(values, masks, strict=True)]
    )
    anywhere = any_real(masks)
    return best if anywhere is None else np.where(over_features(anywhere, best), best, values[0])


class Concatenate(Layer):
    """The inputs one after the other along an axis; all other lengths must be equal.

    inputs: a list of arrays (batch, ..., length) that differ on that axis at most; its lengths add up.
    Mask: those of the inputs, spread over their features and concatenated, then "any" over the last axis; an input
    without a mask counts as real everywhere. No mask when no input has one.
    """

    arithmetic = "moves"
    native = called("cat")
    example = asked("Concatenate", "3", "5")
    takes_list = (2, None)

    axis: int = arg("axis along which to join; the batch is axis 0", default=-1)

    mutants = (
        _MASK_LOST,
        Mutant(
            "mask_all",
            "asks all features to be real, as Keras 2 did",
            mask=lambda layer, mask, masks: all_real(masks) if layer.axis == -1 else mask,
        ),
        Mutant(
            "mask_of_the_first", "gives the mask of the first input", mask=lambda layer, mask, masks: masks and masks[0]
        ),
        Mutant("backwards", "joins in the other order", inputs=_backwards),
        Mutant(
            "other_axis",
            "counts the axes without the batch",
            config=lambda layer: {"axis": layer.axis + 1 if layer.axis > 0 else layer.axis - 1},
        ),
    )

    def call(self, w: Weights, inputs: Any) -> Array:
        if not isinstance(inputs, list | tuple) or not inputs:
            raise LayerError("Concatenate takes a list of inputs")
        shapes = [np.shape(x) for x in inputs]
        rank = len(shapes[0])
        if not -rank <= self.axis < rank:
            raise LayerError(f"axis {self.axis} does not exist in {shapes[0]}")
        axis = self.axis % rank
        if len({shape[:axis] + shape[axis + 1 :] for shape in shapes}) > 1:
            raise LayerError(f"Concatenate: lengths differ off axis {self.axis}: {shapes}")
        return np.concatenate(inputs, axis=axis)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        if mask is None or all(m is None for m in mask):
            return NO_MASK
        real = [over_features(m, value) for value, m in zip(x, mask, strict=True)]
        return np.any(np.concatenate(real, axis=self.axis), axis=-1)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return 1

    def rule(self, *shapes: Any) -> str:
        lengths = [shape[self.axis] for shape in shapes[0]]
        return f"axis {self.axis}: {' + '.join(map(str, lengths))} = {sum(lengths)}"


class MaskedAverage(Layer):
    """A mean that leaves masked values out: sum(mask * x) / sum(mask); 0 where every value is masked.

    Without `axis`: over a list of inputs of one shape, with a mask (batch, steps) each. With `axis`: over that axis of
    one input. A position stays masked only when everything that was averaged there is masked. Not a layer of Keras but
    what people who ask for the mask of `Average` want; the Keras lane runs it as a custom layer.
    """

    is_ours = True
    arithmetic = "rounds"
    native = composed("(x * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)")
    example = asked("MaskedAverage", "5,3", "5,3")
    takes_list = (2, None)

    axis: int | None = arg("axis to average over; None averages over the list of inputs", default=None)

    mutants = (
        _MASK_LOST,
        _IGNORES_MASK,
        Mutant("fixed_number", "divides by all, masked or not", inputs=_masked_as_zero),
        Mutant("mask_all", "wants all values to be real", mask=lambda layer, mask, masks: layer.stricter(masks)),
    )

    def call(self, w: Weights, inputs: Any, mask: Any = None) -> Array:
        if self.axis is not None:
            return mean_where(inputs, over_features(mask, inputs), self.axis)
        values = aligned(inputs)
        real = [over_features(m, x) for x, m in zip(values, masks_of(values, mask), strict=True)]
        return mean_where(np.stack(values), np.stack(real), 0)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        if self.axis is None:
            return any_real(mask)
        if mask is None:
            return NO_MASK
        axis = self.axis % np.ndim(x)
        return np.any(mask, axis=axis) if axis < mask.ndim else mask

    def stricter(self, masks: Any) -> Any:
        """The mask of a mistaken layer that wants all of what was averaged to be real."""
        return all_real(masks) if self.axis is None else np.all(masks, axis=self.axis)

    def longest_sum(self, weights: Any, *shapes: Any) -> int:
        return len(shapes[0]) if self.axis is None else int(shapes[0][self.axis])


def mean_where(x: Array, real: Array, axis: int) -> Array:
    """The mean along an axis of the entries that are real; 0 where none is. What is masked may be NaN."""
    number = np.sum(real, axis=axis)
    return np.sum(np.where(real, x, 0.0), axis=axis) / np.where(number == 0, 1, number)
