"""Muon, which moves matrices by orthogonal steps, and everything else by AdamW."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import ClassVar

import numpy as np

from .adam import AdamW
from .averages import _Powers
from .base import Array, Mutant, arg
from .optimizer_base import Arrays, Memory, decay_of, decaying_by
from .traits import absent

NORM_EPSILON = 1e-7
"""Added to the norm by which a step is divided before it is made orthogonal, in the authors' own implementation."""
USUAL = {"muon_a": 3.4445, "muon_b": -4.775, "muon_c": 2.0315}
"""The authors' polynomial, which takes every singular value between 0 and 1 near to 1 in five steps."""


class Muon(_Powers):
    """w - learning_rate s O(D) for a matrix w (rows, columns): D = g + momentum M, or M itself without `nesterov`.

    M = momentum M + g. O(D) starts with X = D / |D|, |D| the root of the sum of squares, and replaces X by
    a X + b (X X^T) X + c (X X^T)^2 X, `ns_steps` times: the singular values come near to 1. s is
    rms_rate sqrt(max(rows, columns)), or 1 without `rms_rate`. Jordan et al., "Muon: an optimizer for hidden layers in
    neural networks", 2024; Liu et al., "Muon is scalable for LLM training", 2025, equations 1, 2 and 4. Weights with
    other than two axes, tables of embeddings and those of layers that are named in `exclude_layers` take AdamW's step.
    """

    native = absent("torch has optim.Muon, which works in bfloat16 and takes matrices alone")

    adam_beta_1: float = arg("AdamW's share of the old mean of gradients that stays.", default=0.9, at_least=0)
    adam_beta_2: float = arg("AdamW's share of the old mean of squares that stays.", default=0.999, at_least=0)
    adam_weight_decay: float | None = arg("weight_decay of what AdamW moves.", default=0.004)
    epsilon: float = arg("Added by AdamW to the root of the mean of squares.", default=1e-7, at_least=0)
    weight_decay: float | None = arg(
        "Share of a matrix, times the learning rate, that goes at each step.", default=0.004
    )
    exclude_layers: tuple[str, ...] | None = arg("Words; what has one in its path takes AdamW's step.", default=None)
    exclude_embeddings: bool = arg("Whether tables of embeddings take AdamW's step.", default=True)
    muon_a: float = arg("a, of the matrix itself.", default=3.4445)
    muon_b: float = arg("b, of its third power.", default=-4.775)
    muon_c: float = arg("c, of its fifth power.", default=2.0315)
    adam_lr_ratio: float = arg("AdamW's learning rate as a share of the learning rate.", default=1.0, at_least=0)
    momentum: float = arg("Share of the old sum of gradients that stays.", default=0.95, at_least=0)
    ns_steps: int = arg("How often the polynomial is taken.", default=5, at_least=0)
    nesterov: bool = arg("Whether to look ahead by the momentum.", default=True)
    rms_rate: float | None = arg("Size of a step, as AdamW's are; null for orthogonal ones as they are.", default=0.2)

    def apply(self, number: int, weights: Arrays, gradients: Arrays, memory: Memory) -> dict[str, Array]:
        clipped = self.clipped(gradients)
        return {
            name: self.moved(number, name, w, clipped[name], memory.setdefault(name, {})) for name, w in weights.items()
        }

    def moved(self, number: int, name: str, w: Array, g: Array, memory: dict[str, Array]) -> Array:
        """A weight after a step."""
        if self.is_adams(name, w):
            adam = self.adam()
            return w - self.adam_decay(name) * w - adam.change(number, g, g**2, memory)
        step = self.scale(w) * self.orthogonal(self.direction(g, memory))
        return w - self.decay(name) * w - self.learning_rate * step

    def is_adams(self, name: str, w: Array) -> bool:
        """Whether a weight called `layer.weight` takes AdamW's step."""
        path = name.replace(".", "/")
        is_table = self.exclude_embeddings and "embedding" in name.rpartition(".")[2]
        return np.ndim(w) != 2 or is_table or any(word in path for word in self.exclude_layers or ())

    def adam(self) -> AdamW:
        """What moves the weights that are no matrices."""
        return AdamW(
            learning_rate=self.learning_rate * self.adam_lr_ratio,
            beta_1=self.adam_beta_1,
            beta_2=self.adam_beta_2,
            epsilon=self.epsilon,
            weight_decay=self.adam_weight_decay,
            exclude_from_weight_decay=self.exclude_from_weight_decay,
            _off=self._off,
        )

    def adam_decay(self, name: str) -> float:
        """The share that a weight of AdamW's loses beside a step: by the learning rate that AdamW has."""
        return self.adam().decay(name)

    def direction(self, g: Array, memory: dict[str, Array]) -> Array:
        """The gradient and those before it, as one matrix."""
        memory["M"] = self.momentum * memory.get("M", 0.0) + g
        return g + self.momentum * memory["M"] if self.nesterov else memory["M"]

    def scale(self, w: Array) -> float:
        """How long a step is, beside an orthogonal one."""
        return 1.0 if self.rms_rate is None else self.rms_rate * math.sqrt(max(np.shape(w)))

    def normalised(self, direction: Array) -> Array:
        """A matrix whose singular values are at most 1."""
        return direction / (math.sqrt(float(np.sum(direction**2))) + NORM_EPSILON)

    def orthogonal(self, direction: Array) -> Array:
        """The direction with singular values near 1."""
        x = self.normalised(direction)
        for _ in range(self.ns_steps):
            square = np.matmul(x, np.transpose(x))
            x = self.muon_a * x + np.matmul(self.muon_b * square + self.muon_c * np.matmul(square, square), x)
        return x

    def _in_rows(self, direction: Array) -> Array:
        return direction / (np.sqrt(np.sum(direction**2, axis=1, keepdims=True)) + NORM_EPSILON)

    def _by_shape(self, w: Array) -> float:
        return math.sqrt(max(1.0, np.shape(w)[0] / np.shape(w)[1]))

    def _averaged(self, g: Array, memory: dict[str, Array]) -> Array:
        memory["M"] = self.momentum * memory.get("M", 0.0) + (1.0 - self.momentum) * g
        return g + self.momentum * memory["M"] if self.nesterov else memory["M"]

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant("forgets", "forgets the gradients before", config=lambda layer: {"momentum": 0.0}),
        Mutant("looks_ahead", "looks ahead unasked", config=lambda layer: {"nesterov": True}),
        Mutant("does_not_look_ahead", "does not look ahead", config=lambda layer: {"nesterov": False}),
        Mutant("averages", "takes the mean of gradients, and looks ahead from it", methods={"direction": _averaged}),
        Mutant("one_less", "takes the polynomial once less", config=lambda layer: {"ns_steps": layer.ns_steps - 1}),
        Mutant("not_orthogonal", "divides by the norm and leaves it at that", config=lambda layer: {"ns_steps": 0}),
        Mutant("in_rows", "divides each row by its own norm", methods={"normalised": _in_rows}),
        Mutant("no_norm", "takes the polynomial of the step as it is", methods={"normalised": lambda self, step: step}),
        Mutant("no_fifth_power", "leaves the fifth power out", config=lambda layer: {"muon_c": 0.0}),
        Mutant("usual_numbers", "has the usual a, b and c", config=lambda layer: USUAL),
        Mutant("unscaled", "makes orthogonal steps as they are", config=lambda layer: {"rms_rate": None}),
        Mutant("scaled", "scales steps unasked", config=lambda layer: {"rms_rate": 0.2}),
        Mutant(
            "by_smaller_side",
            "scales by the smaller of rows and columns",
            methods={"scale": lambda self, w: (self.rms_rate or 1.0) * math.sqrt(min(np.shape(w)))},
        ),
        Mutant("by_shape", "scales by rows over columns, as the first implementation", methods={"scale": _by_shape}),
        Mutant("moves_tables", "moves tables as matrices", config=lambda layer: {"exclude_embeddings": False}),
        Mutant("spares_tables", "has tables moved by AdamW", config=lambda layer: {"exclude_embeddings": True}),
        Mutant("excludes_nothing", "overlooks exclude_layers", config=lambda layer: {"exclude_layers": None}),
        Mutant(
            "all_by_adam", "moves everything by AdamW", methods={"is_adams": lambda optimizer, name, w: np.ndim(w) > -1}
        ),
        Mutant("one_rate", "gives AdamW the learning rate itself", config=lambda layer: {"adam_lr_ratio": 1.0}),
        Mutant(
            "decays_by_whole_rate",
            "lets what AdamW moves decay by the learning rate itself, whatever adam_lr_ratio says",
            methods={
                "adam_decay": lambda self, name: replace(self, adam_lr_ratio=1.0).adam().decay(name),
            },
        ),
        Mutant(
            "one_decay",
            "takes weight_decay for AdamW's too",
            config=lambda layer: {"adam_weight_decay": layer.weight_decay},
        ),
        Mutant("no_decay", "lets no matrix decay", config=lambda layer: {"weight_decay": None}),
        Mutant("no_adam_decay", "lets nothing of AdamW's decay", config=lambda layer: {"adam_weight_decay": None}),
        Mutant(
            "decays_after_step",
            "takes the decay of the weight that has moved",
            step=decaying_by(lambda optimizer, number, w, moved: decay_of(optimizer, moved) * (np.ndim(w) == 2)),
        ),
    )
