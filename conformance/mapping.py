"""How a weight of torch is made of one of Keras: steps as values, which the lane takes and scripts print.

    keras("kernel").transpose(1, 0).blocks(1, 0, 2, axis=0)

The code of a step is torch that one can paste; a test holds each to what the lane does. Standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any


@dataclass(frozen=True, slots=True)
class Transpose:
    """Axes in another order."""

    axes: tuple[int, ...]

    def code(self, value: str) -> str:
        return f"{value}.permute({_listed(self.axes)})"


@dataclass(frozen=True, slots=True)
class Reshape:
    """The same numbers in another shape."""

    shape: tuple[int, ...]

    def code(self, value: str) -> str:
        return f"{value}.reshape({_listed(self.shape)})"


@dataclass(frozen=True, slots=True)
class Row:
    """One entry of the first axis."""

    index: int

    def code(self, value: str) -> str:
        return f"{value}[{self.index}]"


@dataclass(frozen=True, slots=True)
class Blocks:
    """As many equal blocks of an axis as are named, in the order given: gates."""

    order: tuple[int, ...]
    axis: int

    def code(self, value: str) -> str:
        parts = f"{value}.chunk({len(self.order)}, dim={self.axis})"
        return f"torch.cat([{parts}[gate] for gate in {self.order}], dim={self.axis})"


@dataclass(frozen=True, slots=True)
class Zeros:
    """Zeros of the same shape: where torch keeps a second weight that Keras does not have."""

    def code(self, value: str) -> str:
        return f"torch.zeros_like({value})"


Step = Transpose | Reshape | Row | Blocks | Zeros
_KINDS: dict[str, type[Step]] = {kind.__name__.lower(): kind for kind in (Transpose, Reshape, Row, Blocks, Zeros)}


@dataclass(frozen=True, slots=True)
class Mapped:
    """A torch weight as a chain of steps from one Keras weight."""

    source: str
    """The Keras weight, within wrapped layers by their scopes: `forward.kernel`."""
    steps: tuple[Step, ...] = ()

    def _then(self, step: Step) -> Mapped:
        return replace(self, steps=(*self.steps, step))

    def transpose(self, *axes: int) -> Mapped:
        return self._then(Transpose(axes))

    def reshape(self, *shape: int) -> Mapped:
        return self._then(Reshape(shape))

    def row(self, index: int) -> Mapped:
        return self._then(Row(index))

    def blocks(self, *order: int, axis: int = -1) -> Mapped:
        return self._then(Blocks(order, axis))

    def zeros(self) -> Mapped:
        return self._then(Zeros())

    def within(self, scope: str) -> Mapped:
        return replace(self, source=f"{scope}.{self.source}")

    def code(self, value: str | None = None) -> str:
        """torch's line for it, from the text of the Keras weight: `weights["kernel"].permute(1, 0)`."""
        text = f'weights["{self.source}"]' if value is None else value
        for step in self.steps:
            text = step.code(text)
        return text

    @property
    def order(self) -> tuple[int, ...]:
        """Which block of the Keras weight stands at each place; empty where blocks stay where they are."""
        return next((step.order for step in self.steps if isinstance(step, Blocks)), ())

    @property
    def is_zeros(self) -> bool:
        """Whether nothing of the Keras weight is left in it."""
        return any(isinstance(step, Zeros) for step in self.steps)

    def to_wire(self) -> dict[str, Any]:
        """Built-in types: a step is its name and its arguments."""
        steps = [
            [type(step).__name__.lower(), *(_plain(getattr(step, field.name)) for field in fields(step))]
            for step in self.steps
        ]
        return {"source": self.source, "steps": steps}


def mapped_from(source: str, steps: Sequence[Sequence[Any]]) -> Mapped:
    """The mapping that `to_wire` wrote down. Raises KeyError for a step that there is not."""
    return Mapped(source, tuple(_KINDS[name](*map(_tuple, arguments)) for name, *arguments in steps))


def keras(name: str) -> Mapped:
    """The Keras weight of this name, the start of a mapping."""
    return Mapped(name)


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list | tuple) else value
