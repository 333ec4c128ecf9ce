"""Why a public name of Keras has no reference here: `reasons.yaml`, each name written out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from conformance.case.keras_names import Release
from conformance.errors import UsageError

FILE = Path(__file__).with_name("reasons.yaml")


@dataclass(frozen=True, slots=True)
class Reasons:
    """Kind and name to the reason; names that are twice in the file."""

    by_name: Mapping[tuple[str, str], str]
    doubled: tuple[str, ...] = ()

    def of(self, kind: str, name: str) -> str:
        """The reason for a name, or for a name of every kind; empty where there is none."""
        return self.by_name.get((kind, name)) or self.by_name.get(("any", name), "")

    def unknown_to(self, release: Release) -> tuple[str, ...]:
        """Names with a reason that this release does not have."""
        offered = {(item.kind, name) for item in release.names for name in (item.name, *item.aliases)}
        anywhere = {name for _, name in offered}
        return tuple(
            f"{kind}.{name}"
            for kind, name in self.by_name
            if (name not in anywhere if kind == "any" else (kind, name) not in offered)
        )


@cache
def reasons(path: Path = FILE) -> Reasons:
    """The reasons of a file. Raises UsageError for one that is not `reason: {kind: [names]}`."""
    held = yaml.safe_load(path.read_text(encoding="utf-8"))
    found: dict[tuple[str, str], str] = {}
    doubled = []
    if not isinstance(held, Mapping) or not all(isinstance(kinds, Mapping) for kinds in held.values()):
        raise UsageError(f"{path}: not a mapping of reasons to kinds to names", "see the file of this project")
    for reason, kinds in held.items():
        for key in _pairs(kinds):
            if key in found:
                doubled.append(".".join(key))
            found[key] = str(reason)
    return Reasons(found, tuple(doubled))


def _pairs(kinds: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [(kind, str(name)) for kind, names in kinds.items() for name in names]
