"""The two lanes of a gate, from their names; light, so that a version that is none is said before more is imported."""

from __future__ import annotations

from pathlib import Path

from conformance.errors import UsageError
from conformance.gate.releases import look_up
from conformance.lanes.declare import declared, parse
from conformance.lanes.spec import LaneSpec


def sides_of(old: str, new: str) -> tuple[LaneSpec, LaneSpec]:
    """Both lanes. Raises UsageError for what names no lane, and for one lane named twice."""
    project = declared(Path("pyproject.toml"))
    first, second = (project[name] if name in project else parse(name) for name in (old, new))
    if first.name == second.name:
        raise UsageError(f"both sides are called {first.name}", "name one of them: --from old=keras@3.3.3")
    return first, second


def looked_up(old: str, new: str) -> None:
    """Raises UsageError where a side names no lane, or a version that is not published. Builds and runs nothing."""
    look_up(sides_of(old, new))
