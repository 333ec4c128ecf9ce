"""Layers around a layer: Bidirectional reads a sequence from both ends, TimeDistributed takes each step by itself."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import autograd.numpy as np

from .base import NO_MASK, Array, Layer, LayerError, Mutant, Shape, Weight, Weights, arg
from .rnn import PACKED_LINES
from .traits import FEATURES, Arithmetic, Axes, absent, asked, composed

MergeMode = Literal["concat", "sum", "mul", "ave"] | None


def _under(scope: str, weights: Mapping[str, Weight]) -> dict[str, Weight]:
    return {f"{scope}.{name}": weight for name, weight in weights.items()}


def _within(scope: str, weights: Mapping[str, Weight]) -> dict[str, Weight]:
    return {name[len(scope) + 1 :]: weight for name, weight in weights.items() if name.startswith(f"{scope}.")}


def _mapped(layer: Any, output: Any, change: Any) -> Any:
    """The merged output changed, or each of the two outputs of `merge_mode` None; states stay."""
    merged = 2 if layer.merge_mode is None else 1
    if not isinstance(output, list):
        return change(output)
    return [change(item) if place < merged else item for place, item in enumerate(output)]


def _unflipped(layer: Any, output: Any, args: list[Any]) -> Any:
    if not layer.layer.return_sequences or layer.merge_mode in ("sum", "mul", "ave"):
        return output
    if layer.merge_mode is None:
        return [output[0], output[1][:, ::-1], *output[2:]]
    half = layer.layer.units
    return _mapped(layer, output, lambda y: np.concatenate([y[..., :half], y[:, ::-1, half:]], axis=-1))


def _returning_sequences(layer: Any) -> dict[str, Any]:
    both = {"layer": layer.layer, "backward_layer": layer.backward_layer}
    return {k: v and dataclasses.replace(v, return_sequences=True) for k, v in both.items()}


def _with_directions(names: Mapping[str, str]) -> Any:
    """A weight hook: each direction takes the weights of the one named."""

    def taken(name: str) -> str:
        direction, _, rest = name.partition(".")
        return f"{names[direction]}.{rest}"

    return lambda layer, weights: {name: weights[taken(name)] for name in weights}


def _states_swapped(layer: Any, output: Any, args: list[Any]) -> Any:
    if not layer.layer.return_state:
        return output
    first = 2 if layer.merge_mode is None else 1
    middle = first + (len(output) - first) // 2
    return [*output[:first], *output[middle:], *output[first:middle]]


def _first_half(states: Any) -> Any:
    return None if states is None else [*states[: len(states) // 2]] * 2


class Bidirectional(Layer):
    """A recurrent layer run from both ends of a sequence (Schuster & Paliwal 1997), the two outputs merged.

    sequences: (batch, steps, features). The backward outputs are turned round, so that both directions stand at the
    same step; without `return_sequences` each direction gives the output after its own last step. Returns the merged
    output (twice the units for `concat`), or the list [forward, backward] for None; with `return_state` the list goes
    on with the states of the forward and then of the backward layer. `initial_state` is a list in that order too.
    Masked steps of a sequence of outputs are zero, whatever the wrapped layers say (documentation of Keras).
    The weights are named `forward.kernel` ... and `backward.kernel` ...
    """

    is_recurrent = True
    wrapped: ClassVar[Mapping[str, tuple[str, ...]]] = {"forward": ("layer",), "backward": ("backward_layer", "layer")}
    arithmetic = "rounds"
    input_axis_names = FEATURES
    native = absent("an argument of torch's recurrent layers: bidirectional=True")
    also_modules = ("GRU", "LSTM", "RNN")
    layout = "recurrent"
    example = asked("Bidirectional(LSTM(3))", "5,2")
    holds = "recurrent"

    layer: Layer = arg("The recurrent layer that reads forward; its copy reads backward.")
    merge_mode: MergeMode = arg("How the two outputs become one; None gives both in a list.", default="concat")
    backward_layer: Layer | None = arg("The layer that reads backward, in place of a copy.", default=None)

    keras_only = ("weights",)
    mutants = (
        Mutant(
            "last_step_of_both",
            "takes the backward output at the last step, where it has read one step only",
            config=_returning_sequences,
            output=lambda layer, output, args: _mapped(layer, output, lambda y: y[:, -1]),
        ),
        Mutant("backward_not_flipped", "leaves the backward outputs in the order of reading", output=_unflipped),
        Mutant(
            "directions_swapped",
            "gives each direction the other's weights",
            weights=_with_directions({"forward": "backward", "backward": "forward"}),
        ),
        Mutant(
            "weights_shared",
            "uses one set of weights for both directions",
            weights=_with_directions({"forward": "forward", "backward": "forward"}),
        ),
        Mutant(
            "merged_otherwise",
            "sums what is averaged or multiplied, or averages what is summed",
            config=lambda layer: {"merge_mode": "ave" if layer.merge_mode == "sum" else "sum"},
        ),
        Mutant(
            "ignores_mask",
            "runs over padding as over data",
            inputs=lambda layer, args, kwargs: (args, {**kwargs, "mask": None}),
        ),
        Mutant(
            "ignores_initial_state",
            "always starts from zeros",
            inputs=lambda layer, args, kwargs: (args, {**kwargs, "initial_state": None}),
        ),
        Mutant(
            "states_of_forward",
            "starts both directions from the forward layer's initial state",
            inputs=lambda layer, args, kwargs: (
                args,
                {**kwargs, "initial_state": _first_half(kwargs.get("initial_state"))},
            ),
        ),
        Mutant("states_swapped", "gives the backward states before the forward states", output=_states_swapped),
    )

    @classmethod
    def torch_lines(cls, config: Mapping[str, Any], size: int) -> tuple[str, ...]:
        return PACKED_LINES

    def check(self) -> None:
        if self.merge_mode not in ("concat", "sum", "mul", "ave", None):
            raise LayerError(f"merge_mode must be concat, sum, mul, ave or None, not {self.merge_mode!r}")
        along = ("go_backwards", "return_sequences", "return_state", "stateful")
        for layer in (self.layer, self.backward_layer or self.layer):
            for needed in along:
                if not hasattr(layer, needed):
                    raise LayerError(f"{type(layer).__name__} has no {needed}: it does not run along a sequence")
        forward, backward = self._directions()
        for needed in along[1:]:
            if getattr(forward, needed) != getattr(backward, needed):
                raise LayerError(f"the two layers must have the same {needed}")
        if forward.go_backwards == backward.go_backwards:
            raise LayerError("the two layers must have different go_backwards")

    def _directions(self) -> tuple[Any, Any]:
        """The layers that read forward and backward."""
        forward: Any = self.layer
        backward: Any = self.backward_layer
        if backward is None:
            backward = dataclasses.replace(forward, go_backwards=True)
        return _zero_where_masked(forward), _zero_where_masked(backward)

    def weights(self, sequences: Shape, *others: Any) -> Mapping[str, Weight]:
        forward, backward = self._directions()
        return _under("forward", forward.weights(sequences)) | _under("backward", backward.weights(sequences))

    def call(
        self, w: Weights, sequences: Array, initial_state: Any = None, mask: Array = None, training: bool = False
    ) -> Any:
        results = []
        for place, (scope, layer) in enumerate(zip(("forward", "backward"), self._directions(), strict=True)):
            state = initial_state
            if state is not None:
                half = len(state) // 2
                state = state[half:] if place else state[:half]
            result = layer.call(w.within(scope), sequences, initial_state=state, mask=mask, training=training)
            results.append(result if layer.return_state else [result])
        (forward, *forward_states), (backward, *backward_states) = results
        if layer.return_sequences:
            backward = backward[:, ::-1]
        merged = self._merge(forward, backward)
        if layer.return_state:
            return [*(merged if self.merge_mode is None else [merged]), *forward_states, *backward_states]
        return merged

    def _merge(self, forward: Array, backward: Array) -> Any:
        match self.merge_mode:
            case "concat":
                return np.concatenate([forward, backward], axis=-1)
            case "sum":
                return forward + backward
            case "mul":
                return forward * backward
            case "ave":
                return (forward + backward) / 2
        return [forward, backward]

    def compute_mask(self, x: Any, mask: Any) -> Any:
        kept = mask if self._directions()[0].return_sequences else NO_MASK
        return [kept, kept] if self.merge_mode is None else kept

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        forward, backward = self._directions()
        one: int = forward.longest_sum(_within("forward", weights), *shapes)
        other: int = backward.longest_sum(_within("backward", weights), *shapes)
        return max(one, other)

    def rule(self, *shapes: Any) -> str:
        merged = {"concat": "side by side", None: "both given"}.get(self.merge_mode, f"merged by {self.merge_mode}")
        return f"each direction: {self.layer.rule(*shapes)}; {merged}"


def _zero_where_masked(layer: Any) -> Any:
    if not hasattr(layer, "zero_output_for_mask"):
        return layer
    return dataclasses.replace(layer, zero_output_for_mask=layer.return_sequences)


class TimeDistributed(Layer):
    """The same layer, with the same weights, on every step of a sequence by itself.

    inputs: (batch, steps, ...), three axes or more. Returns (batch, steps, ...), where the further axes are what the
    layer makes of one step (batch, ...). A mask (batch, steps, ...) goes on unchanged; a layer that takes a mask is
    given that of its step. The weights are named `layer.kernel` ...
    """

    arithmetic = "moves"
    native = composed("torch.stack([layer(step) for step in x.unbind(1)], dim=1)")
    layout = "linear"  # that of a dense layer inside it
    example = asked("TimeDistributed(Dense(7))", "5,3")
    holds = "any"

    layer: Layer = arg("The layer that is applied to each step.")

    supports_masking = True
    mutants = (
        Mutant(
            "first_step_everywhere",
            "repeats the output of the first step",
            output=lambda layer, output, args: np.repeat(output[:, :1], output.shape[1], axis=1),
        ),
        Mutant(
            "unfolded_wrongly",
            "unfolds (steps * batch) as if it were (batch * steps)",
            output=lambda layer, output, args: np.reshape(np.swapaxes(output, 0, 1), output.shape),
        ),
        Mutant("drops_mask", "ends the mask of the sequence", mask=lambda layer, output_mask, mask: NO_MASK),
    )

    @classmethod
    def axis_words(cls, config: Mapping[str, Any], name: str, rank: int) -> Axes:
        inner = super().axis_words(config, name, rank - 1)
        return ("time", *inner) if rank > 2 else super().axis_words(config, name, rank)

    def computes(self) -> Arithmetic:
        return self.layer.computes()

    def weights(self, inputs: Shape, *others: Any) -> Mapping[str, Weight]:
        return _under("layer", self.layer.weights(self._step_shape(inputs)))

    def _step_shape(self, inputs: Shape) -> Shape:
        if len(inputs) < 3:
            raise LayerError(f"needs at least three axes (batch, steps, ...), not {len(inputs)}")
        return (inputs[0], *inputs[2:])

    def call(self, w: Weights, inputs: Array, training: bool = False, mask: Array = None) -> Any:
        self._step_shape(inputs.shape)
        if mask is not None and np.shape(mask)[:2] != inputs.shape[:2]:
            raise LayerError(f"the mask {np.shape(mask)} does not fit the input {inputs.shape}")
        taken = inspect.signature(self.layer.call).parameters
        inner = w.within("layer")
        outputs = []
        for step in range(inputs.shape[1]):
            options: dict[str, Any] = {"training": training} if "training" in taken else {}
            if "mask" in taken and mask is not None:
                options["mask"] = mask[:, step]
            outputs.append(self.layer.call(inner, inputs[:, step], **options))
        return np.stack(outputs, axis=1)

    def longest_sum(self, weights: Mapping[str, Weight], *shapes: Any) -> int:
        return self.layer.longest_sum(_within("layer", weights), self._step_shape(shapes[0]))

    def rule(self, *shapes: Any) -> str:
        inner = self.layer.rule(self._step_shape(shapes[0]))
        return f"{shapes[0][1]} steps, each by itself{': ' + inner if inner else ''}"
