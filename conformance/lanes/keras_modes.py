"""How the Keras lane executes a case otherwise than eagerly: traced, compiled by XLA, as a model, by its `predict`.

A mode is told of the symbolic run, and then runs the graph once for every size of the case. It leaves what eager
execution leaves: concrete tensors, with Keras' masks on them, in `arrays.values`. A case that it cannot run in its
mode is `Unsupported`, with the reason; nothing falls back to eager execution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np

from conformance.lanes.keras_arrays import KerasArrays, absent_in, eager_only, flat, mask_of
from conformance.lanes.keras_config import Absent
from conformance.lanes.keras_gradients import Differentiable, variables_of
from conformance.lanes.keras_training import Step
from conformance.lanes.keras_weights import set_weights
from conformance.protocol.adapter import Observing, Unsupported
from conformance.protocol.plan import Plan
from conformance.protocol.wire import pack

Inputs = Mapping[str, Any]


class Mode(Protocol):
    """One way of executing a case."""

    name: str
    gives_masks: bool

    def begin(self, plan: Plan, arrays: KerasArrays) -> None:
        """Called when the symbolic run has ended; raises Unsupported where the case cannot be run in this mode."""

    def run(self, plan: Plan, arrays: KerasArrays, inputs: Inputs, observing: Observing, index: int) -> None:
        """Runs the whole graph; gradients go to `observing`."""

    def step(self, step: Step) -> Step:
        """A step of training as this mode executes it; raises Unsupported where it executes none."""


class Traced:
    """`tf.function` around the whole graph; with `jit_compile` through XLA.

    Traced with the open lengths of the case, as `fit` and `predict` trace a model, so that one trace takes every size.
    XLA, which compiles for lengths that it knows, is traced anew for each size.

    Values and gradients come from one trace. Where the backward pass alone cannot be traced or compiled, the values
    come from a second one: the failure is that of the gradients, or a note where XLA has no kernel for the way back.
    """

    gives_masks = True

    def __init__(self, tensorflow: Any, jit_compile: bool) -> None:
        self.tf = tensorflow
        self.name = "xla" if jit_compile else "function"
        self._jit_compile = jit_compile
        self._kept: tuple[Any, dict[str, Any]] | None = None
        """Of the case that is asked: the trace without gradients that takes every size, and its symbolic values."""

    def begin(self, plan: Plan, arrays: KerasArrays) -> None:
        self._kept = None
        refuse_eager_layers(arrays, "is traced")

    def run(self, plan: Plan, arrays: KerasArrays, inputs: Inputs, observing: Observing, index: int) -> None:
        arrays.values = {}
        refuse_unbuilt(arrays)
        is_wanted = index == 0 and bool(plan.cotangents)
        before = len(observing.steps)
        try:
            gradients = self._traced(plan, arrays, inputs, observing, is_wanted)
        except Exception as error:
            if not is_wanted:
                raise self._reason(error) from None
            del observing.steps[before:]
            set_again(plan, arrays)
            try:
                self._traced(plan, arrays, inputs, observing, with_gradients=False)
            except Exception as second:
                raise self._reason(second) from None
            observing.failed_backwards(self._reason(error))
            return
        if is_wanted:  # of the first run: a further one would leave none
            observing.gradients = {name: {"data": pack(np.asarray(value))} for name, value in gradients.items()}

    def step(self, step: Step) -> Step:
        """The whole step in one function: forward run, gradients, and what the optimiser moves."""
        function = self.tf.function(step, jit_compile=self._jit_compile or None, autograph=False)

        def run(feed: Inputs) -> None:
            try:
                self._prove(function.get_concrete_function(feed))
                function(feed)
            except Exception as error:
                raise self._reason(error) from None

        return run

    def _traced(
        self, plan: Plan, arrays: KerasArrays, inputs: Inputs, observing: Observing, with_gradients: bool
    ) -> dict[str, Any]:
        """Traces and runs the graph; the concrete values are in `arrays.values`, gradients are returned."""
        fixed = {name: value for name, value in inputs.items() if isinstance(value, np.ndarray)}
        tensors = {name: value for name, value in inputs.items() if name not in fixed}

        def graph(given: Inputs) -> Any:
            if not with_gradients:
                arrays.run({**fixed, **given}, is_symbolic=False)
                return self._leaves(plan, arrays), {}
            with Differentiable(self.tf, {**fixed, **given}, variables_of(plan, arrays.layers)) as recorded:
                arrays.run({**fixed, **given}, is_symbolic=False)
                leaves = self._leaves(plan, arrays)
                try:
                    score = recorded.score(arrays.values, plan.cotangents)
                except Unsupported as reason:  # an output of another shape: the values are the answer
                    observing.gradient_note = str(reason)
                    return leaves, {}
            return leaves, recorded.derivatives(score)

        before = len(observing.steps)
        try:
            if self._kept is not None and not with_gradients:
                traced, arrays.values = self._kept
            else:
                function = self.tf.function(graph, jit_compile=self._jit_compile or None, autograph=False)
                traced = function.get_concrete_function(self._signature(plan, tensors))
                self._prove(traced)
            if not self._jit_compile:
                del observing.steps[before:]  # of open lengths, which a reader of steps could not put numbers to
                self._kept = None if with_gradients else (traced, arrays.values)
            observing.node = ""  # from here on, an error belongs to the compiled whole
            leaves, gradients = traced(tensors)
        except Exception:
            arrays.values = {}
            raise
        arrays.values = {node: self._concrete(arrays.values[node], iter(pairs)) for node, pairs in leaves.items()}
        return dict(gradients)

    def _signature(self, plan: Plan, tensors: Inputs) -> dict[str, Any]:
        """What to trace for: the inputs with their open lengths; for XLA as long as they are."""
        if self._jit_compile:
            return dict(tensors)
        return {name: self.tf.TensorSpec(plan.inputs[name].shape, tensor.dtype) for name, tensor in tensors.items()}

    def _leaves(self, plan: Plan, arrays: KerasArrays) -> dict[str, list[tuple[Any, Any]]]:
        """Every observed node's tensors, each with its mask."""
        return {node: [(item, mask_of(item)) for item in flat(arrays.values[node])] for node in plan.observed}

    def _concrete(self, traced: Any, pairs: Any) -> Any:
        """The structure of a traced value with the tensors that the function returned, their masks on them."""
        if isinstance(traced, list | tuple):
            return [self._concrete(item, pairs) for item in traced]
        value, mask = next(pairs)
        if mask is not None:
            value = self.tf.identity(value)  # one tensor may stand in two nodes, with a mask in one of them
            value._keras_mask = mask
        return value

    def _prove(self, traced: Any) -> None:
        """Raises RuntimeError where TensorFlow was asked for XLA and made a plain graph."""
        compiles = "_XlaMustCompile" in traced.function_def.attr and traced.function_def.attr["_XlaMustCompile"].b
        if compiles != self._jit_compile:
            raise RuntimeError(f"asked for mode {self.name}, TensorFlow made a function with jit_compile={compiles}")

    def _reason(self, error: Exception) -> Exception:
        """An operation for which XLA has no kernel is no answer: the reason why it cannot be asked."""
        text = str(error)
        if self._jit_compile and ("unsupported operations" in text or "not compilable" in text):
            lines = [line.strip() for line in text.splitlines() if "No registered" in line or "not compilable" in line]
            return Unsupported(f"XLA cannot compile this: {(lines or text.splitlines())[0][:300]}")
        return error


class Functional:
    """A functional model from the inputs to the observed nodes, made in the symbolic run; it trains nothing."""

    name = "model"
    gives_masks = True
    called = "a functional model"

    def __init__(self, keras: Any, to_tensor: Callable[[Any], Any]) -> None:
        self.keras = keras
        self._to_tensor = to_tensor
        self._model: Any = None
        self._values: dict[str, Any] = {}

    def begin(self, plan: Plan, arrays: KerasArrays) -> None:
        refuse_eager_layers(arrays, "goes into a model")
        self._values = {node: arrays.values.get(node, Absent) for node in plan.observed}
        given = {name: arrays.values[name] for name in plan.inputs}
        for name, value in {**given, **self._values}.items():
            if Absent in absent_in(value):
                raise Unsupported(f"{self.called}: {name} has no symbolic value, so that no model has it")
            for item in flat(value):
                if type(item).__name__ != "KerasTensor":
                    raise Unsupported(f"{self.called}: {name} does not depend on an input of the model")
                self._check(name, item)
        outputs = [item for value in self._values.values() for item in flat(value)]
        try:
            self._model = self.keras.Model(list(given.values()), outputs)
        except ValueError as error:
            if "connected" in str(error):
                raise Unsupported(f"{self.called}: no model has all these outputs: {error}") from None
            raise

    def _check(self, name: str, item: Any) -> None:
        """Raises Unsupported for an input or output that the model could have, and its way of running not give."""

    def run(self, plan: Plan, arrays: KerasArrays, inputs: Inputs, observing: Observing, index: int) -> None:
        arrays.values = {}
        observing.node = ""  # an error belongs to the whole model
        found = self._answered(inputs)
        leaves = iter(found if isinstance(found, list | tuple) else [found])
        arrays.values = {node: self._concrete(value, leaves) for node, value in self._values.items()}
        if index == 0 and plan.cotangents:
            observing.gradient_note = f"{self.called} gives no gradients"

    def _answered(self, inputs: Inputs) -> Any:
        """The outputs, each with the mask that Keras gave it."""
        return self._model(list(inputs.values()))

    def step(self, step: Step) -> Step:
        raise Unsupported(f"{self.called} trains nothing")

    def _concrete(self, symbolic: Any, leaves: Any) -> Any:
        if isinstance(symbolic, list | tuple):
            return [self._concrete(item, leaves) for item in symbolic]
        return self._tensor(next(leaves))

    def _tensor(self, value: Any) -> Any:
        return value


class Predict(Functional):
    """`model.predict` of that model; all samples are one batch.

    It gives numbers alone: no masks, no gradients. Keras compiles it as it likes (`jit_compile="auto"`).
    """

    name = "predict"
    gives_masks = False
    called = "model.predict"

    def _check(self, name: str, item: Any) -> None:
        if not len(item.shape):
            raise Unsupported(f"model.predict: {name} is one number, and predict gives one row a sample")

    def _answered(self, inputs: Inputs) -> Any:
        lengths = {name: len(value) for name, value in inputs.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} has {length}" for name, length in lengths.items())
            raise Unsupported(f"model.predict wants one number of samples; {told}")
        batch = [np.asarray(value) for value in inputs.values()]
        return self._model.predict(batch, batch_size=max(lengths.values()), verbose=0)

    def _tensor(self, value: Any) -> Any:
        return self._to_tensor(value)


def named_apart(name: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """A layer's arguments with a name that nothing else has, for a model wants each name once.

    Cases share weights by `name`; and Keras calls a sum `add`, whether a layer of the case is called so or not.
    """
    return {**config, "name": f"{name}_"}


def refuse_eager_layers(arrays: KerasArrays, what: str) -> None:
    """Raises Unsupported for a layer that works on numbers alone."""
    for name in eager_only(arrays):
        kind = type(arrays.layers[name]).__name__
        raise Unsupported(f"{name} ({kind}) works on numbers alone: nothing of it {what}")


def refuse_unbuilt(arrays: KerasArrays) -> None:
    """Raises Unsupported for a layer that the symbolic run did not reach: a trace cannot set its weights."""
    for name, layer in arrays.layers.items():
        if isinstance(layer, arrays.keras.layers.Layer) and not layer.built:
            raise Unsupported(f"{name} has no symbolic input to be built on, and a trace cannot set its weights")


def set_again(plan: Plan, arrays: KerasArrays) -> None:
    """The plan's weights once more, after a run that broke off and may have changed some."""
    for name, layer in arrays.layers.items():
        if getattr(layer, "built", False) and hasattr(layer, "weights"):
            set_weights(layer, name, plan.layers[name])


def mode_of(name: str, keras: Any, backend: str, to_tensor: Callable[[Any], Any]) -> Mode | None:
    """The mode of this name; None for eager execution. Raises ValueError for one that this backend does not have."""
    if name == "eager":
        return None
    for kind in (Functional, Predict):
        if name == kind.name:
            return kind(keras, to_tensor)
    if backend != "tensorflow":
        raise ValueError(f"mode {name} is TensorFlow's, Keras runs on {backend}")
    import tensorflow as tf

    return Traced(tf, jit_compile=name == "xla")
