"""A layer whose kernel has the largest singular value 1: spectral normalisation."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping
from typing import Any, ClassVar

import autograd.numpy as np
import numpy
from autograd.tracer import getval

from .base import Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .traits import Arithmetic, asked, composed


def unit(vector: Array) -> Array:
    """The vector over its length."""
    return vector / np.sqrt(np.sum(vector**2))


class SpectralNormalization(Layer):
    """In training, the kernel of a layer is divided by its largest singular value, and stays so; then the layer is run.

    x: any shape that the layer takes; it gives the same. The kernel W is taken as (-1, channels); from a vector u
    (1, channels) that is remembered, `power_iterations` times v = unit(u W^T), u = unit(v W); then v W u^T is the
    singular value. Miyato et al., "Spectral normalization for generative adversarial networks", 2018, algorithm 1. A
    kernel of zeros stays. Outside of training nothing is changed. The weights are named `layer.kernel` ... and
    `vector_u`; an Embedding's table is its kernel.
    """

    arithmetic = "rounds"
    native = composed(
        "nn.utils.spectral_norm(layer)(x)",
        reason="torch divides by the singular value in every call, and keeps the kernel as it was",
    )
    example = asked("SpectralNormalization(Dense(7))", "3")
    moves_weights = True
    begins: ClassVar[Mapping[str, Any]] = {"vector_u": {"type": "TruncatedNormal", "stddev": 0.02}}

    layer: Layer = arg("The layer whose kernel is normalised.")
    power_iterations: int = arg("How often the vector is brought nearer to the singular vector.", default=1, at_least=1)

    def computes(self) -> Arithmetic:
        return self.layer.computes()

    def weights(self, *shapes: Shape) -> Mapping[str, Weight]:
        inner = dict(self.layer.weights(*shapes))
        name = self.kernel_of(inner)
        kernel = inner.pop(name)
        return {
            f"layer.{name}": kernel,
            "vector_u": Weight((1, kernel.shape[-1]), "bias", is_trained=False),
            **{f"layer.{other}": weight for other, weight in inner.items()},
        }

    def kernel_of(self, weights: Mapping[str, Any]) -> str:
        """The weight that is normalised. Raises LayerError where the layer has none of that kind."""
        for name in ("kernel", "embeddings"):
            if name in weights:
                return name
        raise LayerError(f"{type(self.layer).__name__} has neither a kernel nor embeddings")

    def call(self, w: Weights, x: Array, training: bool = False) -> Array:
        inner = {name[len("layer.") :]: value for name, value in w.arrays.items() if name.startswith("layer.")}
        name = self.kernel_of(inner)
        kept = w.state.setdefault("layer", {})
        inner[name] = kept.get(name, inner[name])
        if training and np.any(getval(inner[name]) != 0):
            inner[name], u = self.normalized(inner[name], w.state.get("vector_u", w.vector_u))
            kept[name], w.state["vector_u"] = getval(inner[name]), getval(u)
        takes = inspect.signature(self.layer.call).parameters
        options = {"training": training} if "training" in takes else {}
        return self.layer.call(Weights(inner, {}, w.random), x, **options)

    def normalized(self, kernel: Array, u: Array) -> tuple[Array, Array]:
        """The kernel over its singular value, and the vector that it was found with."""
        matrix = np.reshape(kernel, (-1, np.shape(kernel)[-1]))
        v = u
        for _ in range(self.power_iterations):
            v = unit(np.dot(u, matrix.T))
            u = unit(np.dot(v, matrix))
        return kernel / np.sum(np.dot(np.dot(v, matrix), u.T)), u

    def compute_mask(self, x: Any, mask: Any) -> Any:
        return self.layer.compute_mask(x, mask)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        inner = {name[len("layer.") :]: weight for name, weight in weights.items() if name.startswith("layer.")}
        kernel = inner[self.kernel_of(inner)].shape
        return max(self.layer.longest_sum(inner, *shapes), math.prod(kernel))

    def rule(self, *shapes: Any) -> str:
        return self.layer.rule(*shapes)

    mutants: ClassVar[tuple[Mutant, ...]] = (
        Mutant(
            "length_of_the_kernel",
            "divides by the root of the sum of squares",
            methods={"normalized": lambda layer, kernel, u: (unit(kernel), u)},
        ),
        Mutant(
            "row_by_row",
            "divides each channel by its own length, as weight normalisation does",
            methods={
                "normalized": lambda layer, kernel, u: (
                    kernel / np.sqrt(np.sum(kernel**2, axis=tuple(range(np.ndim(kernel) - 1)), keepdims=True)),
                    u,
                )
            },
        ),
        Mutant("one_iteration", "stops after one iteration", config=lambda layer: {"power_iterations": 1}),
        Mutant(
            "exact",
            "takes the singular value itself, however few the iterations",
            methods={
                "normalized": lambda layer, kernel, u: (
                    kernel / numpy.linalg.svd(numpy.reshape(getval(kernel), (-1, np.shape(kernel)[-1])))[1][0],
                    u,
                )
            },
        ),
        Mutant(
            "never",
            "leaves the kernel as it is",
            inputs=lambda layer, args, kwargs: (args, {**kwargs, "training": False}),
        ),
        Mutant(
            "always",
            "normalises outside of training too, as torch's does",
            inputs=lambda layer, args, kwargs: (args, {**kwargs, "training": True}),
        ),
        Mutant(
            "forgets",
            "keeps neither kernel nor vector",
            state=lambda layer, before, after, args: {"layer": {}, "vector_u": before["vector_u"]},
        ),
    )
