"""A function as a layer; what it computes is said in the graph language, for a case holds no Python."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from .base import NO_MASK, Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .traits import absent, asked

Evaluate = Callable[[str, Mapping[str, Any]], Any]
_evaluators: list[Evaluate] = []
"""Who computes an expression of the graph language: the last that was registered (`expressions_by`)."""


def expressions_by(evaluate: Evaluate) -> None:
    """Has functions computed so: `evaluate(text, values of its names)`, in float64."""
    _evaluators[:] = [evaluate]


class Lambda(Layer):
    """What `function` says of x, an expression of the graph language: `2 * x`, `exp(x) / (1 + exp(x))`.

    x: any shape; returns the shape of the expression. Names of `arguments` stand for their values. A mask ends here
    unless `mask`, an expression over x and mask, says which goes on. Documentation of `keras.layers.Lambda`.
    """

    arithmetic = "rounds"
    native = absent("in torch a function stands in forward as it is; there is no layer for one")
    example = asked("Lambda('tanh(x)')", "3")
    positional = ("function", "output_shape", "mask", "arguments")
    is_ours = True
    functions: ClassVar[Mapping[str, tuple[str, ...]]] = {"function": ("x",), "mask": ("x", "mask")}

    function: str = arg("What is computed of x, in the graph language.")
    output_shape: tuple[int, ...] | None = arg(
        "The shape of the output without the batch, which Keras finds out by itself.", default=None
    )
    mask: str | None = arg("Which mask goes on, of x and mask; none goes on without it.", default=None)
    arguments: Mapping[str, Any] | None = arg("Names that the function reads beside x, and their values.", default=None)

    def __hash__(self) -> int:
        return hash(self.function)  # arguments may hold lists

    def computed(self, text: str, values: Mapping[str, Any]) -> Any:
        if not _evaluators:
            raise LayerError("nobody computes expressions")
        return _evaluators[-1](text, values)

    def bound(self) -> Mapping[str, Any]:
        return dict(self.arguments or {})

    def call(self, w: Weights, x: Array) -> Array:
        return self.computed(self.function, {"x": x, **self.bound()})

    def compute_mask(self, x: Any, mask: Any) -> Any:
        if self.mask is None or mask is None:
            return NO_MASK
        return self.computed(self.mask, {"x": x, "mask": mask, **self.bound()})

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Shape) -> int:
        """A sum may go over all of an input."""
        longest = 1
        for length in shapes[0] if shapes else ():
            longest *= max(length, 1)
        return longest

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("identity", "leaves the function out", output=lambda layer, y, args: args[0]),
        Mutant(
            "other_arguments",
            "takes 1 for every argument",
            methods={"bound": lambda layer: dict.fromkeys(layer.arguments or {}, 1.0)},
        ),
        Mutant("mask_goes_on", "lets the mask go on", mask=lambda layer, y, mask: mask),
        Mutant("mask_ends", "ends the mask", mask=lambda layer, y, mask: None),
    )
