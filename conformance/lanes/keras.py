"""The Keras lane: generic, from a layer's type and its arguments as written; nothing is said per layer here.

First a symbolic run on `keras.Input`s with open axes (phase `build`), then the harness sets and asserts every weight,
then an eager run with numbers (phase `call`). Masks are Keras' own, read from its tensors.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from conformance.lanes import keras_autograd, keras_policies
from conformance.lanes.keras_arrays import (
    Generation,
    Keras3,
    KerasArrays,
    absent_in,
    eager_only,
    flat,
    mask_of,
    shapes_of,
)
from conformance.lanes.keras_config import Absent, constructor, find_type
from conformance.lanes.keras_exports import EXPORT, exported_in
from conformance.lanes.keras_fitting import Fitter
from conformance.lanes.keras_functional import beside
from conformance.lanes.keras_gradients import Differentiable, build_all, variables_of
from conformance.lanes.keras_methods import asked_directly
from conformance.lanes.keras_modes import Mode, mode_of, named_apart
from conformance.lanes.keras_names import public_names
from conformance.lanes.keras_remade import from_configs, put_saved, remakes_of
from conformance.lanes.keras_saving import saved_model
from conformance.lanes.keras_training import BACKENDS, Trainer, eagerly
from conformance.lanes.keras_weights import forget_states, held_by, restore_weights
from conformance.protocol.adapter import Identity, Observing, Unsupported, WeightMismatch
from conformance.protocol.counterparts import Back, in_keras
from conformance.protocol.plan import Plan
from conformance.protocol.training import JUDGED_IN
from conformance.protocol.wire import pack

CASES_A_SESSION = 64
"""Cases between two calls of `clear_session`. It throws away TensorFlow's compiled kernels too: that took two fifths of
the lane's time. A case that raised clears at once: it may have left a scope open."""


class KerasLane:
    """The adapter of the Keras lane, over whichever backend and version was imported."""

    def __init__(
        self,
        keras: Any,
        versions: Mapping[str, str],
        files: Mapping[str, str],
        generation: Generation | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.keras = keras
        self.generation: Generation = Keras3(keras) if generation is None else generation
        wanted = (options or {}).get("mode", "eager")
        self.mode: Mode | None = (
            exported_in(wanted, keras, self._tensor)
            if wanted.startswith(EXPORT)
            else mode_of(wanted, keras, self.generation.backend(), self._tensor)
        )
        versions = {**versions, **getattr(self.mode, "versions", {})}
        gives_masks = self.mode is None or self.mode.gives_masks
        policy = keras_policies.ensure(keras, (options or {}).get("policy", keras_policies.USUAL))
        mode = "eager" if self.mode is None else self.mode.name
        remakes = remakes_of(keras) if self.mode is None else ()
        self.identity = Identity(versions, files, gives_masks, mode, policy, remakes)
        self._since_cleared = 0

    def public_names(self) -> list[dict[str, Any]]:
        """What this Keras offers by name."""
        return public_names(self.keras)

    def observe(self, plan: Plan) -> dict[str, Any]:
        """Keras' answer: symbolic shapes, then values and masks, or what it raised and when."""
        observing = Observing()
        keras_policies.ensure(self.keras, self.identity.policy)
        in_torch: Back | None = None
        try:
            plan, in_torch = in_keras(plan)
            self._observe(plan, observing)
        except WeightMismatch as mismatch:
            observing.phase = "weights"
            observing.failed(mismatch)
        except ImportError as error:  # Keras wants a package that this environment lacks: nobody was asked
            observing.failed(Unsupported(f"Keras misses a package here: {error}".strip()))
        except Exception as error:
            observing.failed(error)
        self._leave(is_clean=observing.failure is None)
        return observing.as_message() if in_torch is None else in_torch(observing.as_message())

    def _leave(self, is_clean: bool) -> None:
        """Nothing of one case may reach the next; see CASES_A_SESSION."""
        self._since_cleared += 1
        if self._since_cleared >= CASES_A_SESSION or not is_clean or not self.generation.forget_names():
            self.generation.clear_session()
            self._since_cleared = 0

    def _observe(self, plan: Plan, observing: Observing) -> None:
        layers = {}
        for name, planned in plan.layers.items():
            observing.node = name
            is_plain = self.mode is None and plan.saved is None
            config = planned.config if is_plain else named_apart(name, planned.config)
            layers[name] = constructor(self.keras, find_type(self.keras, planned.type))(name, config)
        layers = from_configs(plan.remade, layers)
        arrays = KerasArrays(self.keras, plan, layers, observing, self.generation)
        if self.identity.policy != keras_policies.USUAL:
            arrays.arithmetics = {**arrays.arithmetics, **keras_policies.arithmetic(self.generation.ops)}
            keras_policies.refuse_arrays(layers, self.identity.policy)
        symbolic: Mapping[str, Any] = {}
        if not eager_only(arrays):
            arrays.run(self._symbolic_inputs(plan), is_symbolic=True)
            symbolic = arrays.values
            observing.symbolic = self._symbolic_nodes(plan, symbolic)
        put_saved(plan.remade, self.keras, layers)
        mode = saved_model(plan, self.keras, self._tensor, self.mode) or self.mode
        if mode is not None:
            mode.begin(plan, arrays)
        observing.phase = "call"
        for index, run in enumerate(plan.runs):
            observing.node = ""  # states are forgotten before any node is reached
            forget_states(layers.values(), self.generation.reset_state)
            for name, layer in layers.items():
                if index and plan.layers[name].fixed:  # moved by the layer itself in the run before
                    restore_weights(layer, name, plan.layers[name])
            inputs = {name: self._tensor(array) for name, array in run.items()}
            observing.runs.append({})
            try:
                if mode is not None:
                    mode.run(plan, arrays, inputs, observing, index)
                elif index == 0 and plan.cotangents:
                    self._run_with_gradients(plan, arrays, inputs, observing)
                else:
                    arrays.run(inputs, is_symbolic=False)
            finally:
                reached = [node for node in plan.observed if node in arrays.values]
                observing.runs[-1].update({node: self._observed(arrays.values[node]) for node in reached})
        if mode is None and isinstance(self.generation, Keras3):
            observing.methods = asked_directly(plan, arrays, symbolic)
        if plan.with_model and mode is None:
            runs = ({name: self._tensor(array) for name, array in run.items()} for run in plan.runs)
            reset_state = self.generation.reset_state

            def symbolic_of(number: int) -> Mapping[str, Any]:
                if number == 0:
                    return symbolic
                arrays.run(self._symbolic_inputs(plan, number), is_symbolic=True)
                return arrays.values

            observing.functional = beside(plan, arrays, symbolic_of, runs, self._observed, reset_state)
        if plan.trainings or plan.fits:
            self._train(plan, arrays, observing)
        self._describe_weights(plan, layers, observing)

    def _train(self, plan: Plan, arrays: KerasArrays, observing: Observing) -> None:
        """The weights after each step, as outputs of the first run."""
        if self.identity.policy not in JUDGED_IN:
            raise Unsupported(f"training is judged in {' and '.join(JUDGED_IN)}, not under {self.identity.policy}")
        inputs = {name: self._tensor(array) for name, array in plan.runs[0].items()}
        executed = eagerly if self.mode is None else self.mode.step
        reset_state, backend = self.generation.reset_state, self.generation.backend()
        if plan.trainings:
            trainer = Trainer(plan, arrays, reset_state, backend, executed)
            observing.runs[0].update(trainer.weights_after_steps(inputs))
        if plan.fits:
            observing.runs[0].update(self._fitter(plan, arrays).reports(plan.runs[0]))

    def _fitter(self, plan: Plan, arrays: KerasArrays) -> Fitter:
        backend = self.generation.backend()
        if backend not in BACKENDS and any(fit.optimizer for fit in plan.fits):
            raise Unsupported(f"no training on the {backend} backend, which has no gradients")

        def symbolic() -> Mapping[str, Any]:
            arrays.run(self._symbolic_inputs(plan), is_symbolic=True)
            return arrays.values

        mode = None if self.mode is None else self.mode.name
        return Fitter(plan, arrays, symbolic, self.generation.reset_state, mode)

    def _run_with_gradients(
        self, plan: Plan, arrays: KerasArrays, inputs: Mapping[str, Any], observing: Observing
    ) -> None:
        """Values and gradients, in TensorFlow in one pass; why there are none is noted, or what was raised."""
        backend = self.generation.backend()
        is_by_tape = backend == "tensorflow"
        if eager_only(arrays):
            observing.gradient_note = "a layer here runs outside of what Keras differentiates"
        elif not is_by_tape and backend not in keras_autograd.BACKENDS:
            observing.gradient_note = f"no gradients on the {backend} backend"
        else:
            build_all(plan, arrays, inputs, self.generation.reset_state)
        if observing.gradient_note:
            arrays.run(inputs, is_symbolic=False)
        elif is_by_tape:
            self._run_under_a_tape(plan, arrays, inputs, observing)
        else:
            keras_autograd.gradients_by_cotangents(plan, arrays, inputs, backend)
            forget_states(arrays.layers.values(), self.generation.reset_state)
            arrays.run(inputs, is_symbolic=False)

    def _run_under_a_tape(
        self, plan: Plan, arrays: KerasArrays, inputs: Mapping[str, Any], observing: Observing
    ) -> None:
        with Differentiable(sys.modules["tensorflow"], inputs, variables_of(plan, arrays.layers)) as recorded:
            arrays.run(inputs, is_symbolic=False)
            try:
                score = recorded.score(arrays.values, plan.cotangents)
            except Exception as error:  # the values are the answer
                observing.failed_backwards(error)
                return
        try:
            observing.gradients = recorded.gradients(score)
        except Exception as error:
            observing.failed_backwards(error)

    def _symbolic_inputs(self, plan: Plan, run: int = 0) -> dict[str, Any]:
        """Inputs without numbers, with the lengths of a run where they are not open."""
        found: dict[str, Any] = {}
        for name, planned in plan.inputs.items():
            if planned.holds_arrays or not planned.shape:
                found[name] = Absent
                continue
            given = planned.like(plan.runs[run][name]) if run else planned
            found[name] = self.keras.Input(batch_shape=given.shape, dtype=self._dtype(given.dtype), name=name)
        return found

    def _symbolic_nodes(self, plan: Plan, values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            node: [
                {
                    "shape": shapes_of(item),
                    "dtype": self.generation.dtype_name(item.dtype),
                    "has_mask": mask_of(item) is not None,
                }
                for item in flat(values[node])
            ]
            for node in plan.observed
            if values[node] is not Absent and Absent not in absent_in(values[node])
        }

    def _dtype(self, dtype: str) -> str:
        return keras_policies.input_dtype(dtype, self.identity.policy)

    def _tensor(self, array: np.ndarray[Any, Any]) -> Any:
        if array.dtype == object or (array.dtype.kind == "U" and self.generation.backend() != "tensorflow"):
            return array  # other backends have no tensors of texts: layers take NumPy's
        return self.generation.ops.convert_to_tensor(keras_policies.given(array, self.identity.policy))

    def _observed(self, value: Any) -> dict[str, Any]:
        items = []
        for item in flat(value):
            data, dtype = keras_policies.as_numpy(self.generation.ops, item)
            mask = mask_of(item)
            items.append(
                {
                    "shape": list(data.shape),
                    "dtype": dtype,
                    "data": pack(data),
                    "mask": None if mask is None else pack(np.asarray(self.generation.ops.convert_to_numpy(mask))),
                }
            )
        return {"structure": len(value) if isinstance(value, list | tuple) else None, "items": items}

    def _describe_weights(self, plan: Plan, layers: Mapping[str, Any], observing: Observing) -> None:
        for name, layer in layers.items():
            if getattr(layer, "built", False) and hasattr(layer, "weights"):
                found = held_by(layer, name, plan.layers[name])
                observing.weights[name] = {key: [int(n) for n in variable.shape] for key, variable in found.items()}
                observing.params[name] = sum(int(np.prod(shape)) for shape in observing.weights[name].values())
