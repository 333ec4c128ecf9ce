"""What optimisers share that correct running means of the gradient and of its square, for these begin with 0."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from .base import Mutant, arg
from .optimizer_base import Optimizer


class _Powers(Optimizer):
    """What optimisers share that take powers of numbers near 1 from 1."""

    _off: tuple[float, float] = arg("Relative errors of the powers of the betas; no argument.", default=(0.0, 0.0))

    def rounded(self, random: np.random.Generator, unit: float) -> Optimizer:
        """1 - beta^t cancels: a power that is off by 6e-8 makes a first step that is off by 3e-5."""
        off = random.uniform(-unit, unit, 2)
        rated: Any = super().rounded(random, unit)
        return dataclasses.replace(rated, _off=(float(off[0]), float(off[1])))  # type: ignore[no-any-return]  # as self


class _Averages(_Powers):
    """What optimisers with both running means share (Kingma and Ba 2015, section 3)."""

    beta_1: float = arg("Share of the old mean of gradients that stays.", default=0.9, at_least=0)
    beta_2: float = arg("Share of the old mean of squares that stays.", default=0.999, at_least=0)
    epsilon: float = arg("Added to what a step is divided by.", default=1e-7, at_least=0)

    def corrections(self, number: int) -> tuple[float, float]:
        """What the running means have of a constant after so many steps from 0."""
        first, second = self.beta_1**number * (1.0 + self._off[0]), self.beta_2**number * (1.0 + self._off[1])
        return 1.0 - first, 1.0 - second


UNCORRECTED = Mutant(
    "uncorrected",
    "does not correct the means of the first steps",
    methods={"corrections": lambda optimizer, number: (1.0, 1.0)},
)
