"""The functions of `keras.random`, each as a type that a case calls: `random.normal`, and what it calls itself with.

What is drawn is another in every lane; cases say what holds of every draw. An integer seed gives the same numbers at
every call, a SeedGenerator others at each, and the same ones as another SeedGenerator of its seed. Sources: the
documentation of `keras.random`, and the definitions of the distributions in `distributions`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Literal

import autograd.numpy as np
import numpy

from . import distributions
from .base import Array, Layer, LayerError, Mutant, Weights, arg, make
from .distributions import Distribution
from .initial_weights import initializer
from .initializers import _Drawing as _DrawingInitializer
from .initializers import truncated
from .operations.base import plain
from .traits import absent

PREFIX = "random."
SHAPE = "The shape of what is drawn."
SEED = "An integer, which draws the same at every call, a SeedGenerator, which does not, or null."
CALLS = "calls"
"""Under which a function remembers how often it was called."""


class _Random(Layer):
    """What all functions of `keras.random` share."""

    arithmetic = "moves"
    native = absent("torch draws from a generator of its own")
    offered_in = "random"
    is_eager_only = True
    written_as_case = "what is drawn at random is asked by what holds of every draw: cases/random/"
    without_port = "torch draws from a generator of its own"

    @classmethod
    def type_name(cls) -> str:
        return PREFIX + re.sub(r"(?<!^)(?=[A-Z])", "_", cls.__name__).lower()


def _stuck(layer: Any, output: Any, args: list[Any]) -> Any:
    return numpy.asarray(output) * numpy.array([1, 0])


class SeedGenerator(_Random):
    """A seed that moves on: gives (seed, number of calls so far), shape (2,), integers.

    Two of the same seed give the same seeds one after the other. It stands in the argument `seed` of a function.
    """

    mutants = (Mutant("stuck", "gives the same seed again", output=_stuck),)

    seed: int | None = arg("Where it starts; null for a start of its own.", default=None)

    @classmethod
    def type_name(cls) -> str:
        return f"{PREFIX}{cls.__name__}"

    @classmethod
    def draws_with(cls, config: Mapping[str, Any]) -> bool:
        return config.get("seed") is None

    def call(self, w: Weights) -> Array:
        if "start" not in w.state:
            w.state["start"] = int(w.random.integers(1, 10**9)) if self.seed is None else self.seed
        count = w.state[CALLS] = w.state.get(CALLS, -1) + 1
        return numpy.array([w.state["start"], count])


def _overlooks_the_seed(layer: Any, w: Weights) -> Any:
    return _generator(w, 1, next_call(w))


def _is_stuck(layer: Any, w: Weights) -> Any:
    return _generator(w, 7)


class _Drawing(_Random):
    """What all share that draw."""

    draws = True
    trains_unasked = True

    seed: int | Layer | None = arg(SEED, default=None)

    def check(self) -> None:
        if isinstance(self.seed, Layer) and not isinstance(self.seed, SeedGenerator):
            raise LayerError("a seed is an integer or a random.SeedGenerator")
        self.check_numbers()

    def check_numbers(self) -> None:
        """Raises LayerError for a distribution that there is not."""

    def random(self, w: Weights) -> numpy.random.Generator:
        """Where numbers come from: the same for the same integer, and another one at each call of all else.

        A seed stands for other numbers in each of the draws that `w.random` begins: no two frameworks agree on them.
        """
        if isinstance(self.seed, Layer):
            return _generator(w, *map(int, self.seed.call(w.within("seed"))))
        return _generator(w, self.seed) if self.seed is not None else _generator(w, 0, 0, next_call(w))


def _generator(w: Weights, *seed: int) -> numpy.random.Generator:
    sequence: Any = w.random.bit_generator.seed_seq
    return numpy.random.default_rng([int(sequence.entropy), *map(abs, seed)])


def next_call(w: Weights) -> int:
    """How many calls there were, with this one."""
    count: int = w.state.get(CALLS, 0) + 1
    w.state[CALLS] = count
    return count


MOVES_ON = Mutant("moves_on", "draws others at each call, whatever the seed", methods={"random": _overlooks_the_seed})
STUCK = Mutant("one_seed", "draws the same whatever the seed", methods={"random": _is_stuck})


class _Shaped(_Drawing):
    """What is drawn in a shape, each number by itself from one distribution."""

    shape: tuple[int, ...] = arg(SHAPE)

    def drawn_from(self) -> Distribution:
        """What each number is drawn from."""
        raise NotImplementedError

    def call(self, w: Weights) -> Array:
        return self.numbers(self.random(w))

    def numbers(self, random: numpy.random.Generator) -> Array:
        """An array of the shape."""
        raise NotImplementedError


class Normal(_Shaped):
    """Normal numbers. Gives an array of `shape`, shape (...)."""

    mean: float = arg("The mean.", default=0.0)
    stddev: float = arg("The standard deviation.", default=1.0, at_least=0)
    mutants = (
        Mutant("usual", "overlooks the deviation", config=lambda m: {"stddev": 1.0}),
        Mutant("variance", "takes the deviation for the variance", config=lambda m: {"stddev": math.sqrt(m.stddev)}),
        Mutant("about_zero", "overlooks the mean", config=lambda m: {"mean": 0.0}),
        MOVES_ON,
        STUCK,
    )

    def numbers(self, random: numpy.random.Generator) -> Array:
        return random.normal(self.mean, self.stddev, self.shape)

    def drawn_from(self) -> Distribution:
        return distributions.normal(self.mean, self.stddev)


class TruncatedNormal(_Shaped):
    """Normal numbers, those beyond two `stddev` from the mean drawn anew. Gives an array of `shape`, shape (...)."""

    mean: float = arg("The mean.", default=0.0)
    stddev: float = arg("The standard deviation before it is cut off.", default=1.0, at_least=0)
    mutants = (
        Mutant(
            "uncut",
            "cuts nothing off",
            methods={"numbers": lambda m, random: random.normal(m.mean, m.stddev, m.shape)},
        ),
        Mutant(
            "clipped",
            "puts at the end what is beyond it",
            methods={"numbers": lambda m, random: m.mean + m.stddev * random.normal(size=m.shape).clip(-2.0, 2.0)},
        ),
        Mutant("usual", "overlooks the deviation", config=lambda m: {"stddev": 1.0}),
    )

    def numbers(self, random: numpy.random.Generator) -> Array:
        return self.mean + truncated(random, self.stddev, self.shape)

    def drawn_from(self) -> Distribution:
        return distributions.cut_off(self.mean, self.stddev)


class Uniform(_Shaped):
    """Evenly from minval to maxval. Gives an array of `shape`, shape (...)."""

    minval: float = arg("The lowest number.", default=0.0)
    maxval: float = arg("The end of the range.", default=1.0)
    mutants = (
        Mutant("usual", "overlooks the range", config=lambda m: {"minval": 0.0, "maxval": 1.0}),
        Mutant("width", "takes the end for the width", config=lambda m: {"maxval": m.minval + m.maxval}),
    )

    def numbers(self, random: numpy.random.Generator) -> Array:
        return random.uniform(self.minval, self.maxval, self.shape)

    def drawn_from(self) -> Distribution:
        return distributions.uniform(self.minval, self.maxval)


class Randint(_Shaped):
    """Each whole number from minval to maxval - 1 alike. Gives an array of `shape`, shape (...), integers."""

    minval: int = arg("The lowest number.")
    maxval: int = arg("The first number beyond the range.")
    dtype: Literal["int8", "int16", "int32", "int64"] = arg("The dtype.", default="int32")
    mutants = (
        Mutant("end_too", "draws the end too", config=lambda m: {"maxval": m.maxval + 1}),
        Mutant("from_zero", "draws from 0 on", config=lambda m: {"minval": 0}),
        Mutant("usual_dtype", "overlooks the dtype", config=lambda m: {"dtype": "int32"}),
        Mutant("as_floats", "gives floats", output=lambda m, y, args: y * 1.0),
    )

    def check_numbers(self) -> None:
        if self.minval >= self.maxval:
            raise LayerError(f"there is no whole number from {self.minval} to below {self.maxval}")

    def numbers(self, random: numpy.random.Generator) -> Array:
        return random.integers(self.minval, self.maxval, self.shape).astype(self.dtype)

    def drawn_from(self) -> Distribution:
        return distributions.whole(self.minval, self.maxval)


class Gamma(_Shaped):
    """By the gamma distribution of shape `alpha` and scale 1. Gives an array of `shape`, shape (...)."""

    alpha: float = arg("The distribution's shape.")
    mutants = (
        Mutant("exponential", "overlooks alpha", config=lambda m: {"alpha": 1.0}),
        Mutant("as_scale", "takes alpha for the scale", output=lambda m, y, args: y / m.alpha),
    )

    def check_numbers(self) -> None:
        if self.alpha <= 0:
            raise LayerError(f"alpha={self.alpha} is not positive")

    def numbers(self, random: numpy.random.Generator) -> Array:
        return random.gamma(self.alpha, size=self.shape)

    def drawn_from(self) -> Distribution:
        return distributions.gamma(self.alpha)


class Beta(_Shaped):
    """By the beta distribution. Gives an array of `shape`, shape (...), from 0 to 1."""

    alpha: float = arg("The first of its shapes.")
    beta: float = arg("The second.")
    mutants = (
        Mutant("order", "changes the shapes over", config=lambda m: {"alpha": m.beta, "beta": m.alpha}),
        Mutant("even", "draws evenly", config=lambda m: {"alpha": 1.0, "beta": 1.0}),
    )

    def check_numbers(self) -> None:
        if self.alpha <= 0 or self.beta <= 0:
            raise LayerError(f"alpha={self.alpha} and beta={self.beta} are not both positive")

    def numbers(self, random: numpy.random.Generator) -> Array:
        return random.beta(self.alpha, self.beta, self.shape)

    def drawn_from(self) -> Distribution:
        return distributions.beta(self.alpha, self.beta)


class Binomial(_Shaped):
    """How many of `counts` trials succeed. Gives an array of `shape`, shape (...), whole numbers as floats."""

    counts: int = arg("The number of trials.", at_least=0)
    probabilities: float = arg("How likely each succeeds.", at_least=0)
    mutants = (
        Mutant("failures", "counts what fails", output=lambda m, y, args: m.counts - y),
        Mutant("shares", "gives the share that succeeds", output=lambda m, y, args: y / m.counts),
        Mutant("one_trial", "overlooks the trials", config=lambda m: {"counts": 1}),
    )

    def check_numbers(self) -> None:
        if self.probabilities > 1:
            raise LayerError(f"probabilities={self.probabilities} is more than 1")

    def numbers(self, random: numpy.random.Generator) -> Array:
        return random.binomial(self.counts, self.probabilities, self.shape).astype(float)

    def drawn_from(self) -> Distribution:
        return distributions.binomial(self.counts, self.probabilities)


class Categorical(_Drawing):
    """Classes, class k as often as exp(logit k) over the sum of them.

    logits: (batch, classes). Gives (batch, num_samples), integers.
    """

    num_samples: int = arg("How many are drawn for each row.", at_least=0)
    dtype: Literal["int8", "int16", "int32", "int64"] = arg("The dtype.", default="int32")
    mutants = (
        Mutant("even", "overlooks the logits", inputs=lambda m, args, kwargs: ([args[0] * 0.0], kwargs)),
        Mutant(
            "probabilities",
            "takes logits for probabilities",
            inputs=lambda m, args, kwargs: ([numpy.log(numpy.abs(args[0]) + 1e-9)], kwargs),
        ),
        Mutant(
            "first_row",
            "draws all rows from the first",
            inputs=lambda m, args, kwargs: ([args[0] * 0.0 + args[0][:1]], kwargs),
        ),
        Mutant("usual_dtype", "overlooks the dtype", config=lambda m: {"dtype": "int32"}),
    )

    def call(self, w: Weights, logits: Array) -> Array:
        if numpy.ndim(logits) != 2:
            raise LayerError(f"logits have the axes (batch, classes), not {numpy.ndim(logits)}")
        random, logits = self.random(w), plain(logits)
        shares = numpy.exp(logits - numpy.max(logits, axis=1, keepdims=True))
        shares = shares / shares.sum(axis=1, keepdims=True)
        rows = [random.choice(len(row), self.num_samples, p=row) for row in shares]
        return numpy.stack(rows).astype(self.dtype)


class Dropout(_Drawing):
    """0 for a share `rate` of the numbers, the others divided by 1 - rate.

    inputs: (...). Gives the same shape. What is drawn for a length of 1 in `noise_shape` holds along that axis.
    """

    rate: float = arg("The share that becomes 0.", at_least=0)
    noise_shape: tuple[int | None, ...] | None = arg(
        "The shape of the draws; null for that of the input.", default=None
    )
    mutants = (
        Mutant("unscaled", "leaves what is kept as it is", output=lambda m, y, args: y * (1.0 - m.rate)),
        Mutant("keeps_rate", "keeps this share", config=lambda m: {"rate": 1.0 - m.rate}),
        Mutant("each_by_itself", "overlooks noise_shape", config=lambda m: {"noise_shape": None}),
    )

    def check_numbers(self) -> None:
        if not self.rate <= 1:
            raise LayerError(f"rate={self.rate} is not between 0 and 1")

    def call(self, w: Weights, inputs: Array) -> Array:
        if self.rate == 0:
            return inputs
        if self.rate == 1:
            return np.zeros_like(inputs)
        given = self.noise_shape or (None,) * inputs.ndim
        if len(given) != inputs.ndim:
            raise LayerError(f"noise_shape has {len(given)} axes, and the input {inputs.ndim}")
        shape = [length if drawn is None else drawn for drawn, length in zip(given, inputs.shape, strict=True)]
        return np.where(self.random(w).random(shape) >= self.rate, inputs / (1.0 - self.rate), 0.0)


def _twice(layer: Any, output: Any, args: list[Any]) -> Any:
    """The first along the axis stands in the place of the last too."""
    moved = numpy.moveaxis(numpy.array(plain(output)), layer.axis, 0)
    moved[-1] = moved[0]
    return numpy.moveaxis(moved, 0, layer.axis)


class Shuffle(_Drawing):
    """The input in another order along one axis, every order alike. x: (...). Gives the same shape."""

    axis: int = arg("Along which axis.", default=0)
    mutants = (
        Mutant("loses_one", "gives one twice and another not", output=_twice),
        Mutant("first_axis", "overlooks the axis", config=lambda m: {"axis": 0}),
        Mutant(
            "each_by_itself",
            "shuffles what stands along other axes by itself",
            methods={"call": lambda m, w, x: m.random(w).permuted(plain(x), axis=m.axis)},
        ),
        Mutant(
            "rolls",
            "turns the order around",
            methods={"call": lambda m, w, x: np.roll(x, m.random(w).integers(1, numpy.shape(x)[m.axis]), axis=m.axis)},
        ),
        Mutant("leaves", "leaves the order", methods={"call": lambda m, w, x: x}),
    )

    def call(self, w: Weights, x: Array) -> Array:
        if not -numpy.ndim(x) <= self.axis < numpy.ndim(x):
            raise LayerError(f"there is no axis {self.axis} of {numpy.ndim(x)}")
        order = self.random(w).permutation(numpy.shape(x)[self.axis])
        return np.moveaxis(np.moveaxis(x, self.axis, 0)[order], 0, self.axis)


def drawn_by(written: Mapping[str, Any], shape: tuple[int, ...]) -> _Shaped | _DrawingInitializer:
    """What a claim says that numbers are drawn from: a function of `keras.random`, or an initialiser of this shape.

    Raises LayerError for what has no reference, no distribution of single numbers, or only one number to give.
    """
    kind = str(written["type"])
    if not kind.startswith(PREFIX):
        found = initializer(written, shape)
        if not isinstance(found, _DrawingInitializer):
            raise LayerError(f"nothing is drawn from {kind}: its numbers are compared")
        return found
    one = make(kind, {**{key: value for key, value in written.items() if key != "type"}, "shape": list(shape)})
    if not isinstance(one, _Shaped):
        raise LayerError(f"{kind} does not draw each number by itself")
    if not one.drawn_from().variance > 0:
        raise LayerError(f"{kind} gives one number alone with these arguments: it is compared")
    return one
