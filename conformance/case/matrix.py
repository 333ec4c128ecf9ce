"""Unfolds `matrix:` into one case for each combination of values, with ids that follow from the values.

`$name` standing alone is replaced by the value, of whatever type; in graph expressions it may stand anywhere and
becomes a literal, in prose and in the names of mutants it becomes its text. Numbers may also be used by name in the
arithmetic of lengths.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from conformance.case.problems import Place, Problems, did_you_mean, listed
from conformance.case.schema import CASE
from conformance.case.structure import BAD, Reader
from conformance.case.yaml import Located

MAX_VARIANTS = 2000
MAX_UNFOLDED = 2**24
"""Characters of all variants of a case together."""

_VARIABLE = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_PROSE = ("question", "answer", "remark")


@dataclass(frozen=True, slots=True)
class Variant:
    """A case with its variables put in."""

    node: Located
    matrix: Mapping[str, Any] = field(default_factory=dict)
    suffix: str = ""
    """What the id gains: `-k_3-padding_same`."""

    @property
    def shown(self) -> str:
        return ", ".join(f"{name} = {_written(value)}" for name, value in self.matrix.items())


def unfold(case: Located, text: str, problems: Problems) -> list[Variant]:
    """The variants of a case, in the order of the product; none after noting why. `text` is the case as written."""
    matrix_node = case.get("matrix")
    if matrix_node is None:
        return [Variant(_Substitution({}, problems).case(case) if "$" in text else case)]
    matrix = Reader(problems).read(matrix_node, CASE.fields["matrix"].kind, "matrix")
    if matrix is BAD or len(matrix) < len(matrix_node.value) or not _ids_differ(matrix, matrix_node, problems):
        return []
    count = math.prod(len(values) for values in matrix.values())
    if count > MAX_VARIANTS or count * len(text) > MAX_UNFOLDED:
        hint = "split the case, or cut the lists"
        problems.add(case.keys["matrix"], f"{count} variants are too many; {MAX_VARIANTS} are allowed", hint)
        return []
    variants, used = [], set()
    for combination in itertools.product(*matrix.values()):
        values = dict(zip(matrix, combination, strict=True))
        substitution = _Substitution(values, problems)
        suffix = "".join(f"-{name}_{id_text(value)}" for name, value in values.items())
        variants.append(Variant(substitution.case(case), values, suffix))
        used |= substitution.used
    for name in matrix:
        if name not in used and not _is_in_arithmetic(name, case):
            message = f"the matrix variable {name} is not used"
            problems.add(matrix_node.keys[name], message, f"write ${name} where it belongs")
    return variants


def id_text(value: Any) -> str:
    """A value as part of an id: a function of the value alone, so that ids stay when a list grows."""
    if isinstance(value, list):
        return "x".join(id_text(item) for item in value) or "empty"
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", _written(value)) or "empty"


def _written(value: Any) -> str:
    """A value as YAML has it."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"[{', '.join(_written(item) for item in value)}]" if isinstance(value, list) else str(value)


def _ids_differ(matrix: Mapping[str, list[Any]], node: Located, problems: Problems) -> bool:
    for name, values in matrix.items():
        seen: set[str] = set()
        for index, value in enumerate(values):
            if id_text(value) in seen:
                hint = "each value must give an id of its own"
                problems.add(node[name][index], f"a second value of {name} gives the id {name}_{id_text(value)}", hint)
                return False
            seen.add(id_text(value))
    return True


def _is_in_arithmetic(name: str, case: Located) -> bool:
    word = re.compile(rf"\b{re.escape(name)}\b")
    parts = (case[key] for key in ("inputs", "layers", "expect") if key in case)
    return any(isinstance(item.value, str) and word.search(item.value) for part in parts for item in part.walk())


class _Substitution:
    """Puts one combination of values in; parts without variables are shared with the case as written."""

    def __init__(self, values: Mapping[str, Any], problems: Problems) -> None:
        self.values = values
        self.problems = problems
        self.used: set[str] = set()

    def case(self, case: Located) -> Located:
        parts = {key: self._part(key, item) for key, item in case.value.items()}
        return Located(parts, case.line, case.column, case.last_line, case.keys)

    def _part(self, key: str, node: Located) -> Located:
        if key in ("matrix", "id"):
            return node
        if key in _PROSE:
            return self._text(node, _written, is_prose=True)
        if key == "graph" and node.is_mapping:
            items = {name: self._text(item, repr) for name, item in node.value.items()}
            return Located(items, node.line, node.column, node.last_line, node.keys)
        if key == "kills" and node.is_list:
            kills = [self._text(item, _written) for item in node.value]
            return Located(kills, node.line, node.column, node.last_line)
        return self._whole(node)

    def _whole(self, node: Located) -> Located:
        value = node.value
        if isinstance(value, str):
            match = _VARIABLE.fullmatch(value) if value[:1] == "$" else None
            return self._value(node, match[1]) if match else node
        if not isinstance(value, list | dict):
            return node
        items = [(item, self._whole(item)) for item in (value if isinstance(value, list) else value.values())]
        if all(old is new for old, new in items):
            return node
        replaced = [new for _, new in items]
        changed = replaced if isinstance(value, list) else dict(zip(value, replaced, strict=True))
        return Located(changed, node.line, node.column, node.last_line, node.keys)

    def _value(self, node: Located, name: str) -> Located:
        return _located(self.values[name] if self._is_known(node, name) else BAD, node)

    def _text(self, node: Located, literal: Callable[[Any], str], is_prose: bool = False) -> Located:
        def put(match: re.Match[str]) -> str:
            name = match[1]
            if is_prose:
                return literal(self.values[name]) if name in self.values else match[0]
            return literal(self.values[name]) if self._is_known(node, name) else match[0]

        if not isinstance(node.value, str):
            return node
        noted = self.problems.noted
        text = _VARIABLE.sub(put, node.value)
        if self.problems.noted > noted:
            return _located(BAD, node)
        return node if text == node.value else Located(text, node.line, node.column, node.last_line)

    def _is_known(self, where: Place, name: str) -> bool:
        """Whether there is such a variable, which is then used; else it is noted."""
        if name in self.values:
            self.used.add(name)
            return True
        hint = did_you_mean(name, self.values) or (
            f"variables here: {listed(self.values)}" if self.values else f"add it: `matrix: {{{name}: [...]}}`"
        )
        self.problems.add(where, f"there is no matrix variable {name}", hint)
        return False


def _located(value: Any, where: Located) -> Located:
    items = [_located(item, where) for item in value] if isinstance(value, list) else value
    return Located(items, where.line, where.column, where.last_line)
