"""One lane asked in several ways of executing: eagerly, and traced as `fit` and `predict` do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from conformance.errors import UsageError
from conformance.lanes.options import ALLOWED
from conformance.lanes.spec import LaneSpec

MODES = ("eager", "function")
"""Ways in which the gate asks."""
GRADIENTS_OF = 25
"""Of one case in so many, the gradients of the traced function are asked too. They take several times as long as all
the rest of it, and are TensorFlow's own derivation of a graph whose values are asked in every case, as every step of
training is."""


def parsed(text: str) -> tuple[str, ...]:
    """`eager,function` as its words. Raises UsageError for one that there is not, and where `eager` is not first."""
    modes = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for mode in modes:
        if mode not in MODES:
            raise UsageError(f"--modes {mode}: there is no such mode to ask beside", f"modes: {', '.join(MODES)}")
    if not modes or modes[0] != "eager":
        raise UsageError(f"--modes {text}: the first is eager", "--modes eager, or --modes eager,function")
    return modes


def in_modes(spec: LaneSpec, modes: Sequence[str], gradients_of: int = GRADIENTS_OF) -> tuple[LaneSpec, ...]:
    """The lanes that ask the same otherwise executed, for every mode but `eager`; the lane itself is none of them.

    They are asked for gradients in one case of `gradients_of`, the same each time (`conformance.run.is_in_sample`).

    None for a lane that names a mode of its own, whose backend is not TensorFlow, and that is not Keras.
    """
    is_keras = spec.adapter == "keras" and spec.options.get("backend", "tensorflow") == "tensorflow"
    if not is_keras or "mode" in spec.options:
        return ()
    known = ALLOWED["keras"]["mode"]
    return tuple(
        replace(spec, name=f"{spec.name}+{mode}", options={**spec.options, "mode": mode, "gradients_of": gradients_of})
        for mode in modes
        if mode != "eager" and mode in known
    )
