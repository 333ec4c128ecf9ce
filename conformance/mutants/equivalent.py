"""Mutants that no case can tell from the real layer, each with the argument. One that is killed all the same fails."""

from __future__ import annotations

from collections.abc import Mapping

EQUIVALENT: Mapping[str, str] = {}
"""`Layer.mutant` to why it computes the same as the layer."""

EQUIVALENT_OPERATIONS: Mapping[tuple[str, str], str] = {
    ("isreal", "gives the first row for all"): "Every real number is real: all rows are the same",
    ("eig", "gives the last axis from its end"): (
        "Values and the columns beside them change places alike: the same pairs in another order, and no order is said"
    ),
    ("qr", "has the other sign"): "(-q) (-r) is q r, and -q is as orthogonal as q: signs are free",
    ("reciprocal", "cuts infinities at the ends of float32"): (
        "1 over the largest float is 2.9e-39, below the least normal float32: a lane may give 0 for it, as for infinity"
    ),
    **{
        (name, "gives integers for integers"): (
            "initial is a number of the dtype of x: with one that integers can hold, and with none, integers do stay"
        )
        for name in ("max", "min")
    },
    **{
        ("scale_and_translate", f"has `{other}` where the formula has `{own}` (transforms.scale_and_translate)"): (
            "A pixel on the very edge falls to either side by a rounding of the translation: both are within the budget"
        )
        for other, own in (("at > -0.5", "at >= -0.5"), ("at < length - 0.5", "at <= length - 0.5"))
    },
    (
        "squareplus",
        "has `(x + root) / 2.0` where the formula has "
        "`np.where(x > 0, (x + root) / 2.0, b / 2.0 / (root - np.where(x > 0, 0.0, x)))` (activations.squareplus)",
    ): "(x + root) (root - x) is b: the same number, with digits lost below 0 for which every lane has room",
}
"""Operation and what somebody does to why the result is the same whatever goes in that the operation takes."""
