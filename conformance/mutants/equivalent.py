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
    **{
        (
            f"{kind}categorical_crossentropy",
            f"has `{other}` where the formula has `1.0 - CUT` (networks._log_shares)",
        ): ("log(1 - 1e-7) is -1e-7: less than what float32 rounds beside 1, where a share is 1")
        for kind in ("", "sparse_")
        for other in ("1.0", "1.0 + CUT", "2.0 - CUT")
    },
}
"""Operation and what somebody does to why the result is the same whatever goes in that the operation takes."""
