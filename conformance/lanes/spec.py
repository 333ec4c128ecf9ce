"""A lane as asked for, and what it proved to be."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from packaging.specifiers import SpecifierSet
from packaging.version import Version

from conformance.errors import LaneUnavailable
from conformance.protocol.adapter import Identity
from conformance.protocol.observation import Observation
from conformance.protocol.plan import Plan


@dataclass(frozen=True)
class LaneSpec:
    """A lane as asked for: its name, its adapter, and where and how it runs."""

    name: str
    adapter: str
    options: Mapping[str, Any] = field(default_factory=dict)
    interpreter: str = sys.executable
    host: str = ""
    """Where the interpreter is, as `[user@]host[:port]` for ssh; here when left out."""
    wants: Mapping[str, str] = field(default_factory=dict)
    """Package to version specifier: what the lane must prove to have."""
    overlay: tuple[str, ...] = ()
    """Pure-Python requirements to lay over the interpreter's packages."""
    environment: tuple[str, ...] = ()
    """Requirements that need an environment of their own."""


def proved(spec: LaneSpec, identity: Identity) -> Identity:
    """The identity, if it is the one asked for. Raises LaneUnavailable that says which version answered instead."""
    for package, wanted in spec.wants.items():
        found = identity.versions.get(package)
        if found is None:
            continue
        if not SpecifierSet(wanted).contains(Version(found), prereleases=True):
            file = identity.files.get(package, "an unknown file")
            raise LaneUnavailable(
                f"lane {spec.name}: asked for {package}{wanted}, {package} {found} answered from {file}",
                "name an interpreter or a version that has it",
            )
    for key, answered in (("mode", identity.mode), ("policy", identity.policy)):
        asked = spec.options.get(key, answered)
        if asked != answered:
            raise LaneUnavailable(f"lane {spec.name}: asked for {key} {asked}, the lane runs in {answered}")
    return identity


class Lane(Protocol):
    """A started lane: `send` plans ahead, `wait` for a case's observation."""

    spec: LaneSpec

    def start(self) -> None: ...
    def identity(self) -> Identity: ...
    def send(self, plan: Plan) -> None: ...
    def wait(self, case_id: str) -> Observation: ...
    def expect(self, cases: int) -> None: ...
    def forgive(self) -> None: ...
    def stop(self) -> None: ...
