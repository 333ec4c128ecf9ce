"""A table of words that is used in both directions: ids to rows, and rows to a score for each id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .activations import tanh
from .base import NO_MASK, Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .core import Embedding
from .traits import Axes, Drawn, asked, called


class ReversibleEmbedding(Layer):
    """Ids become rows of a table E as in Embedding; with `reverse`, rows x become scores x E^T, one for each id.

    x: (...) of ids, or, with `reverse`, (..., output_dim) of floats. Returns (..., output_dim), or (..., input_dim).
    Without `tie_weights` the way back has a matrix of its own, (output_dim, input_dim). A `logit_soft_cap` c makes
    scores c tanh(scores / c). With `mask_zero` the mask of ids is false where the id is 0; the way back has none.
    Press and Wolf, "Using the output embedding to improve language models", 2016; documentation of
    `keras.layers.ReversibleEmbedding`.
    """

    arithmetic = "moves"
    native = called("nn.Embedding", reason="the way back is F.linear(x, embedding.weight)")
    layout = "table"
    example = asked("ReversibleEmbedding(7, 3)", "5")
    input_names = ("ids",)
    takes_ids = True
    makes_mask = True
    positional = ("input_dim", "output_dim", "tie_weights")
    initializers: ClassVar[Mapping[str, str]] = {"reverse_embeddings": "embeddings_initializer"}
    begins: ClassVar[Mapping[str, Any]] = {"reverse_embeddings": "RandomUniform"}

    keras_only: ClassVar[tuple[str, ...]] = (
        "embeddings_initializer",
        "embeddings_regularizer",
        "embeddings_constraint",
    )

    input_dim: int = arg("Number of rows: the largest id plus 1.", at_least=1)
    output_dim: int = arg("Length of a row.", at_least=1)
    tie_weights: bool = arg("Whether the way back takes the same table.", default=True)
    mask_zero: bool = arg("Whether id 0 is padding and is masked; it keeps its row.", default=False)
    logit_soft_cap: float | None = arg("Scores stay between it and its negative.", default=None)

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        return ("steps",) if rank == 1 else ("rows", "steps")

    @classmethod
    def drawn(cls, config: Mapping[str, Any], name: str, shapes: Mapping[str, Sequence[int]]) -> Drawn:
        return Drawn("int32", {"integers": [0, config["input_dim"]]})

    def weights(self, *shapes: Shape) -> Mapping[str, Weight]:
        table = {"embeddings": Weight((self.input_dim, self.output_dim), "table")}
        return table if self.tie_weights else {**table, "reverse_embeddings": Weight((self.output_dim, self.input_dim))}

    def call(self, w: Weights, x: Array, reverse: bool = False) -> Array:
        if not reverse:
            table = Embedding(input_dim=self.input_dim, output_dim=self.output_dim)
            return table.call(w, x)
        if x.shape[-1] != self.output_dim:
            raise LayerError(f"the way back takes rows of {self.output_dim} numbers, not of {x.shape[-1]}")
        return self.capped(np.dot(x, self.way_back(w)))

    def way_back(self, w: Weights) -> Array:
        """(output_dim, input_dim)"""
        return np.transpose(w.embeddings) if self.tie_weights else w.reverse_embeddings

    def capped(self, scores: Array) -> Array:
        return scores if self.logit_soft_cap is None else self.logit_soft_cap * tanh(scores / self.logit_soft_cap)

    def compute_mask(self, x: Any, mask: Any) -> Any:
        is_of_ids = numpy.asarray(getval(x)).dtype.kind in "iu"
        return getval(x) != 0 if self.mask_zero and is_of_ids else NO_MASK

    def computes(self) -> Any:
        return "rounds"

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return self.output_dim

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("always_tied", "takes the table for the way back too", config=lambda layer: {"tie_weights": True}),
        Mutant("no_cap", "leaves scores as they are", config=lambda layer: {"logit_soft_cap": None}),
        Mutant(
            "clips",
            "cuts scores off at the cap",
            methods={
                "capped": lambda layer, s: (
                    s if layer.logit_soft_cap is None else np.clip(s, -layer.logit_soft_cap, layer.logit_soft_cap)
                )
            },
        ),
        Mutant(
            "untransposed",
            "reads the table's numbers as (output_dim, input_dim)",
            methods={
                "way_back": lambda layer, w: (
                    np.reshape(w.embeddings, (layer.output_dim, layer.input_dim))
                    if layer.tie_weights
                    else w.reverse_embeddings
                )
            },
        ),
        Mutant("no_mask", "forgets the mask of id 0", mask=lambda layer, mask, given: NO_MASK),
        Mutant(
            "off_by_one",
            "counts the rows from 1",
            inputs=lambda layer, args, kwargs: (
                args if kwargs.get("reverse") else [(args[0] + layer.input_dim - 1) % layer.input_dim],
                kwargs,
            ),
        ),
    )
