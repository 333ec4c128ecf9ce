"""Modules of this project as text, and edits of it that keep its layout: annotations out, names changed."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

Edit = tuple[int, int, str]
"""From this character to that one, the text in their place."""


Key = tuple[str, str]
"""Module and name."""


class Source:
    """The text of a module and its tree."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._starts = [0]
        for line in text.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    def at(self, line: int, column: int) -> int:
        """The character at a line (from 1) and a column in bytes."""
        start = self._starts[line - 1]
        if self.text.isascii():
            return start + column
        row = self.text[start : self._starts[line] - 1]
        return start + len(row.encode("utf-8")[:column].decode("utf-8"))

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a node begins and ends."""
        return (
            self.at(node.lineno, node.col_offset),  # type: ignore[attr-defined]  # statements and expressions have it
            self.at(node.end_lineno, node.end_col_offset),  # type: ignore[attr-defined]  # as above
        )

    def of(self, node: ast.AST) -> str:
        start, end = self.span(node)
        return self.text[start:end]

    def edited(self, node: ast.stmt, edits: Iterable[Edit]) -> str:
        """A statement from its first column on, with edits."""
        start, end = self.span(node)
        return self.between(start - node.col_offset, end, edits)

    def between(self, start: int, end: int, edits: Iterable[Edit]) -> str:
        """The text from one character to another, with edits."""
        text, place = [], start
        for first, last, new in sorted(edits):
            if first < place:  # inside of what another edit has replaced
                continue
            text += [self.text[place:first], new]
            place = last
        return "".join([*text, self.text[place:end]])

    def without_annotations(self, node: ast.AST) -> list[Edit]:
        """Edits that take annotations out of every function and assignment inside."""
        edits: list[Edit] = []
        for part in ast.walk(node):
            if isinstance(part, ast.arg) and part.annotation is not None:
                edits.append((self.span(part)[0] + len(part.arg), self.span(part.annotation)[1], ""))
            elif isinstance(part, ast.FunctionDef) and part.returns is not None:
                colon = self.span(part.returns)[1]
                edits.append((self.text.rindex("->", 0, self.span(part.returns)[0]) - 1, colon, ""))
            elif isinstance(part, ast.AnnAssign) and part.value is not None:
                edits.append((self.span(part.target)[1], self.span(part.annotation)[1], ""))
        return edits


@dataclass(frozen=True)
class Module:
    """One file: its definitions by name, and what its imports call."""

    name: str
    source: Source
    definitions: Mapping[str, ast.stmt]
    imported: Mapping[str, Key]
    """Local name to module and name in this package."""
    external: Mapping[str, str]
    """Local name to the import statement that binds it."""
    modules: Mapping[str, str]
    """Local name to the module of this package that it is."""


@lru_cache(maxsize=128)
def module_of(folder: Path, name: str) -> Module:
    """A module of a package, read as text."""
    source = Source((folder / f"{name}.py").read_text(encoding="utf-8"))
    package = ".".join(folder.parts[folder.parts.index("conformance") :])
    definitions: dict[str, ast.stmt] = {}
    imported: dict[str, Key] = {}
    external: dict[str, str] = {}
    modules: dict[str, str] = {}
    for node in source.tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            definitions[node.name] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            definitions[node.targets[0].id] = node
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            first, *others = [name.id for name in node.targets[0].elts if isinstance(name, ast.Name)]
            definitions[first] = node
            imported |= dict.fromkeys(others, (name, first))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            definitions[node.target.id] = node
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            for alias in node.names:
                local = alias.asname or alias.name
                if node.level == 1 and not origin:
                    modules[local] = alias.name
                elif node.level == 1:
                    imported[local] = (origin, alias.name)
                elif origin.startswith(package + "."):
                    imported[local] = (origin.removeprefix(package + "."), alias.name)
                elif not node.level:
                    renaming = f" as {alias.asname}" if alias.asname else ""
                    external[local] = f"from {origin} import {alias.name}{renaming}"
        elif isinstance(node, ast.Import):
            for alias in node.names:
                renaming = f" as {alias.asname}" if alias.asname else ""
                external[alias.asname or alias.name] = f"import {alias.name}{renaming}"
    return Module(name, source, definitions, imported, external, modules)


def tidy(text: str) -> str:
    """Source without comments to checkers, with parameters as one writes them where they have no annotations."""
    text = re.sub(r"  # (type: ignore|noqa).*$", "", text, flags=re.MULTILINE)
    return _joined(text)


def _joined(text: str) -> str:
    """Parameters on one line again where annotations made them long."""

    def join(match: re.Match[str]) -> str:
        inner = " ".join(line.strip() for line in match[2].strip().split("\n")).rstrip(",")
        line = f"{match[1]}({inner}):"
        return line if len(line) <= 116 else match[0]

    text = re.sub(r"^( *def \w+)\(\n((?: +[^\n()]*\n)+) *\):", join, text, flags=re.MULTILINE)
    return re.sub(r"^( *def \w+\()(.*)(\):)$", _close_defaults, text, flags=re.MULTILINE)


def _close_defaults(match: re.Match[str]) -> str:
    return match[1] + re.sub(r"(\w) = ", r"\1=", match[2]) + match[3]


def renamed(text: str, names: Mapping[str, str]) -> str:
    """Source with names changed, wherever they stand as names and not after a dot or as a keyword."""
    if not names:
        return text
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    lines = text.split("\n")
    for index in range(len(tokens) - 1, -1, -1):
        token = tokens[index]
        if token.type != tokenize.NAME or token.string not in names:
            continue
        if index and tokens[index - 1].string == ".":
            continue
        row, column = token.start
        line = lines[row - 1]
        lines[row - 1] = line[:column] + names[token.string] + line[column + len(token.string) :]
    return "\n".join(lines)
