"""How an argument says a regulariser or a constraint: by a word for one with its defaults, or with its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.case import kinds
from conformance.case.kinds import Kind


def of_regularizers() -> Kind:
    """A regulariser, by a word for its defaults, or none."""
    return kinds.Either((kinds.Choice((*_BY_WORD["regularizer"], None)), kinds.LayerOf("regularizer")))


def of_constraints() -> Kind:
    """A constraint, by a word for its defaults, or none."""
    return kinds.Either((kinds.Choice((*_BY_WORD["constraint"], None)), kinds.LayerOf("constraint")))


_BY_WORD: Mapping[str, Mapping[str, str]] = {
    "regularizer": {"l1": "L1", "l2": "L2", "l1l2": "L1L2", "orthogonal_regularizer": "OrthogonalRegularizer"},
    "constraint": {"max_norm": "MaxNorm", "min_max_norm": "MinMaxNorm", "non_neg": "NonNeg", "unit_norm": "UnitNorm"},
}
"""Words that Keras takes for a class with its defaults."""


def named(what: str, written: Any) -> Mapping[str, Any] | None:
    """The config with its `type` of what a case writes; None for none."""
    if isinstance(written, str):
        return {"type": _BY_WORD[what][written]}
    return written if isinstance(written, Mapping) else None
