"""Which lanes have scripts at all: a page says so before any script is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from conformance.case.layers import types
from conformance.protocol.counterparts import is_torchs
from conformance.protocol.names import EAGER, USUAL
from conformance.record.run import LaneRow

if TYPE_CHECKING:
    from conformance.lanes.spec import LaneSpec


def why_not(row: LaneRow, kinds: Iterable[str] = ()) -> str:
    """From a lane's row of results, and the types of a case's layers, to why it has no script; empty where it has."""
    return _why_not(row.adapter, row.versions, row.mode, row.policy, kinds)


def why_not_asked(spec: LaneSpec, kinds: Iterable[str] = ()) -> str:
    """The same of a lane that nobody has started: as far as its specification says it."""
    package, mode, policy = (str(spec.options.get(key, "")) for key in ("package", "mode", "policy"))
    versions = {name: wanted.lstrip("=") for name, wanted in spec.wants.items()}
    return _why_not(spec.adapter, {**versions, **({package: ""} if package else {})}, mode, policy, kinds)


def _why_not(adapter: str, versions: Mapping[str, str], mode: str, policy: str, kinds: Iterable[str]) -> str:
    if adapter != "keras" and any(map(is_torchs, kinds)):
        return "a case in torch's words has a script of what Keras has in their place, and of nothing else"
    if said := [kind for kind in kinds if kind in types() and types()[kind].functions]:
        return f"a script is Python, and the function of a {said[0]} is said in the graph language"
    if adapter not in ("keras", "torch", "numpy"):
        return f"there are scripts for Keras, torch and NumPy, not for {adapter}"
    if adapter == "keras" and ("tf_keras" in versions or str(versions.get("keras", "3")).startswith("2.")):
        return "scripts are written for Keras 3, and this lane is Keras 2"
    for key, usual, runs_with in (("mode", EAGER, mode), ("policy", USUAL, policy)):
        if runs_with not in (usual, ""):
            return f"this lane runs with {key} {runs_with}, and scripts run with {usual}"
    return ""
