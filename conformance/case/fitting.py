"""Checks `training: {through: fit}` and `{through: evaluate}`: outputs, their losses, labels, weights and metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.case import layers
from conformance.case.draft import Draft
from conformance.case.model import Fit, Input
from conformance.case.problems import Place, did_you_mean, listed
from conformance.case.training import OWN_LOOP, computed_from, reached, reports_of
from conformance.case.yaml import Located
from conformance.errors import Position

_NOT_HERE = [key for key in OWN_LOOP if key not in ("optimizer", "loss")]
_NOT_IN_EVALUATE = ("optimizer", "epochs", "class_weight")


def mutants_of(loop: str) -> tuple[str, ...]:
    """The names of the mistakes that can be made in `fit` or `evaluate`."""
    from conformance.reference.fit import LOOPS as KINDS

    return tuple(mutant.name for mutant in KINDS[loop].mutants)


def fits_of(draft: Draft, inputs: tuple[Input, ...], dynamic: tuple[str, ...]) -> tuple[Fit, ...]:
    """The trainings of a case that go through `fit` or `evaluate`; wrong ones are noted and left out."""
    stated, node = draft.values.get("training"), draft.node.get("training")
    if not stated or node is None:
        return ()
    several = isinstance(stated, list)
    found: list[Fit] = []
    for index, written in enumerate(stated if several else [stated]):
        if "through" not in written:
            continue
        here = node[index] if several else node
        if any(one.through == written["through"] for one in found):
            draft.problems.add(here["through"], f"a second {written['through']}", "a case has one; ask it in another")
            continue
        noted = draft.problems.noted
        fit = _Check(draft, written, here, {item.name: item for item in inputs}, dynamic).fit()
        if fit is not None and draft.problems.noted == noted:
            found.append(fit)
    return tuple(found)


class _Check:
    """One training through `fit` or `evaluate`, while it is checked."""

    def __init__(
        self,
        draft: Draft,
        written: Mapping[str, Any],
        node: Located,
        inputs: Mapping[str, Input],
        dynamic: tuple[str, ...],
    ) -> None:
        self.draft, self.written, self.node, self.inputs, self.dynamic = draft, written, node, inputs, dynamic
        self.through = written["through"]

    def fit(self) -> Fit | None:
        if not self._has_its_keys():
            return None
        written, outputs = self.written, self.written["loss"]
        self._check_outputs()
        self._check_layers()
        self._check_names()
        fed = tuple(dict.fromkeys(name for output in outputs for name in _inputs_of(self.draft, output)))
        self._check_batches(fed)
        optimizer = written.get("optimizer", {"type": ""})
        reach = {layer for output in outputs for layer in reached(self.draft, output)}
        return Fit(
            through=self.through,
            inputs=tuple(name for name in self.draft.names("inputs") if name in fed),
            loss=dict(outputs),
            y=dict(written["y"]),
            batch_size=written["batch_size"],
            epochs=written.get("epochs", 1),
            steps_per_execution=written.get("steps_per_execution", 1),
            loss_weights={name: float(number) for name, number in written.get("loss_weights", {}).items()},
            sample_weight=dict(written.get("sample_weight", {})),
            class_weight=tuple(float(number) for number in written.get("class_weight", ())),
            metrics={name: tuple(row) for name, row in written.get("metrics", {}).items()},
            weighted_metrics={name: tuple(row) for name, row in written.get("weighted_metrics", {}).items()},
            optimizer=optimizer["type"],
            config={key: value for key, value in optimizer.items() if key != "type"},
            layers=tuple(name for name in self.draft.names("layers") if name in reach),
            position=Position(self.draft.problems.path, self.node.line, self.node.column),
        )

    def _note(self, place: Place, message: str, hint: str | None = None) -> None:
        self.draft.problems.add(place, message, hint)

    def _has_its_keys(self) -> bool:
        """Whether all keys that it needs are there, and none of another kind of training."""
        noted = self.draft.problems.noted
        for key in _NOT_HERE:
            if key in self.written:
                self._note(self.node.keys[key], f"{key} belongs to steps of one's own", "leave out `through`")
        if self.through == "evaluate":
            for key in _NOT_IN_EVALUATE:
                if key in self.written:
                    self._note(self.node.keys[key], f"evaluate takes no {key}", "it trains nothing: say `through: fit`")
        needed = ("y", "batch_size") + (("optimizer",) if self.through == "fit" else ())
        for key in needed:
            if key not in self.written and key not in self.node.value:
                self._note(self.node, f"a training through {self.through} needs the key {key}")
        if not isinstance(self.written["loss"], dict):
            self._note(self.node["loss"], "through fit each output has a loss", "as in loss: {predicted: mse}")
        kind = self.written.get("optimizer", {}).get("type", "")
        if kind.startswith("optim."):
            self._note(self.node["optimizer"], "fit takes an optimizer in Keras' words", f"{kind} is torch's")
        return self.draft.problems.noted == noted and all(key in self.written for key in needed)

    def _check_outputs(self) -> None:
        """Every output is a node, and every table is about outputs."""
        outputs, nodes = self.written["loss"], self.draft.names("graph")
        for output in outputs:
            if output not in nodes:
                hint = did_you_mean(output, nodes) or f"nodes here: {listed(nodes)}"
                self._note(self.node["loss"].keys[output], f"unknown node {output} as an output", hint)
        for key in ("y", "loss_weights", "sample_weight", "metrics", "weighted_metrics"):
            for output in self.written.get(key, {}):
                if output not in outputs:
                    hint = did_you_mean(output, outputs) or f"outputs here: {listed(outputs)}"
                    self._note(self.node[key].keys[output], f"{key} of {output}, which is no output with a loss", hint)
            is_whole = key in ("y", "sample_weight") and key in self.written
            for output in outputs if is_whole else ():
                if output not in self.written[key]:
                    self._note(self.node[key], f"{key} of {output} is missing", "every output has one, or none")
        if self.written.get("class_weight") and len(outputs) > 1:
            self._note(self.node["class_weight"], "class_weight is for a model of one output", "as in Keras")

    def _check_layers(self) -> None:
        """Losses are losses, metrics are metrics, and each belongs to one output."""
        taken: set[str] = set()
        for key, name, place in self._named():
            written = self.draft.part("layers").get(name)
            if name not in self.draft.names("layers"):
                known = self.draft.names("layers")
                self._note(
                    place, f"unknown layer {name} in {key}", did_you_mean(name, known) or f"here: {listed(known)}"
                )
            elif written is not None and not _is_a(key, written.get("type", "")):
                wanted = "a loss" if key == "loss" else "a metric, as metrics.Mean"
                self._note(place, f"{name} in {key} is {written.get('type')}, not {wanted}")
            elif name in taken:
                self._note(place, f"{name} is named twice", "declare a second one")
            if key != "loss":
                taken.add(name)

    def _named(self) -> Iterator[tuple[str, str, Place]]:
        for output, name in self.written["loss"].items():
            yield "loss", name, self.node["loss"][output]
        for key in ("metrics", "weighted_metrics"):
            for output, row in self.written.get(key, {}).items():
                for index, name in enumerate(row):
                    yield key, name, self.node[key][output][index]

    def _check_names(self) -> None:
        """No layer is called as the reports are, and no two reports are called the same."""
        if self.through in self.draft.names("layers"):
            own = self.draft.node["layers"].keys[self.through]
            self._note(own, f"{self.through} cannot be a layer here", "it is what the reports are called")
        losses = reports_of({"loss": self.written["loss"]})
        for key, name, place in self._named():
            if key != "loss" and name in losses:
                self._note(place, f"two reports would be called {name}", "give the metric another name")

    def _check_batches(self, fed: tuple[str, ...]) -> None:
        """All inputs that go in by batches begin with one open axis: a short batch is as long as it is."""
        rows = [(name, self.node["loss"]) for name in fed]
        for key in ("y", "sample_weight"):
            rows += [(name, self.node[key][output]) for output, name in self.written.get(key, {}).items()]
        axes: dict[Any, str] = {}
        for name, place in rows:
            item = self.inputs.get(name)
            if item is None:
                if name not in self.draft.names("inputs"):
                    known = self.draft.names("inputs")
                    self._note(place, f"unknown input {name}", did_you_mean(name, known) or f"here: {listed(known)}")
                continue
            first = item.shape[0] if item.shape else None
            if first not in self.dynamic:
                hint = "its first axis must be a named one that is open: batch, or one of `dynamic`"
                self._note(place, f"the input {name} cannot be cut into batches", hint)
                continue
            axes.setdefault(first, name)
        if len(axes) > 1:
            (one, a), (other, b) = list(axes.items())[:2]
            self._note(self.node, f"{a} has {one} samples, {b} has {other}", "all are cut into the same batches")


def _is_a(key: str, kind: str) -> bool:
    """Whether a layer of this type can be a loss, or a metric."""
    made = layers.every_type().get(kind)
    if made is None:
        return True  # noted where it is declared
    from conformance.reference.losses import _Loss
    from conformance.reference.metric_base import _Metric

    return issubclass(made, _Loss if key == "loss" else _Metric)


def _inputs_of(draft: Draft, output: str) -> list[str]:
    """The inputs that a node is computed from."""
    inputs = draft.names("inputs")
    return [name for name, _ in computed_from(draft, output) if name in inputs]
