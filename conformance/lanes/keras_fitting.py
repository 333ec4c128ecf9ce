"""`fit` and `evaluate` in the Keras lane: a functional model of the case's layers, compiled, with Keras' own loop.

Asked eagerly (`run_eagerly=True`) in the lane as it is, traced in the mode `function`, compiled by XLA in the mode
`xla`; where several batches go into one execution it is traced always, for only then this says anything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from conformance.case.reports import LOSS, output_loss
from conformance.lanes.keras_arrays import KerasArrays, absent_in
from conformance.lanes.keras_config import constructor, find_type
from conformance.lanes.keras_functional import name_apart
from conformance.lanes.keras_saving import handed_out, loaded, written
from conformance.lanes.keras_training import made_optimizer
from conformance.lanes.keras_weights import held_by, start_again
from conformance.protocol.adapter import Unsupported
from conformance.protocol.fit import PlannedFit
from conformance.protocol.names import WRITTEN
from conformance.protocol.plan import Plan
from conformance.protocol.wire import pack

TRACED = {None: (False, False), "function": (True, False), "xla": (True, True)}
"""Mode of the lane to whether the loop is traced, and compiled by XLA. Other modes run no loop."""


class Fitter:
    """Runs the trainings of a plan that go through Keras' own loop."""

    def __init__(
        self,
        plan: Plan,
        arrays: KerasArrays,
        symbolic: Callable[[], Mapping[str, Any]],
        reset_state: Callable[[Any], None],
        mode: str | None,
    ) -> None:
        """`symbolic` runs the graph without numbers, and gives every input and node.

        Raises Unsupported for a mode in which there is no such loop.
        """
        if mode not in TRACED:
            raise Unsupported(f"mode {mode} has no fit and no evaluate of its own")
        self.plan, self.arrays, self.symbolic, self.reset_state = plan, arrays, symbolic, reset_state
        self.keras = arrays.keras
        self.is_traced, self.is_compiled = TRACED[mode]

    def reports(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """`fit.loss@epoch` and so on to what Keras reports; after each epoch of a `fit` also every weight.

        `inputs` are NumPy's arrays. Calls that are made on the way are not observed.
        """
        observing = self.arrays.observing
        calls = len(observing.steps)
        found: dict[str, Any] = {}
        for fit in self.plan.fits:
            start_again(self.plan, self.arrays.layers, self.reset_state)
            found |= self._through(fit, inputs)
        del observing.steps[calls:]
        observing.node = ""
        return found

    def _through(self, fit: PlannedFit, inputs: Mapping[str, Any]) -> dict[str, Any]:
        model = self._model(fit)
        self._compile(model, fit)
        x = [inputs[name] for name in fit.inputs]
        y = [inputs[fit.y[name]] for name in fit.outputs]
        weights = [inputs[fit.sample_weight[name]] for name in fit.outputs] if fit.sample_weight else None
        given = {
            "x": _one_or_all(x),
            "y": _one_or_all(y),
            "sample_weight": None if weights is None else _one_or_all(weights),
            "batch_size": fit.batch_size,
            "verbose": 0,
        }
        self.arrays.observing.node = fit.through
        if not fit.optimizer:
            return self._named(fit, model, [model.evaluate(**given, return_dict=True)])
        saved = self.plan.saved
        if saved is None or not saved.after:
            found, _ = self._epochs(fit, model, given, 0, fit.epochs, self.arrays.layers)
            return found
        found, file = self._epochs(fit, model, given, 0, saved.after, self.arrays.layers)
        if saved.is_wanted:
            return {WRITTEN: handed_out(file)}
        again = loaded(self.keras, model, saved, saved.file or file, lambda made: self._compile(made, fit))
        for name, value in self._ways(fit).items():  # an .h5 says nothing of these
            setattr(again, name, value)
        layers = {name: again.get_layer(model_layer.name) for name, model_layer in self._of_model(fit).items()}
        more, _ = self._epochs(fit, again, given, saved.after, fit.epochs, layers)
        return found | more

    def _epochs(
        self,
        fit: PlannedFit,
        model: Any,
        given: Mapping[str, Any],
        start: int,
        end: int,
        layers: Mapping[str, Any],
    ) -> tuple[dict[str, Any], bytes]:
        """What is reported and held after the epochs from `start`, and the file of the model after the last of them.

        The file is written as `ModelCheckpoint` writes it, before `fit` ends; empty where none is to be made then.
        """
        held: dict[str, Any] = {}
        file = b""
        saved = self.plan.saved

        def keep(epoch: int, logs: Any = None) -> None:
            nonlocal file
            held.update(
                {f"{name}@{epoch + 1}": _observed(variable) for name, variable in self._weights(fit, layers).items()}
            )
            if saved is not None and saved.after == epoch + 1:
                file = written(model, saved)

        told = model.fit(
            **given,
            epochs=end,
            initial_epoch=start,
            shuffle=False,
            class_weight=dict(enumerate(fit.class_weight)) or None,
            callbacks=[self.keras.callbacks.LambdaCallback(on_epoch_end=keep)],
        ).history
        each = [{name: row[epoch] for name, row in told.items()} for epoch in range(end - start)]
        return self._named(fit, model, each, start + 1) | held, file

    def _model(self, fit: PlannedFit) -> Any:
        values = self.symbolic()
        ends = {name: values[name] for name in (*fit.inputs, *fit.outputs)}
        for name, value in ends.items():
            if absent_in(value) or type(value).__name__ != "KerasTensor":
                raise Unsupported(f"{fit.through}: {name} is no symbolic tensor, so that no model has it")
        name_apart(self.arrays.layers)
        return self.keras.Model([ends[name] for name in fit.inputs], [ends[name] for name in fit.outputs])

    def _ways(self, fit: PlannedFit) -> dict[str, Any]:
        """How the loop is run, as arguments of `compile`."""
        is_traced = self.is_traced or fit.steps_per_execution > 1
        ways = {"run_eagerly": not is_traced, "jit_compile": self.is_compiled}
        return {**ways, "steps_per_execution": fit.steps_per_execution}

    def _compile(self, model: Any, fit: PlannedFit) -> None:
        metrics = {key: self._metrics(row, fit) for key, row in _rows(fit).items() if row}
        model.compile(
            optimizer=self._optimizer(fit),
            loss=[self._made(fit.losses[name]) for name in fit.outputs],
            loss_weights=[fit.loss_weights.get(name, 1.0) for name in fit.outputs] if fit.loss_weights else None,
            **metrics,
            **self._ways(fit),
        )

    def _optimizer(self, fit: PlannedFit) -> Any:
        if not fit.optimizer:
            return "sgd"  # compile wants one; evaluate never asks it
        return made_optimizer(self.keras, fit.optimizer, fit.config)

    def _metrics(self, row: Mapping[str, tuple[str, ...]], fit: PlannedFit) -> Any:
        made = [[self._made(name).metric for name in row.get(output, ())] for output in fit.outputs]
        return made[0] if len(made) == 1 else made

    def _made(self, name: str) -> Any:
        """A loss or a metric, new and under its own name."""
        planned = self.plan.layers[name]
        return constructor(self.keras, find_type(self.keras, planned.type))(name, {**planned.config, "name": name})

    def _named(self, fit: PlannedFit, model: Any, epochs: list[dict[str, Any]], first: int = 1) -> dict[str, Any]:
        """Every report by its label, of epochs that are counted from `first`.

        Raises KeyError where Keras reported no such thing: that is an answer too.
        """
        found = {}
        for number, told in enumerate(epochs, start=first):
            for name, names in self._spoken(fit, model).items():
                spoken = next((one for one in names if one in told), None)
                if spoken is None:
                    raise KeyError(f"{fit.through} reports no {name}; it reports {', '.join(told)}")
                found[fit.label(name, number)] = _observed(np.asarray(told[spoken], dtype="float32"))
        return found

    def _spoken(self, fit: PlannedFit, model: Any) -> dict[str, tuple[str, ...]]:
        """Each report to the names under which Keras may give it."""
        called = dict(zip(fit.outputs, model.output_names, strict=True))
        found: dict[str, tuple[str, ...]] = {LOSS: (LOSS,)}
        if len(fit.outputs) > 1:
            found |= {output_loss(name): (output_loss(called[name]),) for name in fit.outputs}
        for row in _rows(fit).values():
            found |= {one: (f"{called[output]}_{one}", one) for output, names in row.items() for one in names}
        return found

    def _of_model(self, fit: PlannedFit) -> dict[str, Any]:
        """The layers that the model calls, by their names in the case."""
        layers = {name: self.arrays.layers[name] for name in fit.layers}
        return {name: one for name, one in layers.items() if getattr(one, "built", False) and hasattr(one, "weights")}

    def _weights(self, fit: PlannedFit, layers: Mapping[str, Any]) -> dict[str, Any]:
        """The variables of these layers, which are those of the plan or of a model that was loaded."""
        return {
            f"{name}.{key}": variable
            for name in self._of_model(fit)
            for key, variable in held_by(layers[name], name, self.plan.layers[name]).items()
        }


def _rows(fit: PlannedFit) -> dict[str, Mapping[str, tuple[str, ...]]]:
    return {"metrics": fit.metrics, "weighted_metrics": fit.weighted_metrics}


def _one_or_all(values: list[Any]) -> Any:
    return values[0] if len(values) == 1 else values


def _observed(variable: Any) -> dict[str, Any]:
    data = np.array(variable)
    item = {"shape": list(data.shape), "dtype": str(data.dtype), "data": pack(data), "mask": None}
    return {"structure": None, "items": [item]}
