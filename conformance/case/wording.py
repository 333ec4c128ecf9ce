"""How messages name what a case file must hold, what it holds, and how the writer may have meant it."""

from __future__ import annotations

import re
from typing import Any

from conformance.case import kinds
from conformance.case.kinds import Kind
from conformance.case.problems import listed, shown
from conformance.case.yaml import Located

LARGEST_COUNT = 2**24
"""A larger float is no slip for the integer: no array has so many elements."""


def noun(kind: Kind) -> str:
    """What a kind is called after "must be"."""
    match kind:
        case kinds.Text(_, form):
            return form
        case kinds.Integer(at_least, _):
            return "an integer" if at_least is None else f"an integer from {at_least}"
        case kinds.Choice(options, _):
            words = [_word(option) for option in options]
            return words[0] if len(words) == 1 else f"one of {listed(words)}"
        case kinds.Row(items):
            return f"a list of {len(items)}"
        case kinds.LayerOf(what):
            return f"an {what}" if what == "optimizer" else f"a {what}"
        case kinds.Either(options):
            nouns = list(dict.fromkeys(noun(option) for option in options))
            return nouns[0] if len(nouns) == 1 else f"{', '.join(nouns[:-1])} or {nouns[-1]}"
        case _:
            return _NOUNS[type(kind)]


_NOUNS: dict[type[Any], str] = {
    kinds.Number: "a number",
    kinds.Truth: "true or false",
    kinds.Null: "null",
    kinds.Length: "a length",
    kinds.Nested: "numbers in nested lists",
    kinds.ListOf: "a list",
    kinds.MapOf: "a mapping",
    kinds.Record: "a mapping",
    kinds.Anything: "anything",
}


def found(node: Located) -> str:
    """What stands in the file, named by its type."""
    match node.value:
        case None | bool():
            return _word(node.value)
        case int():
            return f"the integer {_cut(str(node.value))}"
        case float():
            return f"the number {node.value}"
        case str():
            return f"the text {shown(node.value)}"
        case list():
            return f"a list of {len(node.value)}"
        case _:
            return "a mapping"


def key(text: str) -> str:
    """A key of a user: as it is where it is a plain word, else in quotes and cut."""
    return text if re.fullmatch(r"[\w.-]{1,40}", text, re.ASCII) else shown(text)


def _word(value: Any) -> str:
    return (
        {None: "null", True: "true", False: "false"}[value] if value is None or isinstance(value, bool) else str(value)
    )


def _cut(text: str) -> str:
    return text if len(text) <= 40 else text[:37] + "..."


def help_for(node: Located, kind: Kind) -> str | None:
    """What to write instead, where the value is a well-known slip."""
    wanted = _wanted(kind)
    value = node.value
    if isinstance(value, str):
        return _help_for_text(value, wanted)
    if value is None:
        return _instead_of_null(wanted)
    if isinstance(value, bool) and (kinds.Integer in wanted or kinds.Number in wanted):
        return f"write {int(value)}"
    is_counted = isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_COUNT
    if is_counted and wanted & {kinds.Integer, kinds.Length}:
        return f"write {int(value)}"
    if isinstance(value, int | float) and wanted == {kinds.Text}:
        return f'write "{value}" in quotes'
    numbers = {kinds.Integer, kinds.Number, kinds.Length, kinds.Nested}
    if isinstance(value, int | float) and kinds.ListOf in wanted and not wanted & numbers:
        return f"write [{_word(value)}]"
    return None


def _wanted(kind: Kind) -> set[type[Any]]:
    if isinstance(kind, kinds.Choice):
        return {kinds.Choice, kinds.Null} if None in kind.options else {kinds.Choice}
    if isinstance(kind, kinds.Either):
        return set().union(*(_wanted(option) for option in kind.kinds))
    return {type(kind)}


CUT_BY_A_COMMA = "a comma cut this in two: a list is written [2, 3], arithmetic with a comma stands in quotes"


def _instead_of_null(wanted: set[type[Any]]) -> str:
    if kinds.Length in wanted:
        return "give an open axis a name, and list it in `dynamic`"
    return "write nan where there is no number" if kinds.Nested in wanted else "remove the key, or give it a value"


def _help_for_text(text: str, wanted: set[type[Any]]) -> str | None:
    numbers = {kinds.Integer, kinds.Number, kinds.Length, kinds.Nested}
    if text == "None":
        return "write null" if kinds.Null in wanted else _instead_of_null(wanted)
    if text.startswith("$"):
        return "a variable of `matrix:` is known within its case only"
    if text.count("(") != text.count(")"):
        return CUT_BY_A_COMMA
    if re.fullmatch(r"\([^()]*\)", text) and not wanted & {kinds.Integer, kinds.Length}:
        return f"write [{text.strip('() ').rstrip(',')}]"
    if kinds.Truth in wanted and text.lower() in ("yes", "no", "on", "off", "y", "n"):
        return f"write {'true' if text.lower() in ('yes', 'on', 'y') else 'false'}"
    if wanted & numbers and re.fullmatch(r"[+-]?(nan|inf|infinity)", text.lower()):
        if kinds.Nested in wanted:
            return f"write {'nan' if 'nan' in text.lower() else '-inf' if text[0] == '-' else 'inf'}"
        return f"write {'.nan' if 'nan' in text.lower() else '-.inf' if text[0] == '-' else '.inf'}"
    if wanted & numbers and re.fullmatch(r"[+-]?[0-9]{1,3}(_[0-9]{3})+", text):
        return f"write {text.replace('_', '')}"
    if wanted & numbers and re.fullmatch(r"[+-]?[0-9]*\.?[0-9]+([eE][+-]?[0-9]+)?", text):
        return f"remove the quotes: {text}"
    if kinds.ListOf in wanted:
        return f"write it in brackets: [{_cut(text)}]"
    return None
