"""Mutants that no case can tell from the real layer, each with the argument. One that is killed all the same fails."""

from __future__ import annotations

from collections.abc import Mapping

EQUIVALENT: Mapping[str, str] = {}
"""`Layer.mutant` to why it computes the same as the layer."""

EQUIVALENT_OPERATIONS: Mapping[tuple[str, str], str] = {
    ("isreal", "gives the first row for all"): "Every real number is real: all rows are the same",
}
"""Operation and what somebody does to why the result is the same whatever goes in that the operation takes."""
