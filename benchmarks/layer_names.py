"""Counts how often rooms outside of `reference/` and `lanes/torch/` know a layer by its name.

    python -m benchmarks.layer_names

What they need to know of a layer stands on its class (`conformance.reference.traits`); a layer that has to be named
elsewhere is not added in three places. Counted are strings that are nothing but a layer's name, patterns of `match`
included, and classes imported from the reference. Not counted are names inside sentences (examples in help and hints)
and the classes of a framework (`keras.layers.Dense`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from conformance.reference.catalog import LAYERS

PACKAGE = Path(__file__).parent.parent / "conformance"
OWN_ROOMS = ("reference", "lanes/torch")
"""Where layers are at home."""


class Mention(NamedTuple):
    """A layer's name in a file of another room."""

    path: str
    line: int
    layer: str


def mentions(package: Path = PACKAGE) -> Iterator[Mention]:
    """Every mention outside of the layers' own rooms, file by file."""
    for path in sorted(package.rglob("*.py")):
        shown = path.relative_to(package).as_posix()
        if not shown.startswith(tuple(f"{room}/" for room in OWN_ROOMS)):
            yield from mentions_in(path.read_text(encoding="utf-8"), shown)


def mentions_in(source: str, shown: str) -> Iterator[Mention]:
    """The mentions in one file's source."""
    names = {name for name in LAYERS if not name.startswith("_")}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words = node.value.split()  # "GRU LSTM".split() names two
            if words and names.issuperset(words):
                yield from (Mention(shown, node.lineno, word) for word in words)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("conformance.reference"):
            for alias in node.names:
                if alias.name in names and LAYERS[alias.name].__module__ == node.module:
                    yield Mention(shown, node.lineno, alias.name)


def main() -> None:
    """Prints each mention as `file:line: name`, and how many there are."""
    found = list(mentions())
    for mention in found:
        print(f"{mention.path}:{mention.line}: {mention.layer}")
    print(f"{len(found)} mentions of layers by name outside of {' and '.join(OWN_ROOMS)}")


if __name__ == "__main__":
    main()
