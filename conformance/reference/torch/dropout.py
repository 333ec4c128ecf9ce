"""nn.Dropout and its kind: nothing in evaluation, numbers that are drawn in training."""

from __future__ import annotations

from conformance.counterpart import Counterpart, NoCounterpart, one_layer
from conformance.reference.base import Array, LayerError, Weights, arg
from conformance.reference.torch.base import Like, TorchLayer
from conformance.reference.traits import asked


class _Dropout(TorchLayer):
    """The input as it is, in evaluation; in training numbers are drawn."""

    arithmetic = "moves"
    draws = True
    keras = "Dropout"
    p: float = arg("Share that is left out in training.", default=0.5)
    inplace: bool = arg("Whether memory is used again; no number depends on it.", default=False)

    def check(self) -> None:
        if not 0 <= self.p <= 1:
            raise LayerError(f"p is a share between 0 and 1, not {self.p}")

    def call(self, w: Weights, input: Array, training: bool | None = None) -> Array:
        if training and self.p:
            raise LayerError("numbers are drawn in training: nothing is to be compared")
        return input

    def counterpart(self, input: Like) -> Counterpart:
        return one_layer(self.keras, {"rate": self.p})


class Dropout(_Dropout):
    """In training single numbers become 0 and the others larger; in evaluation nothing happens.

    input: any shape; returns the same shape.
    """

    names = ("nn.Dropout",)
    example = asked("nn.Dropout(0.3)", "7")


class Dropout1d(_Dropout):
    """In training whole channels of sequences become 0; in evaluation nothing happens.

    input: any shape; returns the same shape.
    """

    names = ("nn.Dropout1d",)
    example = asked("nn.Dropout1d(0.3)", "3,5")


class Dropout2d(_Dropout):
    """In training whole channels of images become 0; in evaluation nothing happens.

    input: any shape; returns the same shape.
    """

    names = ("nn.Dropout2d",)
    example = asked("nn.Dropout2d(0.3)", "3,4,5")


class Dropout3d(_Dropout):
    """In training whole channels of volumes become 0; in evaluation nothing happens.

    input: any shape; returns the same shape.
    """

    names = ("nn.Dropout3d",)
    example = asked("nn.Dropout3d(0.3)", "3,2,4,5")


class AlphaDropout(_Dropout):
    """In training numbers become the limit of SELU, and mean and variance stay; in evaluation nothing happens.

    input: any shape; returns the same shape.
    """

    names = ("nn.AlphaDropout",)
    keras = "AlphaDropout"
    example = asked("nn.AlphaDropout(0.3)", "7")


class FeatureAlphaDropout(_Dropout):
    """AlphaDropout of whole channels; in evaluation nothing happens.

    input: any shape; returns the same shape.
    """

    names = ("nn.FeatureAlphaDropout",)
    keras = "AlphaDropout"
    example = asked("nn.FeatureAlphaDropout(0.3)", "3,5")


class _DropoutFunction(_Dropout):
    """A function that draws unless it is told not to."""

    training: bool = arg("Whether numbers are drawn.", default=True)

    def call(self, w: Weights, input: Array) -> Array:  # type: ignore[override]  # whether it draws is an argument
        return super().call(w, input, self.training)

    def counterpart(self, input: Like) -> Counterpart:
        if self.training and self.p:
            raise NoCounterpart("numbers are drawn in training: nothing is to be compared")
        return super().counterpart(input)


class FunctionDropout(_DropoutFunction):
    """Dropout of single numbers, which draws unless it is told not to, in evaluation too.

    input: any shape; returns the same shape.
    """

    names = ("F.dropout",)
    example = asked("F.dropout(0.3, training=False)", "7")


class FunctionDropout1d(_DropoutFunction):
    """Dropout of channels of sequences, which draws unless it is told not to.

    input: any shape; returns the same shape.
    """

    names = ("F.dropout1d",)
    example = asked("F.dropout1d(0.3, training=False)", "3,5")


class FunctionDropout2d(_DropoutFunction):
    """Dropout of channels of images, which draws unless it is told not to.

    input: any shape; returns the same shape.
    """

    names = ("F.dropout2d",)
    example = asked("F.dropout2d(0.3, training=False)", "3,4,5")


class FunctionDropout3d(_DropoutFunction):
    """Dropout of channels of volumes, which draws unless it is told not to.

    input: any shape; returns the same shape.
    """

    names = ("F.dropout3d",)
    example = asked("F.dropout3d(0.3, training=False)", "3,2,4,5")


class FunctionAlphaDropout(_DropoutFunction):
    """AlphaDropout, which draws only where it is told to.

    input: any shape; returns the same shape.
    """

    names = ("F.alpha_dropout",)
    keras = "AlphaDropout"
    example = asked("F.alpha_dropout(0.3)", "7")
    training: bool = arg("Whether numbers are drawn.", default=False)


class FunctionFeatureAlphaDropout(FunctionAlphaDropout):
    """AlphaDropout of whole channels, which draws only where it is told to.

    input: any shape; returns the same shape.
    """

    names = ("F.feature_alpha_dropout",)
    example = asked("F.feature_alpha_dropout(0.3)", "3,5")
