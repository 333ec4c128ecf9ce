"""A case on its way: what its YAML says, read part by part, and where each part stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.case import axes
from conformance.case.model import Axis
from conformance.case.problems import Problems
from conformance.case.yaml import Located


@dataclass(slots=True)
class Draft:
    """What is known of one case (one variant of it) while it is checked."""

    node: Located
    values: Mapping[str, Any]
    """The parts that could be read, as plain values."""
    problems: Problems
    folder: Path
    """Where the case file stands; data files stand there too."""
    runs: Sequence[axes.Bindings]
    """What names in lengths stand for, one mapping a run."""
    lengths: dict[tuple[Axis, ...], list[tuple[int, ...]]] = field(default_factory=dict)

    def part(self, name: str) -> Mapping[str, Any]:
        """A part that is a mapping; empty where it is missing or could not be read."""
        return self.values.get(name) or {}

    def names(self, part: str) -> list[str]:
        """All names in a part that is a mapping, in order, those included whose entries are wrong."""
        node = self.node.get(part)
        return list(node.value) if node is not None and node.is_mapping else []

    def shapes(self, axes_: Sequence[Axis], where: Located) -> list[tuple[int, ...]] | None:
        """The shape in each run; None after noting which axis cannot be worked out. `where` is the list of axes."""
        known = tuple(axes_)
        if known not in self.lengths:
            shapes = []
            for run in self.runs:
                lengths = []
                for index, axis in enumerate(known):
                    try:
                        lengths.append(axes.length(axis, run))
                    except axes.AxisError as error:
                        self.problems.add(where[index], error.message, error.hint)
                        return None
                shapes.append(tuple(lengths))
            self.lengths[known] = shapes
        return self.lengths[known]

    def entries(self, part: str) -> Iterator[tuple[str, Any, Located]]:
        """Name, plain value and place of each readable entry of a part that is a mapping."""
        for name, value in self.part(part).items():
            yield name, value, self.node[part][name]
