"""Two releases of Keras side by side: names that came and went, arguments, and defaults that moved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from conformance.case.keras_names import Argument, PublicName, Release


@dataclass(frozen=True, slots=True)
class Moved:
    """What is another in the signature of a name that both releases have."""

    name: PublicName
    """As it is in the newer one."""
    added: tuple[Argument, ...]
    removed: tuple[Argument, ...]
    defaults: tuple[tuple[str, str | None, str | None], ...]
    """Argument, the default before, the default now."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Two releases, and what is another in them."""

    before: str
    now: str
    came: tuple[PublicName, ...]
    went: tuple[PublicName, ...]
    moved: tuple[Moved, ...]


def difference(before: Release, now: Release) -> Difference:
    """What a newer release changes. A name that became an alias has neither come nor gone."""
    old, new = _by_name(before), _by_name(now)
    known_before, known_now = _with_aliases(before), _with_aliases(now)
    return Difference(
        before.version,
        now.version,
        tuple(item for key, item in new.items() if key not in known_before),
        tuple(item for key, item in old.items() if key not in known_now),
        tuple(moved for key, item in new.items() if key in old and (moved := _moved(old[key], item)) is not None),
    )


def _by_name(release: Release) -> Mapping[tuple[str, str], PublicName]:
    return {(item.kind, item.name): item for item in release.names}


def _with_aliases(release: Release) -> set[tuple[str, str]]:
    return {(item.kind, name) for item in release.names for name in (item.name, *item.aliases)}


def _moved(before: PublicName, now: PublicName) -> Moved | None:
    old = {argument.name: argument for argument in before.arguments}
    new = {argument.name: argument for argument in now.arguments}
    found = Moved(
        now,
        tuple(argument for name, argument in new.items() if name not in old),
        tuple(argument for name, argument in old.items() if name not in new),
        tuple(
            (name, old[name].default, argument.default)
            for name, argument in new.items()
            if name in old and old[name].default != argument.default
        ),
    )
    return found if found.added or found.removed or found.defaults else None
