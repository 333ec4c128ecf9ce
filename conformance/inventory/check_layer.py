"""Everything that the author of a new layer still owes, each with the file in which it is missing.

scikit-learn's `check_estimator` is the model: one list over one class, asked of every layer by one test.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterator
from typing import NamedTuple, get_args

from conformance.inventory.ours import Use
from conformance.reference.base import Layer
from conformance.reference.traits import Arithmetic, Native

_SHAPE = re.compile(r"\((batch|\.\.\.)[^()]*\)|\bshapes?\b|axis for each", re.IGNORECASE)
"""`(batch, steps, channels)`, or words that say as much."""
_TORCH_NAME = re.compile(r"(nn\.|F\.|optim\.)?[A-Za-z_]\w*")


class Missing(NamedTuple):
    """What a layer lacks."""

    file: str
    """Where it belongs, from the root of the project."""
    what: str
    """A sentence without its subject: `has no mutants`."""

    def __str__(self) -> str:
        return f"{self.file}: {self.what}"


def check_layer(kind: type[Layer], *, is_ported: bool, use: Use) -> list[Missing]:
    """What this layer lacks; nothing where it is complete.

    `is_ported` says whether torch's lane has a port of it, `use` which cases ask about it.
    """
    module = kind.__module__.replace(".", "/") + ".py"
    family = kind.__module__.rpartition(".")[2]
    missing = [Missing(module, f"{kind.__name__} {what}") for what in _in_the_reference(kind)]
    if not is_ported and not kind.without_port:
        file = f"conformance/lanes/torch/{family}.py"
        missing.append(
            Missing(file, f'{kind.__name__} has no port: @port("{kind.__name__}"), or `without_port` on its class')
        )
    if is_ported and kind.without_port:
        missing.append(Missing(module, f"{kind.__name__} says why it has no port, and there is one"))
    if not use.cases:
        missing.append(Missing(f"cases/{family}/", f"no case asks about {kind.__name__}"))
    return missing


def _in_the_reference(kind: type[Layer]) -> Iterator[str]:
    yield from _documented(kind)
    yield from _traits(kind)
    yield from _mistakes(kind)


def _documented(kind: type[Layer]) -> Iterator[str]:
    words = inspect.getdoc(kind) if "__doc__" in vars(kind) else None
    if not words or words.startswith(f"{kind.__name__}("):  # what a dataclass writes of its own accord
        yield "has no docstring: what it computes, the shapes it takes and returns, and the source of the formula"
    elif not _SHAPE.search(words):
        yield "has a docstring without shapes: x: (batch, steps, channels). Returns (batch, channels)"
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]  # made one by `Layer`
        if not field.name.startswith("_") and not field.metadata.get("description"):
            yield f"says nothing of its argument {field.name}: arg(description)"


def _traits(kind: type[Layer]) -> Iterator[str]:
    if getattr(kind, "arithmetic", None) not in get_args(Arithmetic):
        yield "does not say what it does to numbers: arithmetic = " + " | ".join(map(repr, get_args(Arithmetic)))
    native = getattr(kind, "native", None)
    if not isinstance(native, Native) or not (native.names or native.instead or native.reason):
        yield 'does not say what torch calls it: native = called("nn.Linear"), composed("x.relu()") or absent(reason)'
    else:
        for name in native.names:
            if not _TORCH_NAME.fullmatch(name):
                yield f"says that torch calls it {name!r}, which is no name below torch: nn.Linear, F.pad, cat"
    example = getattr(kind, "example", None)
    if example is None and not kind.written_as_case:
        yield f'has no example: example = asked("{kind.__name__}(3)", "5,2"), or `written_as_case` with the reason'
    if example is not None and example.layer.partition("(")[0] != kind.__name__:
        yield f"has an example of another layer, {example.layer}"


def _mistakes(kind: type[Layer]) -> Iterator[str]:
    if not kind.mutants:
        yield "has no mutants: mistakes that somebody really makes, which the cases must find"
    names = [mutant.name for mutant in (*kind.mutants, *kind.backwards)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"has two mutants called {name}"
    for mutant in kind.mutants:
        hooks = (mutant.config, mutant.weights, mutant.inputs, mutant.output, mutant.mask, mutant.state)
        if not any(hooks) and not mutant.methods:
            yield f"has a mutant that changes nothing, {mutant.name}"
    makes_own_mask = kind.compute_mask is not Layer.compute_mask
    if makes_own_mask and not any(mutant.mask or mutant.methods or mutant.inputs for mutant in kind.mutants):
        yield "has a rule for masks and no mutant that breaks it"
