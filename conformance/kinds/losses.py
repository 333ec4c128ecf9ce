"""What is asked of every loss: weights and labels of every rank, both ends of the range, dtypes, batches, masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from conformance.ask.meaning import call_parameters, numbers
from conformance.case.layers import record_of, types
from conformance.kinds.layers import ENDS, FLOATS, MASK, TRUTHS, given, nested
from conformance.kinds.model import BATCH, LAYER, MASKING, RESULT, TIES, USUAL_BATCH, Cell

STEPS, OUTPUTS = 5, 3
LOGITS = (0.0, -1.0e15, 88.5, 1.0e15, -104.0, 1.0, -0.0, 1.0e-37, -1.0)
SHARES = (0.0, 0.999, 1.0e-37, 0.25, 1.0e-7, 0.75)
"""Probabilities at and near both ends. What is cut off at 1 is another number in float32: `loss/edges` asks that."""
LABELS, PREDICTIONS, WEIGHTS = "y_true", "y_pred", "sample_weight"


def is_loss(kind: str) -> bool:
    """Whether a layer is a loss that can be asked in one line."""
    layer = types()[kind]
    return not layer.written_as_case and call_parameters(kind)[:2] == (LABELS, PREDICTIONS)


class _Asked:
    """A loss, and how its labels go with predictions of a shape."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        shapes = {LABELS: [OUTPUTS], PREDICTIONS: [OUTPUTS]}
        self.labels = numbers(kind, {}, LABELS, shapes)
        self.takes_classes = self.labels[0] == "int32"

    def drawn(self, name: str, config: Mapping[str, Any]) -> tuple[str, Any]:
        return numbers(self.kind, config, name, {LABELS: [OUTPUTS], PREDICTIONS: [STEPS, OUTPUTS]})

    def cell(
        self,
        name: str,
        question: str,
        config: Mapping[str, Any] | None = None,
        labels: Sequence[int] | None = None,
        predictions: Sequence[int] = (STEPS, OUTPUTS),
        **changes: Any,
    ) -> Cell:
        """A cell with labels and predictions of these shapes; classes have an axis fewer than predictions."""
        config = config or {}
        if labels is None:
            labels = predictions[:-1] if self.takes_classes else predictions
        made = Cell(
            name=name,
            question=question,
            inputs={
                LABELS: given(labels, self.drawn(LABELS, config)),
                PREDICTIONS: given(predictions, self.drawn(PREDICTIONS, config)),
            },
            layers={LAYER: {"type": self.kind, **config}},
            graph={RESULT: f"{LAYER}({LABELS}, {PREDICTIONS})"},
            lanes=("numpy", "keras") if types()[self.kind].without_port else (),
        )
        return replace(made, **changes)


def cells(kind: str) -> Iterator[Cell]:
    """Every cell of a loss, in order."""
    one = _Asked(kind)
    yield one.cell("batch_of_none", f"What is {kind} of no samples?", dims={BATCH: 0})
    yield one.cell("batches", f"What is {kind} of one sample, and of three?", dims={BATCH: [1, 3]})
    yield from _weights(one)
    yield from _labels(one)
    yield from _ends(one)
    yield from _dtypes(one)
    yield from _masks(one)


def _weights(one: _Asked) -> Iterator[Cell]:
    usual = one.cell("", "").inputs
    ways = {
        "weights_of_samples": ([BATCH], "one axis fewer than there are losses"),
        "weights_of_losses": ([BATCH, STEPS], "one for each loss"),
        "weights_in_a_column": ([BATCH, STEPS, 1], "an axis of one more than there are losses"),
        "weights_of_outputs": ([BATCH, STEPS, OUTPUTS], "one for each output"),
        "one_weight": ([], "a single number"),
    }
    for name, (shape, words) in ways.items():
        spec = {"shape": shape, "fill": {"uniform": [0.25, 2.0]}}
        for reduction in ("sum_over_batch_size", "none"):
            made = one.cell(
                name if reduction != "none" else f"{name}_each",
                f"What does {one.kind} make of weights, {words}{', loss by loss' if reduction == 'none' else ''}?",
                {"reduction": reduction} if reduction == "none" else {},
            )
            graph = {RESULT: f"{LAYER}({LABELS}, {PREDICTIONS}, sample_weight={WEIGHTS})"}
            yield replace(made, inputs={**usual, WEIGHTS: spec}, graph=graph)


def _labels(one: _Asked) -> Iterator[Cell]:
    """Labels and predictions of every rank, and labels with an axis fewer and one more."""
    for axes in range(4):
        shape = (STEPS, 7, OUTPUTS)[3 - axes :]
        if not (one.takes_classes and not axes):
            words = f"What is {one.kind} of predictions with {axes + 1} axes?"
            yield one.cell(
                f"predictions_of_rank_{axes + 1}",
                words,
                predictions=shape,
                dims={BATCH: OUTPUTS if not axes else USUAL_BATCH},
            )
    ways: dict[str, tuple[Sequence[int], Sequence[int]]] = (
        {"labels_in_a_column": ((STEPS, 1), (STEPS, OUTPUTS)), "labels_of_samples": ((), (STEPS, OUTPUTS))}
        if one.takes_classes
        else {
            "labels_without_the_last_axis": ((STEPS,), (STEPS, 1)),
            "labels_in_a_column": ((STEPS, 1), (STEPS,)),
            "labels_of_another_length": ((STEPS, OUTPUTS), (STEPS, OUTPUTS + 1)),
            "labels_that_broadcast": ((1, OUTPUTS), (STEPS, OUTPUTS)),
        }
    )
    for name, (labels, predictions) in ways.items():
        question = f"What does {one.kind} make of labels {_shape(labels)} for predictions {_shape(predictions)}?"
        yield one.cell(name, question, labels=labels, predictions=predictions)


def _shape(lengths: Sequence[int]) -> str:
    return f"({', '.join(map(str, (BATCH, *lengths)))})"


def _ends(one: _Asked) -> Iterator[Cell]:
    record = record_of(one.kind)
    assert record is not None  # it is a loss
    shape = (USUAL_BATCH, STEPS, OUTPUTS)
    configs = [{}, {"from_logits": True}] if "from_logits" in record.fields else [{}]
    for config in configs:
        is_share = one.drawn(PREDICTIONS, config) != FLOATS
        numbers_ = SHARES if is_share else LOGITS if config else ENDS
        name = "ends_of_logits" if config else "ends_of_the_range"
        what = "probabilities" if is_share else "logits" if config else "numbers"
        made = one.cell(name, f"What does {one.kind} make of {what} at both ends of the range?", config)
        inputs = {
            **made.inputs,
            PREDICTIONS: {"shape": [BATCH, STEPS, OUTPUTS], "fill": {"values": nested(numbers_, shape)}},
        }
        reason = "at both ends of the range slopes are 0 or infinite"
        yield replace(
            made, inputs=inputs, layers={LAYER: {"type": one.kind, "reduction": "none", **config}}, no_gradients=reason
        )


def _dtypes(one: _Asked) -> Iterator[Cell]:
    usual = one.cell("", "").inputs
    if one.takes_classes:
        return  # their labels are integers
    takes_numbers = one.drawn(PREDICTIONS, {}) == FLOATS  # a probability is no integer
    for name in ("labels_of_integers", "labels_of_booleans", *(("integers",) if takes_numbers else ())):
        dtype = "bool" if name == "labels_of_booleans" else "int32"
        inputs = {**usual, LABELS: {**usual[LABELS], "dtype": dtype, "fill": TRUTHS}}
        if name == "integers":
            inputs[PREDICTIONS] = {**usual[PREDICTIONS], "dtype": "int32", "fill": TRUTHS}
        words = name.replace("_", " ")
        question = (
            f"What does {one.kind} make of {'labels and predictions of integers' if name == 'integers' else words}?"
        )
        yield one.cell(name, question, inputs=inputs, no_gradients=TIES)


def _masks(one: _Asked) -> Iterator[Cell]:
    """Predictions that carry a mask of steps, alone and with weights."""
    usual = one.cell("", "").inputs
    rows = [[int(step < STEPS - 1 - row) for step in range(STEPS)] for row in range(USUAL_BATCH)]
    for name, real in (("masked", rows), ("masked_row", [[0] * STEPS, [1] * STEPS])):
        for weight in (None, [BATCH], [BATCH, STEPS]):
            inputs = {**usual, MASK: {"shape": [BATCH, STEPS], "fill": {"values": real}}}
            end = "" if weight is None else "_and_weights_of_samples" if len(weight) == 1 else "_and_weighted"
            if weight is not None:
                inputs[WEIGHTS] = {"shape": weight, "fill": {"uniform": [0.25, 2.0]}}
            argument = f", sample_weight={WEIGHTS}" if weight is not None else ""
            graph = {
                "_masked": f"masking({PREDICTIONS} * expand_dims({MASK}, -1))",
                RESULT: f"{LAYER}({LABELS}, _masked{argument})",
            }
            layers = {LAYER: {"type": one.kind}, "masking": {"type": MASKING}}
            words = "with masked steps" if name == "masked" else "with a sample without any step"
            words += "" if weight is None else f" and weights of shape {_shape([STEPS] * (len(weight) - 1))}"
            question = f"What is {one.kind} {words}?"
            yield one.cell(f"{name}{end}", question, inputs=inputs, graph=graph, layers=layers, no_gradients=TIES)
