"""What Keras' image layers take in a dictionary, and a case as arguments: `mix(x, labels=y)`.

The answer is a list: the images, then what was given beside them, in this order. Standard library only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

KEYS: Mapping[str, tuple[str, ...]] = {
    "labels": ("labels",),
    "boxes": ("bounding_boxes", "boxes"),
    "box_labels": ("bounding_boxes", "labels"),
}
"""Argument to its place in the dictionary."""


def called(layer: Callable[..., Any], args: list[Any], kwargs: Mapping[str, Any]) -> Any:
    """What a layer gives that takes a dictionary where a case gives it more than images; else of a plain call."""
    given = [name for name in KEYS if kwargs.get(name) is not None]
    if not (given and args and hasattr(layer, "transform_labels")):
        return layer(*args, **kwargs)
    dictionary: dict[str, Any] = {"images": args[0]}
    for name in given:
        _put(dictionary, KEYS[name], kwargs[name])
    rest = {name: value for name, value in kwargs.items() if name not in KEYS}
    found = layer(dictionary, *args[1:], **rest)
    return [found["images"], *(_got(found, KEYS[name]) for name in given)]


def _put(dictionary: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for key in path[:-1]:
        dictionary = dictionary.setdefault(key, {})
    dictionary[path[-1]] = value


def _got(dictionary: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found: Any = dictionary
    for key in path:
        found = found[key]
    return found
