"""What Keras offers by name: walked in a lane's process, so that the near end never imports it.

Names that stand for one object are folded: the object's own name counts, the others are aliases. A name that several
modules offer counts in the first of them.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

MODULES = (
    ("layers", ("layers",)),
    ("losses", ("losses",)),
    ("metrics", ("metrics",)),
    ("optimizers", ("optimizers",)),
    ("schedules", ("optimizers.schedules",)),
    ("activations", ("activations",)),
    ("initializers", ("initializers",)),
    ("regularizers", ("regularizers",)),
    ("constraints", ("constraints",)),
    ("ops", ("ops", "ops.nn", "ops.numpy", "ops.linalg", "ops.image")),
    ("random", ("random",)),
)
"""Kinds of names, and the modules that offer them."""
_LONGEST_DEFAULT = 80
"""Characters of a default that are kept: one that is an object has no end."""


def public_names(keras: Any) -> list[dict[str, Any]]:
    """Every public class and function: `kind`, `name`, `aliases`, `form` ("class" or "function"), `arguments`.

    `arguments` are pairs of a name and the default as Python writes it; None where there is none.
    """
    found: dict[int, dict[str, Any]] = {}
    for kind, paths in MODULES:
        for name, item in _offered(keras, paths):
            if id(item) not in found:
                form = "class" if inspect.isclass(item) else "function"
                found[id(item)] = {"kind": kind, "names": [name], "form": form, "item": item}
            elif found[id(item)]["kind"] == kind and name not in found[id(item)]["names"]:
                found[id(item)]["names"].append(name)
    return [_folded(entry) for entry in found.values()]


def _offered(keras: Any, paths: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for path in paths:
        module = keras
        for part in path.split("."):
            module = getattr(module, part, None)
        for name in sorted(vars(module) if module is not None else ()):
            item = getattr(module, name)
            if not name.startswith("_") and callable(item) and not inspect.ismodule(item):
                yield name, item


def _folded(entry: dict[str, Any]) -> dict[str, Any]:
    names, own = entry["names"], getattr(entry["item"], "__name__", "")
    name = own if own in names else names[0]
    return {
        "kind": entry["kind"],
        "name": name,
        "aliases": sorted(other for other in names if other != name),
        "form": entry["form"],
        "arguments": _arguments(entry["item"]),
    }


def _arguments(item: Any) -> list[list[Any]]:
    """The arguments of a constructor or a function; none where Python cannot tell."""
    try:
        parameters = inspect.signature(item).parameters.values()
    except (TypeError, ValueError):
        return []
    return [
        [parameter.name, None if parameter.default is parameter.empty else _written(parameter.default)]
        for parameter in parameters
        if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD)
    ]


def _written(default: Any) -> str:
    """A default as Python writes it; of an object its class alone, for its address says nothing."""
    text = default.__name__ if inspect.isroutine(default) or inspect.isclass(default) else repr(default)
    return f"<{type(default).__name__}>" if " at 0x" in text else text[:_LONGEST_DEFAULT]
