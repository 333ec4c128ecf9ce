"""A training through `fit` or `evaluate` as lanes get it, and what its reports are called. Standard library only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from conformance.case.reports import LOSS, output_loss

Arguments = Mapping[str, Any]


@dataclass(frozen=True)
class PlannedFit:
    """A model of a case's graph, compiled, and a pass over batches of its inputs."""

    through: str
    """`fit`, or `evaluate`, which trains nothing."""
    inputs: tuple[str, ...]
    """The inputs that the outputs are computed from."""
    losses: Mapping[str, str]
    """Output, a node, to the layer that is its loss."""
    y: Mapping[str, str]
    """Output to the input that it shall be."""
    batch_size: int
    epochs: int = 1
    steps_per_execution: int = 1
    loss_weights: Mapping[str, float] = field(default_factory=dict)
    sample_weight: Mapping[str, str] = field(default_factory=dict)
    """Output to the input with the weights of its samples."""
    class_weight: tuple[float, ...] = ()
    """By class, from 0."""
    metrics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Output to the layers that are its metrics, without the weights of samples."""
    weighted_metrics: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    optimizer: str = ""
    """Its class in Keras; empty where nothing is trained."""
    config: Arguments = field(default_factory=dict)
    """The arguments that are written in the case."""
    full: Arguments = field(default_factory=dict)
    """All arguments, those at their defaults too."""
    layers: tuple[str, ...] = ()
    """Layers with weights, or losses of their own, from which the outputs are computed."""
    trained: tuple[str, ...] = ()
    """Their weights that an optimiser may move, as `layer.weight`."""
    penalties: Mapping[str, Arguments] = field(default_factory=dict)
    """Such a weight to the regulariser that is added to the loss: its `type` and arguments."""
    constraints: Mapping[str, Arguments] = field(default_factory=dict)

    @property
    def outputs(self) -> tuple[str, ...]:
        return tuple(self.losses)

    @property
    def fed(self) -> tuple[str, ...]:
        """Every input that goes in by batches: those of the model, labels, and weights of samples."""
        return tuple(dict.fromkeys((*self.inputs, *self.y.values(), *self.sample_weight.values())))

    def reports(self) -> tuple[str, ...]:
        """What is reported of an epoch: the loss, that of each output where there are several, and the metrics."""
        each = tuple(output_loss(name) for name in self.outputs) if len(self.outputs) > 1 else ()
        named = (name for row in (self.metrics, self.weighted_metrics) for one in row.values() for name in one)
        return (LOSS, *each, *named)

    def label(self, report: str, epoch: int) -> str:
        """What a report is called among the outputs: `fit.loss@2`."""
        return f"{self.through}.{report}@{epoch}"

    def to_wire(self) -> dict[str, Any]:
        """In exact built-in types."""
        found: dict[str, Any] = _plain(asdict(self))
        return found

    @classmethod
    def from_wire(cls, message: Mapping[str, Any]) -> PlannedFit:
        """The training of a `to_wire`."""
        rows = {
            key: {output: tuple(names) for output, names in message[key].items()}
            for key in ("metrics", "weighted_metrics")
        }
        lists = {key: tuple(message[key]) for key in ("inputs", "class_weight", "layers", "trained")}
        return cls(**{**message, **rows, **lists})


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple | list) else value
