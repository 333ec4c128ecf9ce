"""Layers' arguments as configs hold them: which types, strings and values are in them, however deep."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def kinds_of(kind: str, config: Any) -> list[str]:
    """A layer's type and those of the layers inside it."""
    found = [kind]
    for key, value in config.items():
        if not key.endswith(("_initializer", "_regularizer", "_constraint")):
            for item in value if isinstance(value, list | tuple) else [value]:
                if isinstance(item, Mapping) and "type" in item:
                    found += kinds_of(item["type"], {k: v for k, v in item.items() if k != "type"})
    return found


def configs_of(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every layer's arguments, those inside other layers too."""
    if isinstance(value, Mapping):
        if "type" in value:
            yield value
        for item in value.values():
            yield from configs_of(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from configs_of(item)


def plain_of(value: Any) -> Any:
    """A number, a text, None, or a tuple of these, as configs hold them; else something that equals nothing."""
    if isinstance(value, list | tuple):
        items = tuple(plain_of(item) for item in value)
        return items if all(type(item) is not object for item in items) else object()
    return value if value is None or isinstance(value, bool | int | float | str) else object()


def is_same(found: list[Any]) -> bool:
    """Whether plain values are all one, in type too: 1 is not True."""
    first = found[0]
    return type(first) is not object and all(type(one) is type(first) and one == first for one in found)


def strings_of(value: Any) -> list[str]:
    """Every string that stands as a value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in strings_of(item)]
    return [text for item in value for text in strings_of(item)] if isinstance(value, list | tuple) else []
