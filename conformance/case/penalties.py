"""Regularisers and constraints as records of `schema`, read off the reference classes as layers are.

The reference is imported when the first of them is looked up, and not before.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from conformance.case.kinds import Record
from conformance.case.layers import fields_of


class Known:
    """The classes of one kind: regularisers, or constraints."""

    def __init__(self, module: str, registry: str) -> None:
        self._module = module
        self._registry = registry

    @cache  # noqa: B019  # two of them live as long as the program
    def types(self) -> Mapping[str, type[Any]]:
        """Every one of the reference by its Keras class name."""
        found: Mapping[str, type[Any]] = getattr(importlib.import_module(self._module), self._registry)
        return dict(found)

    @cache  # noqa: B019  # as above
    def record_of(self, type: str) -> Record | None:
        """What one of this type takes; None for a type that the reference does not have."""
        return Record(type, fields_of(self.types()[type], type), keys="argument") if type in self.types() else None


REGULARIZERS = Known("conformance.reference.regularizers", "REGULARIZERS")
CONSTRAINTS = Known("conformance.reference.constraints", "CONSTRAINTS")
