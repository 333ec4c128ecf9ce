"""Checks `saved:`: the form of the file, and the file itself where another lane wrote it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from conformance.case.data import DataError, placed
from conformance.case.draft import Draft
from conformance.case.model import Saved
from conformance.case.yaml import Located

SUFFIX = {"keras": ".keras", "weights": ".weights.h5", "h5": ".h5"}
"""Form to how Keras wants such a file to be called."""
FOLDER = "saved"
"""Where files that lanes wrote stand, beside the case file."""
MAX_BYTES = 2**20


def saved_of(draft: Draft, case: str) -> Saved | None:
    """What the case says of saving; what is wrong is noted. `case` is the last part of its id."""
    written, node = draft.values.get("saved"), draft.node.get("saved")
    if not written or node is None:
        return None
    kept = float(written.get("kept", 1.0))
    if not 0 < kept <= 1:
        draft.problems.add(
            node["kept"], f"kept is a share above 0 and at most 1, not {kept:g}", "0.5: half of the file"
        )
    after = written.get("after", 0)
    _check_training(draft, after, node)
    if "in" not in written:
        return Saved(written["as"], "", "", "", kept, after)
    name = f"{FOLDER}/{case}-{written['in']}{SUFFIX[written['as']]}"
    try:
        path = placed(draft.folder, name)
        digest = _digest(path)
    except DataError as error:
        draft.problems.add(node["in"], error.message, error.hint)
        return None
    return Saved(written["as"], written["in"], str(path), digest, kept, after)


def _check_training(draft: Draft, after: int, node: Located) -> None:
    """A model is saved untrained, or after an epoch of a `fit` that has more of them."""
    stated = draft.values.get("training") or []
    rows = stated if isinstance(stated, list) else [stated]
    fit = next((row for row in rows if row.get("through") == "fit"), None)
    if after and fit is None:
        hint = "say `training: {through: fit, ...}` with a later epoch, or leave out `after`"
        draft.problems.add(node["after"], "after is an epoch of a training through fit, and there is none", hint)
    elif after and len(rows) > 1:
        draft.problems.add(node, "a case that is saved has one training", "ask the other in a case of its own")
    elif after and fit is not None and after >= (epochs := fit.get("epochs", 1)):
        hint = "the model that is loaded is trained on: name an epoch before the last, or let there be more"
        draft.problems.add(node["after"], f"after epoch {after} there is none: epochs is {epochs}", hint)
    elif rows and "after" not in node.value:
        hint = "say after which epoch of fit, as in saved: {as: keras, after: 1}; or ask it in a case of its own"
        draft.problems.add(node, "a case is saved or trained", hint)


def _digest(path: Path) -> str:
    """SHA-256 of a file that a lane wrote; of one that is not there yet nothing. Raises DataError for a large one."""
    if not path.is_file():
        return ""
    if path.stat().st_size > MAX_BYTES:
        raise DataError(f"{path.name} has {path.stat().st_size} bytes; {MAX_BYTES} are allowed", "save a smaller model")
    return hashlib.sha256(path.read_bytes()).hexdigest()
