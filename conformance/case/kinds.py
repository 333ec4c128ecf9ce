"""Kinds of values that a case file holds: the words in which `schema` declares fields, and nothing else.

`structure` reads by them, `wording` names them in messages, `jsonschema` turns them into a schema for editors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Text:
    """Text, of a form where `pattern` is given; `form` says it in words."""

    pattern: str | None = None
    form: str = "text"
    may_be_empty: bool = False
    """Whether nothing, or spaces alone, is a text too: words of a vocabulary are."""


@dataclass(frozen=True, slots=True)
class Integer:
    """An integer, or (with `axes`) the name of an axis or arithmetic over axes, which is worked out on reading."""

    at_least: int | None = None
    axes: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A number; an integer is taken for the float that it is. `finite` refuses .nan and .inf."""

    at_least: float | None = None
    finite: bool = False


@dataclass(frozen=True, slots=True)
class Truth:
    """true or false."""


@dataclass(frozen=True, slots=True)
class Null:
    """null."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words or numbers."""

    options: tuple[str | int | bool | None, ...]
    otherwise: str = ""
    """What to do about another value; empty where the nearest word will do."""


@dataclass(frozen=True, slots=True)
class Length:
    """The length of an axis: an integer from 0, a named axis, or arithmetic; kept as written."""


@dataclass(frozen=True, slots=True)
class Nested:
    """A number or a list of numbers, nested at will; also true, false and the words nan, inf, -inf, -0.0."""


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list of things of one kind, at least so many."""

    item: Kind
    at_least: int = 0


@dataclass(frozen=True, slots=True)
class Row:
    """A list of exactly these."""

    items: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    """A mapping from names of a form to things of one kind."""

    value: Kind
    description: str
    pattern: str = r"[A-Za-z_][A-Za-z0-9_]*"
    at_least: int = 0


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a record: what it holds, what it means, and whether it must be there."""

    kind: Kind
    description: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A mapping with a closed set of keys; `rest` is what other keys hold, where there may be others.

    With `one_of` exactly one key stands in it. `keys` is what messages call its keys. `former` holds keys of older
    files: what is said of each, and what stands in its place.
    """

    title: str
    fields: dict[str, Field]
    rest: MapOf | None = None
    one_of: bool = False
    keys: Literal["key", "argument"] = "key"
    former: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Either:
    """A thing of one of these kinds."""

    kinds: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class LayerOf:
    """A layer, an optimizer, a schedule, a regulariser or a constraint: `type` and the arguments of that type."""

    what: Literal["layer", "optimizer", "schedule", "regularizer", "constraint"] = "layer"


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value: for arguments that only one framework reads."""


Kind: TypeAlias = (
    Text
    | Integer
    | Number
    | Truth
    | Null
    | Choice
    | Length
    | Nested
    | ListOf
    | Row
    | MapOf
    | Record
    | Either
    | LayerOf
    | Anything
)
