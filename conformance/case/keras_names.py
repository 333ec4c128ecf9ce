"""What Keras offers by name, as data beside this module: names, aliases, arguments and defaults of one release.

With it a message can tell a mistyped word from a name of Keras that has no reference here, without a framework.
`conformance coverage --record` writes the data anew; a test holds them to the Keras of constraints.txt.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("keras_names.json")


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a constructor or a function, and its default as Python writes it; None where it has none."""

    name: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class PublicName:
    """A public class or function of Keras."""

    kind: str
    """The module that offers it: layers, losses, metrics, optimizers, schedules, activations, ops, ..."""
    name: str
    form: str = "class"
    """`class` or `function`."""
    aliases: tuple[str, ...] = ()
    """Other names in the same module that stand for the same object."""
    arguments: tuple[Argument, ...] = ()


@dataclass(frozen=True, slots=True)
class Release:
    """All public names of one version."""

    version: str
    names: tuple[PublicName, ...]

    def of(self, *kinds: str) -> Mapping[str, PublicName]:
        """The names of these kinds, each under its aliases too."""
        chosen = [item for item in self.names if item.kind in kinds]
        return {name: item for item in chosen for name in (*item.aliases, item.name)}


def release(version: str, walked: Iterable[Mapping[str, Any]]) -> Release:
    """A release from what `conformance.lanes.keras_names` gives, or from what `recorded` reads."""
    names = [
        PublicName(
            item["kind"],
            item["name"],
            item["form"],
            tuple(item["aliases"]),
            tuple(Argument(name, default) for name, default in item["arguments"]),
        )
        for item in walked
    ]
    return Release(version, tuple(sorted(names, key=lambda item: (item.kind, item.name))))


@cache
def recorded(path: Path = RECORDED) -> Release:
    """The release that is written down beside this module."""
    held = json.loads(path.read_text(encoding="utf-8"))
    return release(held["version"], held["names"])


WHERE_ADDED = "CONTRIBUTING.md says where one is added: its mathematics, its port to torch, its cases"
"""What to do about a class that Keras has and that has no reference."""


@cache
def has_class(name: str, *kinds: str) -> bool:
    """Whether Keras has a class of this name among these kinds, so that it is no typing error."""
    return name in recorded().of(*kinds)


def as_json(found: Release) -> str:
    """A release as text, a line a name, so that two of them can be compared by eye."""
    lines = ",\n".join(json.dumps(_plain(item)) for item in found.names)
    return f'{{"version": {json.dumps(found.version)}, "names": [\n{lines}\n]}}\n'


def _plain(item: PublicName) -> Mapping[str, Any]:
    arguments: Sequence[Any] = [[argument.name, argument.default] for argument in item.arguments]
    return {"kind": item.kind, "name": item.name, "form": item.form, "aliases": item.aliases, "arguments": arguments}
