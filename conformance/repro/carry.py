"""Carries source of this project into a script: the functions and classes that a case needs, and nothing else.

What is carried is read as text, never imported or run here. From the roots on, every name that a definition uses comes
with it, be it of the same module or of one beside it; annotations and comments for checkers are left out. Entries of a
table such as `ACTIVATIONS` come only where the case names them.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from conformance.repro.errors import NotScriptable
from conformance.repro.source import Edit, Key, Module, module_of, renamed, tidy

_DECORATORS = {"cache", "classmethod", "property", "staticmethod"}
"""Those that mean something in a script, as a framework's do (`torch.no_grad`); others register what they stand on."""
_BUILT_IN = set(dir(__import__("builtins")))


@dataclass
class Carrier:
    """Collects definitions from roots, and writes them in the order in which Python needs them."""

    folder: Path
    given: Mapping[str, str | None]
    """Names that the script defines itself, or (None) that need no definition."""
    strings: frozenset[str]
    """The strings of the case's configs: entries of tables are kept for these."""
    members: frozenset[str] = frozenset()
    """Methods that are wanted whatever calls them."""
    dropped: frozenset[str] = frozenset()
    """Members of classes that are never wanted."""
    dropped_of: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of one class alone: its name to more members that are not."""
    rewrite: Callable[[Module, ast.AST], list[Edit]] = lambda module, node: []
    """Edits of a statement, beside those that are always made."""
    replaced: Mapping[Key, str] = field(default_factory=dict)
    """Definitions that are written by hand instead, or that the folder has from elsewhere."""
    field_function: str = "arg"
    """What declares a field of a class: `name: type = arg(description, default)`."""

    def __post_init__(self) -> None:
        self.kept: dict[Key, ast.stmt] = {}
        self.attributes: set[str] = set(self.members)
        self.imports: dict[str, None] = {}
        self.names: dict[Key, str] = {}
        self._waiting: list[Key] = []

    def carry(self, roots: Sequence[Key]) -> tuple[list[str], dict[Key, str]]:
        """The definitions as text, in order, and the name of each in the script."""
        self._waiting = list(roots)
        size = -1
        while size != len(self.attributes) + len(self.kept):
            size = len(self.attributes) + len(self.kept)
            self._waiting += list(self.kept)
            while self._waiting:
                self._keep(self._waiting.pop(0))
        self.names = names = self._names()
        texts = [self._written(key, names) for key in self._ordered()]
        return texts, names

    def _keep(self, key: Key) -> None:
        name, local = key
        module = module_of(self.folder, name)
        if local not in module.definitions and key in self.replaced:
            self.kept.setdefault(key, _parsed(self.replaced[key]).body[0])
            return
        if local not in module.definitions:
            if local in module.imported:
                self._waiting.append(module.imported[local])
                return
            raise NotScriptable(f"{name}.{local} cannot be carried into a script")
        self.kept.setdefault(key, module.definitions[local])
        for used in self._used(key):
            if used not in self.kept:
                self._waiting.append(used)

    def _parts(self, key: Key) -> list[ast.AST]:
        """The parts of a definition that stay."""
        node = self.kept[key]
        if key in self.replaced:
            return [_parsed(self.replaced[key])]
        if isinstance(node, ast.ClassDef):
            members = [self._content(part) for part in self._members(node)]
            decorators = [d for d in node.decorator_list if _is_dataclass(d)]
            return [*node.bases, *(part for part in members if part is not None), *decorators]
        if isinstance(node, ast.FunctionDef):
            return [node.args, *node.body, *[d for d in node.decorator_list if _keeps_decorator(d)]]
        value = node.value  # type: ignore[attr-defined]  # an assignment
        if isinstance(value, ast.Dict) and all(isinstance(entry, ast.Constant) for entry in value.keys):
            return [item for entry, item in self._entries(value)]
        return [value]

    def _content(self, part: ast.stmt) -> ast.AST | None:
        """What a member of a class brings with it: of a field, its default."""
        if isinstance(part, ast.AnnAssign) and _is_call(part.value, self.field_function):
            return _default_of(part.value)
        return part

    def _entries(self, table: ast.Dict) -> list[tuple[ast.Constant, ast.expr]]:
        return [
            (entry, item)
            for entry, item in zip(table.keys, table.values, strict=True)
            if isinstance(entry, ast.Constant) and (not isinstance(entry.value, str) or entry.value in self.strings)
        ]

    def _members(self, node: ast.ClassDef) -> list[ast.stmt]:
        kept: list[ast.stmt] = []
        for part in node.body:
            name = _name_of(part)
            if name in self.dropped or name in self.dropped_of.get(node.name, ()):
                continue
            is_field = isinstance(part, ast.AnnAssign) and (
                part.value is None or _is_call(part.value, self.field_function) or _is_dataclass_of(node)
            )
            wanted = is_field or name in self.attributes or (name or "").startswith("__")
            if wanted and not (isinstance(part, ast.AnnAssign) and part.value is None and _is_class_var(part)):
                kept.append(part)
        return kept

    def _used(self, key: Key) -> Iterable[Key]:
        module = module_of(self.folder, key[0])
        for part in self._parts(key):
            for node in _uses(part):
                if isinstance(node, ast.Attribute):
                    if isinstance(node.value, ast.Name) and node.value.id in module.modules:
                        yield (module.modules[node.value.id], node.attr)
                    else:
                        self.attributes.add(node.attr)
                elif node.id not in self.given:
                    if node.id in module.definitions:
                        yield (key[0], node.id)
                    elif node.id in module.imported:
                        yield module.imported[node.id]
                    elif node.id in module.external:
                        self.imports[module.external[node.id]] = None

    def _names(self) -> dict[Key, str]:
        taken: dict[str, Key] = {}
        names: dict[Key, str] = {}
        for key in self.kept:
            name = key[1]
            if name in taken:
                name = f"{name}_of_{key[0]}"
            taken[name] = key
            names[key] = name
        return names

    def _ordered(self) -> list[Key]:
        """Definitions after those that they use when they are made: bases, decorators, tables, constants."""
        done: list[Key] = []

        def visit(key: Key, path: tuple[Key, ...]) -> None:
            if key in done or key in path:
                return
            for needed in self._needed(key):
                visit(needed, (*path, key))
            done.append(key)

        for key in sorted(self.kept, key=lambda key: not isinstance(self.kept[key], ast.FunctionDef)):
            visit(key, ())
        return done

    def _needed(self, key: Key) -> list[Key]:
        return [used for used in self._used(key) if used in self.kept]

    def _written(self, key: Key, names: Mapping[Key, str]) -> str:
        module, node = module_of(self.folder, key[0]), self.kept[key]
        origins = {local: origin for local, origin in module.imported.items() if origin[0] != module.name}
        origins |= {local: (module.name, local) for local in module.definitions}
        changes = {local: names[origin] for local, origin in origins.items() if names.get(origin, local) != local}
        if key in self.replaced:
            text = self.replaced[key]
        elif isinstance(node, ast.ClassDef):
            text = self._class_text(module, node)
        else:
            text = self._text(module, node)
        return renamed(tidy(text).rstrip() + "\n", changes)

    def _edits(self, module: Module, node: ast.AST) -> list[Edit]:
        """The caller's edits, and `module.name` as the name alone."""
        edits = list(self.rewrite(module, node))
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id in module.modules:
                origin = (module.modules[part.value.id], part.attr)
                edits.append((*module.source.span(part), self.names.get(origin, part.attr)))
        return edits

    def _text(self, module: Module, node: ast.stmt) -> str:
        edits = module.source.without_annotations(node) + self._edits(module, node)
        if isinstance(node, ast.FunctionDef):
            decorators = [d for d in node.decorator_list if _keeps_decorator(d)]
            lines = "".join(f"{' ' * node.col_offset}@{module.source.of(d)}\n" for d in decorators)
            return lines + module.source.edited(node, edits)
        value = getattr(node, "value", None)
        if isinstance(value, ast.Dict) and all(isinstance(entry, ast.Constant) for entry in value.keys):
            rows = "".join(
                f"    {module.source.of(entry)}: "
                f"{module.source.between(*module.source.span(item), self._edits(module, item))},\n"
                for entry, item in self._entries(value)
            )
            return f"{_name_of(node)} = {{\n{rows}}}\n" if rows else f"{_name_of(node)} = {{}}\n"
        return module.source.edited(node, edits)

    def _class_text(self, module: Module, node: ast.ClassDef) -> str:
        bases = ", ".join(module.source.of(base) for base in node.bases)
        decorators = [module.source.of(d) for d in node.decorator_list if _is_dataclass(d)]
        # the classes derived from it get the decorator below, and a frozen class has only frozen ones
        decorators = [text.replace("frozen=True, kw_only=True", "kw_only=True") for text in decorators]
        is_exception = any(
            isinstance(base, ast.Name) and base.id.endswith(("Error", "Exception")) for base in node.bases
        )
        if not decorators and not is_exception and node.bases:
            decorators = ["dataclass(kw_only=True)"]
        lines = [f"@{decorator}" for decorator in decorators]
        lines.append(f"class {node.name}({bases}):" if bases else f"class {node.name}:")
        docstring = ast.get_docstring(node, clean=False)
        body: list[str] = []
        if docstring is not None:
            body.append(module.source.edited(node.body[0], []))
        fields = [part for part in self._members(node) if isinstance(part, ast.AnnAssign | ast.Assign)]
        if fields:
            body += ["", *(self._field(module, part) for part in fields)]
        for part in self._members(node):
            if isinstance(part, ast.FunctionDef):
                body += ["", self._text(module, part)]
        return "\n".join([*lines, *(body or ["    pass"])]) + "\n"

    def _field(self, module: Module, part: ast.Assign | ast.AnnAssign) -> str:
        name = _name_of(part)
        value = part.value
        if isinstance(part, ast.Assign) or _is_class_var(part):
            assert value is not None  # one without is dropped
            return f"    {name} = {module.source.between(*module.source.span(value), self._edits(module, value))}"
        note = _builtin_annotation(module.source.of(part.annotation))
        if value is None:
            return f"    {name}: {note}"
        if _is_call(value, self.field_function):
            default = _default_of(value)
            return f"    {name}: {note}" + ("" if default is None else f" = {module.source.of(default)}")
        return f"    {name}: {note} = {module.source.of(value)}"


@cache
def _parsed(text: str) -> ast.Module:
    return ast.parse(text)


@cache
def _uses(part: ast.AST) -> tuple[ast.Attribute | ast.Name, ...]:
    """What a definition reads by name, annotations left out; kept, for every script carries much of the same source."""
    notes = [note for node in ast.walk(part) for note in _annotations(node)]
    skipped = {inner for note in notes for inner in ast.walk(note)}
    return tuple(
        node
        for node in ast.walk(part)
        if node not in skipped
        and (isinstance(node, ast.Attribute) or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)))
    )


def _builtin_annotation(text: str) -> str:
    words = {word for word in ast.walk(ast.parse(text, mode="eval")) if isinstance(word, ast.Name)}
    return text if all(word.id in _BUILT_IN for word in words) else "object"


def _name_of(node: ast.AST) -> str | None:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return node.target.id
    return None


def _annotations(node: ast.AST) -> list[ast.AST]:
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation is not None:
        return [node.annotation]
    return [node.returns] if isinstance(node, ast.FunctionDef) and node.returns is not None else []


def _is_call(node: ast.AST | None, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name


def _default_of(call: ast.AST | None) -> ast.expr | None:
    """The default in `arg(description, default)` or `arg(description, default=...)`."""
    assert isinstance(call, ast.Call)
    if len(call.args) > 1:
        return call.args[1]
    return next((keyword.value for keyword in call.keywords if keyword.arg == "default"), None)


def _keeps_decorator(node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    return isinstance(called, ast.Attribute) or (isinstance(called, ast.Name) and called.id in _DECORATORS)


def _is_dataclass(node: ast.expr) -> bool:
    return _is_call(node, "dataclass") or (isinstance(node, ast.Name) and node.id == "dataclass")


def _is_dataclass_of(node: ast.ClassDef) -> bool:
    return any(_is_dataclass(decorator) for decorator in node.decorator_list)


def _is_class_var(part: ast.AnnAssign) -> bool:
    return "ClassVar" in ast.unparse(part.annotation)
