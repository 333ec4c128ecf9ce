"""What scripts of trainings share: the batch of each step, and what a step may minimise."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from conformance.case.optimizers import LEFT_TO_LOOPS
from conformance.protocol.plan import Plan, PlannedLayer, PlannedTraining
from conformance.record.parts import FailureRecord
from conformance.reference.catalog import KINDS
from conformance.repro.errors import NotScriptable
from conformance.repro.literals import quoted

Training = PlannedTraining

NAMES = frozenset(
    [
        "train",
        "gradients",
        "data",
        "batches",
        "batch",
        "found",
        "optimizer",
        "step",
        "moved",
        "tape",
        "loss",
        "tensor",
        "copy",
        "slope",
        "score",
        "sources",
        "outputs",
        "cotangents",
        "learning_rate",
        "momentum",
        "beta_1",
        "beta_2",
        "epsilon",
        "rho",
        "weight_decay",
        "length",
        "velocity",
        "m",
        "v",
        "s",
        "most",
        "squares",
        "mean",
        "corrected",
        "w",
        "g",
        "array",
        "kept",
        "settings",
        "move",
        "memory",
        "weights",
    ]
)
"""Names that a script uses itself where it trains or differentiates."""


def returned(plan: Plan) -> list[str]:
    """The nodes that a script's graph gives back: those observed, and losses and outputs of a `fit` that are not."""
    losses = dict.fromkeys(training.loss for training in plan.trainings)
    losses |= dict.fromkeys(output for fit in plan.fits for output in fit.outputs)
    return [*plan.observed, *(loss for loss in losses if loss not in plan.observed)]


def moving_layers(plan: Plan) -> list[str]:
    """Layers with weights that no optimiser moves: they may move them themselves."""
    return [name for name, spec in plan.layers.items() if spec.fixed and spec.weights and not _only_frozen(spec)]


def _only_frozen(spec: PlannedLayer) -> bool:
    """Whether weights are fixed for no other reason than that the case says so."""
    return spec.config.get("trainable") is False and not _moves_weights(spec.type, spec.config)


def _moves_weights(kind: str, config: Any) -> bool:
    """Whether a layer, or one inside it, moves weights of its own in training."""
    inside = [item for value in config.values() for item in (value if isinstance(value, list | tuple) else (value,))]
    wrapped = [item for item in inside if isinstance(item, Mapping) and item.get("type") in KINDS]
    return KINDS[kind].moves_weights or any(_moves_weights(item["type"], item) for item in wrapped)


def remembering(plan: Plan) -> list[str]:
    """Layers whose next run depends on those before: states, or weights that they move."""
    moving = moving_layers(plan)
    return [name for name, spec in plan.layers.items() if name in moving or spec.is_stateful]


def title(training: Training, index: int, count: int) -> str:
    """The comment above a training."""
    number = f" {index + 1}" if count > 1 else ""
    steps, verb = ("a step", "makes") if training.steps == 1 else (f"{training.steps} steps", "make")
    return f"# training{number}: {steps} of {training.optimizer} that {verb} the node {training.loss} smaller"


def adds_loss(layer: PlannedLayer) -> bool:
    """Whether a training adds something to its loss for this layer: for its weights, its output, or of its own."""
    return bool(layer.penalties) or layer.activity_penalty is not None or KINDS[layer.type].adds_loss


def refuse_penalties(plan: Plan, where: str) -> None:
    """Raises NotScriptable for a training with regularisers or constraints, which only Keras' script writes down."""
    costs = (adds_loss(plan.layers[layer]) for training in plan.trainings for layer in training.layers)
    if any(training.constraints for training in plan.trainings) or any(costs):
        raise NotScriptable(f"a script in {where} does not say what regularisers and constraints do in training")
    for training in plan.trainings:
        around = [
            name for name, value in training.config.items() if name in LEFT_TO_LOOPS or isinstance(value, Mapping)
        ]
        if around or training.finalize:
            raise NotScriptable(f"a script in {where} does not say what {(*around, 'finalize')[0]} does around a step")


def feeds(training: Training, names: Callable[[str], str]) -> tuple[list[str], str, str]:
    """Lines before the loop over steps, the line that opens it, and the name of what a step is data."""
    if not training.batches:
        return [], f"for step in range(1, {training.steps + 1}):", "data"
    rows = []
    for index in range(training.steps):
        changed = (f'"{names(name)}": data["{names(row[index])}"]' for name, row in training.batches.items())
        rows.append(f"    {{**data, {', '.join(changed)}}},")
    return ["batches = [", *rows, "]"], "for step, batch in enumerate(batches, start=1):", "batch"


def loss_lines(training: Training, value: str, failure: FailureRecord | None) -> list[str]:
    """The line that gives `loss` its value; where the lane raised, also what refuses all but one number."""
    lines = [f"loss = {value}[{quoted(training.loss)}]"]
    if failure is not None:
        lines += ["if isinstance(loss, list) or loss.shape != ():", '    raise ValueError("one number can be loss")']
    return lines


def weights_of(plan: Plan, training: Training) -> list[tuple[str, str]]:
    """Layer and weight of all that is observed after each step, in order."""
    return [(name, key) for name in training.layers for key in plan.layers[name].weights]


def entries_moved(plan: Plan, training: Training) -> int:
    """How many numbers a training moves."""
    total = 0
    for name in training.trained:
        layer, _, key = name.partition(".")
        total += plan.layers[layer].weights[key].size
    return total


def found_lines(rows: list[tuple[str, str]]) -> list[str]:
    """What puts weights after a step into `found`, from label and text."""
    if len(rows) == 1:
        return [f'found[f"{rows[0][0]}@{{step}}"] = {rows[0][1]}']
    return ["found |= {", *(f'    f"{label}@{{step}}": {text},' for label, text in rows), "}"]


def function(name: str, words: str, lines: Iterable[str], result: str) -> list[str]:
    """Lines as a function of no arguments."""
    inside = [f'"""{words}"""', *lines, f"return {result}"]
    return ["", "", f"def {name}():", *(f"    {line}" if line else "" for line in inside), "", ""]


def in_loop(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" if line else "" for line in lines]
