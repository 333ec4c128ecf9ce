"""The arguments of schedules where one is a `learning_rate`: the layers that are called `schedules.` and a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from conformance.case import layers
from conformance.case.kinds import Record

PREFIX = "schedules."


def types() -> Mapping[str, type[Any]]:
    """Every schedule of the reference by the name under which a case asks for it."""
    return {name: kind for name, kind in layers.types().items() if name.startswith(PREFIX)}


def record_of(type: str) -> Record | None:
    """What a schedule of this type takes; None for a type that the reference does not have."""
    return layers.record_of(type) if type in types() else None
