"""Which lanes have scripts at all: a page says so before any script is written."""

from __future__ import annotations

from collections.abc import Iterable

from conformance.protocol.counterparts import is_torchs
from conformance.protocol.names import EAGER, USUAL
from conformance.record.run import LaneRow


def why_not(row: LaneRow, kinds: Iterable[str] = ()) -> str:
    """From a lane's row of results, and the types of a case's layers, to why it has no script; empty where it has."""
    if row.adapter != "keras" and any(map(is_torchs, kinds)):
        return "a case in torch's words has a script of what Keras has in their place, and of nothing else"
    if row.adapter not in ("keras", "torch", "numpy"):
        return f"there are scripts for Keras, torch and NumPy, not for {row.adapter}"
    versions = row.versions
    if row.adapter == "keras" and ("tf_keras" in versions or str(versions.get("keras", "3")).startswith("2.")):
        return "scripts are written for Keras 3, and this lane is Keras 2"
    for key, usual, runs_with in (("mode", EAGER, row.mode), ("policy", USUAL, row.policy)):
        if runs_with not in (usual, ""):
            return f"this lane runs with {key} {runs_with}, and scripts run with {usual}"
    return ""
