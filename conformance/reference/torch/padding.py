"""nn.ConstantPad, ZeroPad, ReflectionPad, ReplicationPad and CircularPad in one to three axes.

Widths come as torch has them: one for all ends, or (left, right, top, bottom, front, back), the last axis first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np

from conformance.counterpart import Counterpart, NoCounterpart, expression
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import BATCHED, Like, TorchLayer
from conformance.reference.torch.conv import extended, extended_text
from conformance.reference.torch.windows import Pair
from conformance.reference.traits import Axes, asked


class _Pad(TorchLayer):
    arithmetic = "moves"
    rank: ClassVar[int] = 1
    mode: ClassVar[str] = "constant"
    padding: Pair = arg("How much at each end: one number, or left, right, top, bottom, front, back.")

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return BATCHED[cls.rank][:rank]

    def widths(self) -> list[tuple[int, int]]:
        ends = (self.padding,) * (2 * self.rank) if isinstance(self.padding, int) else self.padding
        if len(ends) != 2 * self.rank:
            raise LayerError(f"padding needs 1 or {2 * self.rank} numbers, not {len(ends)}")
        return [(ends[2 * i], ends[2 * i + 1]) for i in reversed(range(self.rank))]

    def filled_with(self) -> float:
        return 0.0

    def call(self, w: Weights, input: Array) -> Array:
        if np.ndim(input) not in (self.rank + 1, self.rank + 2):
            raise LayerError(f"{self.names[0]} takes (batch, {', '.join(BATCHED[self.rank])}), not {np.shape(input)}")
        widths = self.widths()
        for place, (left, right) in enumerate(widths):
            axis = np.ndim(input) - self.rank + place
            cut = slice(max(-left, 0), np.shape(input)[axis] - max(-right, 0))
            input = input[(slice(None),) * axis + (cut,)]
        kept = [(max(left, 0), max(right, 0)) for left, right in widths]
        return extended(input, kept, self.mode, self.filled_with())

    def counterpart(self, input: Like) -> Counterpart:
        if self.mode != "constant":
            if any(min(pair) < 0 for pair in self.widths()):
                raise NoCounterpart("negative widths cut: a Cropping layer, and then what is left")
            return extended_text("input", input, self.widths(), self.mode)
        widths = [[0, 0]] * (input.rank - self.rank) + [list(pair) for pair in self.widths()]
        cuts = [f"{max(-a, 0)}:{length - max(-b, 0)}" for (a, b), length in zip(widths, input.shape, strict=True)]
        cuts[0] = ":"
        cut = f"input[{', '.join(cuts)}]" if any(min(pair) < 0 for pair in widths) else "input"
        return expression(f"pad({cut}, {[[max(a, 0), max(b, 0)] for a, b in widths]}, {float(self.filled_with())})")


class _ConstantPad(_Pad):
    value: float = arg("What is added.")

    def filled_with(self) -> float:
        return self.value


class ConstantPad1d(_ConstantPad):
    """A number at both ends of the steps.

    input: (batch, channels, steps), or without the batch; returns it with longer axes.
    """

    names = ("nn.ConstantPad1d",)
    example = asked("nn.ConstantPad1d([2, 1], 0.5)", "3,4")


class ConstantPad2d(_ConstantPad):
    """A number around an image; negative widths cut.

    input: (batch, channels, height, width), or without the batch; returns it with longer axes.
    """

    names = ("nn.ConstantPad2d",)
    rank = 2
    example = asked("nn.ConstantPad2d([2, 1, -1, 3], 0.5)", "2,4,5")


class ConstantPad3d(_ConstantPad):
    """A number around a volume.

    input: (batch, channels, depth, height, width), or without the batch; returns it with longer axes.
    """

    names = ("nn.ConstantPad3d",)
    rank = 3
    example = asked("nn.ConstantPad3d(1, 0.5)", "2,3,4,2")


class ZeroPad1d(_Pad):
    """Zeros at both ends of the steps.

    input: (batch, channels, steps), or without the batch; returns it with longer axes.
    """

    names = ("nn.ZeroPad1d",)
    example = asked("nn.ZeroPad1d(2)", "3,4")


class ZeroPad2d(_Pad):
    """Zeros around an image.

    input: (batch, channels, height, width), or without the batch; returns it with longer axes.
    """

    names = ("nn.ZeroPad2d",)
    rank = 2
    example = asked("nn.ZeroPad2d([1, 0, 2, 1])", "2,4,5")


class ZeroPad3d(_Pad):
    """Zeros around a volume.

    input: (batch, channels, depth, height, width), or without the batch; returns it with longer axes.
    """

    names = ("nn.ZeroPad3d",)
    rank = 3
    example = asked("nn.ZeroPad3d(1)", "2,3,4,2")


class ReflectionPad1d(_Pad):
    """Steps mirrored at the ends, which are not repeated.

    input: (batch, channels, steps), or without the batch; returns it with longer axes.
    """

    names = ("nn.ReflectionPad1d",)
    mode = "reflect"
    example = asked("nn.ReflectionPad1d([2, 1])", "3,4")


class ReflectionPad2d(_Pad):
    """An image mirrored at its edges, which are not repeated.

    input: (batch, channels, height, width), or without the batch; returns it with longer axes.
    """

    names = ("nn.ReflectionPad2d",)
    rank, mode = 2, "reflect"
    example = asked("nn.ReflectionPad2d(2)", "2,4,5")


class ReflectionPad3d(_Pad):
    """A volume mirrored at its edges, which are not repeated.

    input: (batch, channels, depth, height, width), or without the batch; returns it with longer axes.
    """

    names = ("nn.ReflectionPad3d",)
    rank, mode = 3, "reflect"
    example = asked("nn.ReflectionPad3d(1)", "2,3,4,2")


class ReplicationPad1d(_Pad):
    """The first and the last step repeated.

    input: (batch, channels, steps), or without the batch; returns it with longer axes.
    """

    names = ("nn.ReplicationPad1d",)
    mode = "replicate"
    example = asked("nn.ReplicationPad1d([2, 1])", "3,4")


class ReplicationPad2d(_Pad):
    """The edges of an image repeated.

    input: (batch, channels, height, width), or without the batch; returns it with longer axes.
    """

    names = ("nn.ReplicationPad2d",)
    rank, mode = 2, "replicate"
    example = asked("nn.ReplicationPad2d(2)", "2,4,5")


class ReplicationPad3d(_Pad):
    """The edges of a volume repeated.

    input: (batch, channels, depth, height, width), or without the batch; returns it with longer axes.
    """

    names = ("nn.ReplicationPad3d",)
    rank, mode = 3, "replicate"
    example = asked("nn.ReplicationPad3d(1)", "2,3,4,2")


class CircularPad1d(_Pad):
    """Steps from the other end.

    input: (batch, channels, steps), or without the batch; returns it with longer axes.
    """

    names = ("nn.CircularPad1d",)
    mode = "circular"
    example = asked("nn.CircularPad1d([2, 1])", "3,4")


class CircularPad2d(_Pad):
    """An image as if it went on from the other edge.

    input: (batch, channels, height, width), or without the batch; returns it with longer axes.
    """

    names = ("nn.CircularPad2d",)
    rank, mode = 2, "circular"
    example = asked("nn.CircularPad2d(2)", "2,4,5")


class CircularPad3d(_Pad):
    """A volume as if it went on from the other edge.

    input: (batch, channels, depth, height, width), or without the batch; returns it with longer axes.
    """

    names = ("nn.CircularPad3d",)
    rank, mode = 3, "circular"
    example = asked("nn.CircularPad3d(1)", "2,3,4,2")
