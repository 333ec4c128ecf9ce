"""Mutants that no case can tell from the real layer, each with the argument. One that is killed all the same fails."""

from __future__ import annotations

from collections.abc import Mapping

EQUIVALENT: Mapping[str, str] = {
    "SGD.rate_outside": (
        "A velocity of gradients times the learning rate is a velocity of such products, as long as the rate is the "
        "same at every step; no case changes it."
    ),
}
"""`Layer.mutant` to why it computes the same as the layer."""
