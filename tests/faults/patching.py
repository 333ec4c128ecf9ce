"""Faults put into a running framework: a line of its own source rewritten, or a function wrapped. All can be undone."""

from __future__ import annotations

import ast
import functools
import importlib
import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol


class Patch(Protocol):
    """A change of a framework that lasts as long as its context."""

    def applied(self) -> Any: ...


def owner_of(target: str) -> tuple[Any, str]:
    """The module or class that holds `package.module:Class.name`, and the name."""
    module, _, path = target.partition(":")
    *holders, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for holder in holders:
        owner = getattr(owner, holder)
    return owner, name


@contextmanager
def replaced(target: str, new: Any) -> Iterator[None]:
    """The attribute set to something else, and set back."""
    owner, name = owner_of(target)
    had = vars(owner).get(name, owner)
    setattr(owner, name, new)
    try:
        yield
    finally:
        if had is owner:
            delattr(owner, name)
        else:
            setattr(owner, name, had)


@dataclass(frozen=True)
class Rewrite:
    """Text of a function's own source replaced, wherever it stands in it; the function is compiled again."""

    target: str
    old: str
    new: str

    @contextmanager
    def applied(self) -> Iterator[None]:
        owner, name = owner_of(self.target)
        with replaced(self.target, self.compiled(inspect.unwrap(getattr(owner, name)))):
            yield

    def compiled(self, function: Any) -> Any:
        """The rewritten function, in the globals of the old one. Raises ValueError where the text does not occur."""
        source = textwrap.dedent(inspect.getsource(function))
        if self.old not in source:
            raise ValueError(f"{self.target} has no {self.old!r}: another version of the framework?")
        tree = ast.parse(source)
        first = tree.body[0].lineno  # decorators stand above
        lines = source.splitlines()[first - 1 :]
        body = textwrap.indent("\n".join(lines).replace(self.old, self.new), "    ")
        # an enclosing function with a variable of this name is what `super()` without arguments looks for
        factory = f"def make(__class__):\n{body}\n    return {function.__name__}"
        made: dict[str, Any] = {}
        exec(compile(factory, f"<rewritten {self.target}>", "exec"), function.__globals__, made)
        owner, _ = owner_of(self.target)
        return made["make"](owner)


class Detour:
    """Stands in for a function and calls it, by way of `around` while there is one."""

    def __init__(self, real: Any) -> None:
        functools.update_wrapper(self, real)  # torch asks functions for their names
        self.real = real
        self.around: Callable[..., Any] | None = None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.real(*args, **kwargs) if self.around is None else self.around(self.real, *args, **kwargs)


@dataclass(frozen=True)
class Wrap:
    """A function replaced by one that is given the real one and then the arguments.

    The detour is laid before a lane is imported, for a port keeps what it imports, and is taken while applied.
    """

    target: str
    around: Callable[..., Any]

    def lay(self) -> Detour:
        """Puts the detour where the function is, once."""
        owner, name = owner_of(self.target)
        found = getattr(owner, name)
        if not isinstance(found, Detour):
            found = Detour(found)
            setattr(owner, name, found)
        return found

    @contextmanager
    def applied(self) -> Iterator[None]:
        detour = self.lay()
        detour.around = self.around
        try:
            yield
        finally:
            detour.around = None


@dataclass(frozen=True)
class Fault:
    """A named change of a framework, the layers whose cases should see it, and what would name it."""

    name: str
    layers: tuple[str, ...]
    patches: tuple[Patch, ...]
    named: tuple[str, ...] = ()
    """Endings of mutants (`gates_rzh`) or words of a sentence, any one of which names this fault."""

    @contextmanager
    def applied(self) -> Iterator[None]:
        with ExitStack() as stack:
            for patch in self.patches:
                stack.enter_context(patch.applied())
            yield
