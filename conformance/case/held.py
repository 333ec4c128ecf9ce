"""Weights from data files: checked when a case is read, loaded when it is drawn."""

from __future__ import annotations

from collections.abc import Mapping

from conformance.case.data import DataError, facts, placed
from conformance.case.draft import Draft
from conformance.case.model import HeldWeight
from conformance.case.problems import did_you_mean, listed


def weights_of(draft: Draft) -> dict[str, dict[str, HeldWeight]]:
    """Layer to weight to the file that holds it; what is wrong is noted in the draft."""
    written: Mapping[str, Mapping[str, Mapping[str, str]]] = draft.values.get("weights", {})
    node = draft.node.get("weights")
    found: dict[str, dict[str, HeldWeight]] = {}
    known = draft.names("layers")
    for layer, files in written.items():
        assert node is not None
        if layer not in known:
            hint = did_you_mean(layer, known) or f"layers here: {listed(known)}"
            draft.problems.add(node.keys[layer], f"there is no layer {layer}", hint)
            continue
        for name, given in files.items():
            place = node[layer][name]["path"]
            try:
                path = placed(draft.folder, given["path"])
                told = facts(path, given.get("key"))
            except DataError as error:
                draft.problems.add(place, error.message, error.hint)
                continue
            held = HeldWeight(str(path), given.get("key"), told.shape, told.sha256)
            found.setdefault(layer, {})[name] = held
    return found
