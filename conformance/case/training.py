"""Checks `training:`, and finds the layers that a loss reaches: those whose weights are observed after each step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.case import layers
from conformance.case.draft import Draft
from conformance.case.expressions import Expression, ExpressionError
from conformance.case.graph import parsed
from conformance.case.model import Input, Training
from conformance.case.problems import Place, did_you_mean, listed
from conformance.case.reports import LOSS, output_loss
from conformance.case.yaml import Located
from conformance.errors import Position

OWN_LOOP = ("optimizer", "loss", "steps", "batches", "finalize")
"""The keys of a training by steps of one's own."""


def trainings_of(draft: Draft, inputs: tuple[Input, ...]) -> tuple[Training, ...]:
    """The trainings of a case; wrong ones are noted and left out."""
    stated, node = draft.values.get("training"), draft.node.get("training")
    if not stated or node is None:
        return ()
    several = isinstance(stated, list)
    made = []
    for index, written in enumerate(stated if several else [stated]):
        if "through" in written:  # see `fitting`
            continue
        training = _training(draft, written, node[index] if several else node, {item.name: item for item in inputs})
        if training is not None:
            made.append(training)
    _check_shared(draft, made)
    return tuple(made)


def _training(draft: Draft, written: Mapping[str, Any], node: Located, inputs: Mapping[str, Input]) -> Training | None:
    if not is_own_loop(draft, written, node):
        return None
    loss, steps = written["loss"], written.get("steps", 1)
    nodes = draft.names("graph")
    if loss not in nodes:
        hint = did_you_mean(loss, nodes) or f"nodes here: {listed(nodes)}"
        draft.problems.add(node["loss"], f"unknown node {loss} as the loss", hint)
        return None
    found = reached(draft, loss)
    if not found:
        if _is_readable(draft):
            hint = "a training moves the weights of layers from which the loss is computed"
            draft.problems.add(node["loss"], f"the loss {loss} reaches no layer with weights", hint)
        return None
    for name, row in written.get("batches", {}).items():
        _check_batches(draft, name, row, node["batches"], steps, inputs)
    config = {key: value for key, value in written["optimizer"].items() if key != "type"}
    return Training(
        optimizer=written["optimizer"]["type"],
        config=config,
        loss=loss,
        steps=steps,
        layers=found,
        batches={name: tuple(row) for name, row in written.get("batches", {}).items()},
        position=Position(draft.problems.path, node.line, node.column),
        finalize=written.get("finalize", False),
    )


def is_own_loop(draft: Draft, written: Mapping[str, Any], node: Located) -> bool:
    """Whether all keys are those of steps of one's own; what belongs to `fit`, or is missing, is noted."""
    noted = draft.problems.noted
    for key in written:
        if key not in OWN_LOOP:
            draft.problems.add(node.keys[key], f"{key} belongs to a training through fit", "say `through: fit`")
    if "optimizer" not in written and "optimizer" not in node.value:
        draft.problems.add(node, "the training needs the key optimizer", "as in optimizer: {type: SGD}")
    if not isinstance(written["loss"], str):
        draft.problems.add(node["loss"], "loss must be a node here", "losses of outputs belong to `through: fit`")
    return draft.problems.noted == noted and "optimizer" in written


def _is_readable(draft: Draft) -> bool:
    """Whether every expression of the graph could be read: else nothing can be called out of reach."""
    graph = draft.part("graph")
    return len(graph) == len(draft.names("graph")) and not any(
        isinstance(parsed(text), ExpressionError) for text in graph.values()
    )


def computed_from(draft: Draft, node: str) -> Iterator[tuple[str, Expression | None]]:
    """Every name that a node is computed from, itself first, with its expression: None of inputs, and of what is none.

    Models count as their outputs.
    """
    graph, models = draft.part("graph"), draft.part("models")
    seen: set[str] = set()
    waiting = [node]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        expression = parsed(graph[name]) if name in graph else None
        if expression is None or isinstance(expression, ExpressionError):
            yield name, None
            continue
        yield name, expression
        waiting += expression.names()
        for callee in expression.callees():
            waiting += models.get(callee, {}).get("outputs", ())


def reached(draft: Draft, loss: str) -> tuple[str, ...]:
    """The layers with weights, or losses of their own, that a node is computed from, as they are declared."""
    found: set[str] = set()
    for _, expression in computed_from(draft, loss):
        if expression is not None:
            found |= expression.callees() | {layer for layer, _ in expression.layers_with_weights()}
    return tuple(name for name in draft.names("layers") if name in found and _takes_part(draft, name))


def _takes_part(draft: Draft, name: str) -> bool:
    """Whether the layer's type has weights at all, or adds to the loss; one that could not be read may."""
    from conformance.reference.base import Layer

    written = draft.part("layers").get(name, {})
    kind = layers.every_type().get(written.get("type", ""))
    if written.get(layers.ACTIVITY) is not None:
        return True
    return kind is None or kind.adds_loss or getattr(kind, "weights", None) is not Layer.weights


def _check_batches(
    draft: Draft, name: str, row: list[str], node: Located, steps: int, inputs: Mapping[str, Input]
) -> None:
    """Every name is an input, one a step, and all hold arrays of one shape and dtype."""
    places: list[tuple[Place, str]] = [(node.keys[name], name)]
    places += [(node[name][index], one) for index, one in enumerate(row)]
    for place, one in places:
        if one not in draft.names("inputs"):
            hint = did_you_mean(one, draft.names("inputs")) or f"inputs here: {listed(draft.names('inputs'))}"
            draft.problems.add(place, f"unknown input {one} in batches", hint)
            return
    if len(row) != steps:
        draft.problems.add(node[name], f"batches of {name}: {len(row)} inputs for {steps} steps", "name one a step")
    for index, one in enumerate(row):
        if name in inputs and one in inputs and _form(inputs[one]) != _form(inputs[name]):
            draft.problems.add(node[name][index], f"{one} is {_shown(inputs[one])}, {name} is {_shown(inputs[name])}")


def _form(item: Input) -> tuple[Any, str]:
    return item.shape, item.dtype


def _shown(item: Input) -> str:
    return f"{item.dtype} [{', '.join(str(axis) for axis in item.shape)}]"


def _check_shared(draft: Draft, trainings: list[Training]) -> None:
    """A layer is trained once, for its weights after a step have one name."""
    trained: set[str] = set()
    for training in trainings:
        for layer in training.layers:
            if layer in trained:
                hint = "declare a second layer with the same `name:`, which gets the same weights"
                draft.problems.add(training.position, f"the layer {layer} is trained twice", hint)
        trained |= set(training.layers)


def check_report(draft: Draft, name: str, written: Mapping[str, Any], where: Place) -> bool:
    """Whether `fit.loss@epoch` is reported; else it is noted."""
    report, _, epoch = name.partition(".")[2].partition("@")
    known = reports_of(written)
    if report not in known:
        hint = did_you_mean(report, known) or f"it reports {listed(known)}"
        draft.problems.add(where, f"{written['through']} reports no {report}", hint)
        return False
    if int(epoch) > written.get("epochs", 1):
        draft.problems.add(where, f"{name}: there are {written.get('epochs', 1)} epochs")
        return False
    return True


def reports_of(written: Mapping[str, Any]) -> list[str]:
    """What a training through `fit` or `evaluate` reports of an epoch."""
    losses = written["loss"]
    each = [output_loss(output) for output in losses] if len(losses) > 1 else []
    rows = (written.get(key, {}) for key in ("metrics", "weighted_metrics"))
    return [LOSS, *each, *(name for row in rows for names in row.values() for name in names)]


def check_trained(draft: Draft, name: str, where: Place) -> bool:
    """Whether `layer.weight@step` is observed; else it is noted. Weights are known to the layers, when they run."""
    weight, _, step = name.partition("@")
    layer = weight.partition(".")[0]
    stated = draft.values.get("training") or []
    for written in stated if isinstance(stated, list) else [stated]:
        through, losses = written.get("through"), written["loss"]
        if through == layer and isinstance(losses, dict):
            return check_report(draft, name, written, where)
        if through == "evaluate" or isinstance(losses, dict) == (through is None):
            continue
        if any(layer in reached(draft, one) for one in ([losses] if isinstance(losses, str) else losses)):
            several = ("steps", written.get("steps", 1)) if through is None else ("epochs", written.get("epochs", 1))
            if int(step) <= several[1]:
                return True
            draft.problems.add(where, f"{name}: {layer} is trained for {several[1]} {several[0]}")
            return False
    known = draft.names("layers")
    message = f"unknown layer {layer}" if layer not in known else f"{layer} is not trained"
    hint = "name a layer from which the loss of `training:` is computed"
    draft.problems.add(where, message, (did_you_mean(layer, known) if layer not in known else None) or hint)
    return False
