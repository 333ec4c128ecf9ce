"""Classes of named values, as frozen dataclasses are, but without methods that are compiled for each.

A dataclass writes and compiles its methods anew for every class. For the hundreds of classes of the reference that took
most of the time of importing them, in every process that does.
"""

from __future__ import annotations

import dataclasses
from dataclasses import MISSING, Field, dataclass
from typing import Any


def value_class(cls: type) -> None:
    """Makes the annotations of a class its fields, all given by name; its objects are frozen, and equal by value.

    A method that the class defines itself stays.
    """
    dataclass(init=False, repr=False, eq=False, frozen=True, kw_only=True)(cls)
    for name, method in _METHODS.items():
        if name not in cls.__dict__:
            setattr(cls, name, method)


_FIELDS: dict[type, tuple[Field[Any], ...]] = {}
"""Class to its fields: looking them up is slower than all else that makes an object."""


def _fields(cls: type[Any]) -> tuple[Field[Any], ...]:
    if cls not in _FIELDS:
        _FIELDS[cls] = dataclasses.fields(cls)
    return _FIELDS[cls]


def _init(self: Any, **given: Any) -> None:
    values = {}
    for field in _fields(type(self)):
        if field.name in given:
            values[field.name] = given.pop(field.name)
        elif field.default is not MISSING:
            values[field.name] = field.default
        elif field.default_factory is not MISSING:
            values[field.name] = field.default_factory()
        else:
            raise TypeError(f"{type(self).__name__} needs the argument {field.name}")
    if given:
        raise TypeError(f"{type(self).__name__} takes no argument {', '.join(given)}")
    self.__dict__.update(values)


def _repr(self: Any) -> str:
    shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in _fields(type(self)) if field.repr)
    return f"{type(self).__qualname__}({shown})"


def _values(one: Any) -> tuple[Any, ...]:
    return tuple(getattr(one, field.name) for field in _fields(type(one)) if field.compare)


def _eq(self: Any, other: object) -> bool:
    return _values(self) == _values(other) if type(other) is type(self) else NotImplemented


def _hash(self: Any) -> int:
    return hash(_values(self))


_METHODS = {"__init__": _init, "__repr__": _repr, "__eq__": _eq, "__hash__": _hash}
