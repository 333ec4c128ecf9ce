"""Trainings as plain torch: the functions of `conformance.lanes.torch.optimizers` that the case needs, carried along.

They make torch compute what Keras computes; torch's own optimisers, as they are, are the lane `torch[native]`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from conformance.mapping import Mapped, mapped_from
from conformance.protocol.plan import Plan
from conformance.record.parts import FailureRecord, NativeWeightRecord
from conformance.repro.errors import NotScriptable
from conformance.repro.training import (
    Training,
    feeds,
    found_lines,
    function,
    in_loop,
    loss_lines,
    refuse_penalties,
    title,
    weights_of,
)

Held = Callable[[str, str], str]
"""Layer and weight to the text of its tensor, in Keras' layout."""


class Optimizers(Protocol):
    """What was carried of the lane's optimisers."""

    @property
    def prepares(self) -> bool:
        """Whether anything is done before a step: gradients clipped, weights made smaller."""
        ...

    def settings(self, training: Training) -> str:
        """An optimiser's arguments as attributes: those that are not filled in."""
        ...

    def function(self, kind: str) -> str:
        """What the function is called that makes the steps of such an optimiser."""
        ...


_LAYOUT = "# weights move in Keras' layout: an optimizer looks at single numbers, or at the norm of a whole weight"
_NO_GRADIENTS = ("for tensor in moved:", "    tensor.grad = None")


def torch_training(
    plan: Plan,
    names: Callable[[str], str],
    held: Held,
    observed: Held,
    argument: str,
    again: tuple[str, ...],
    native: Mapping[str, Mapping[str, NativeWeightRecord]],
    failure: FailureRecord | None,
    optimizers: Optimizers,
) -> list[str]:
    """The function `train`. `observed` is a weight as it stands after a step: moved by its layer, too.

    `again` is what makes layers forget what they remember; `native` is what the lane noted of each training that it
    began; `optimizers` writes what was carried.
    """
    refuse_penalties(plan, "torch")
    lines = [f"data = {argument % 'inputs'}", "found = {}"]
    for index, training in enumerate(plan.trainings):
        if f"training {index + 1}" not in native:  # the lane did not come to it
            break
        before, loop, fed = feeds(training, names)
        start, step = _ported(training, optimizers)
        moved = [held(*_parts(name)) for name in training.trained]
        rows = [
            (f"{name}.{key}", f"{observed(name, key)}.detach().clone()") for name, key in weights_of(plan, training)
        ]
        lines += [
            "",
            title(training, index, len(plan.trainings)),
            *again,
            *([] if index else [_LAYOUT]),
            *_one_bias(training, native),
            *_listed("moved = [", moved, "]"),
            "for tensor in moved:",
            "    tensor.requires_grad_()",
            *start,
            *before,
            loop,
            *in_loop(loss_lines(training, f"graph(**{fed})", failure)),
            *in_loop(_NO_GRADIENTS),
            "    loss.backward()",
            *in_loop(step),
            *in_loop(found_lines(rows)),
        ]
    return function("train", "The weights after each step of training.", lines, "found")


def _one_bias(training: Training, native: Mapping[str, Mapping[str, NativeWeightRecord]]) -> list[str]:
    """What is to be said where torch has two biases for one of Keras'."""
    mapped = [found for layer in training.layers for found in mapped_weights(native, layer).values()]
    if not any(found.is_zeros for found in mapped):
        return []
    return ["# a bias is one weight, as in Keras: the two of torch's own layer would move twice as far together"]


def mapped_weights(native: Mapping[str, Mapping[str, NativeWeightRecord]], layer: str) -> dict[str, Mapped]:
    """torch's weights of a layer by name, and how each is made of one of Keras', as the lane noted them.

    Raises NotScriptable for results that were written before lanes noted it.
    """
    found = {}
    for name, held in native.get(layer, {}).items():
        if held.source is None:
            raise NotScriptable("these results do not say how torch's weights are made: run the case again")
        found[name] = mapped_from(held.source, held.steps or ())
    return found


def _parts(name: str) -> tuple[str, str]:
    layer, _, key = name.partition(".")
    return layer, key


def _listed(opening: str, items: list[str], closing: str) -> list[str]:
    line = opening + ", ".join(items) + closing
    return [line] if len(line) <= 112 else [opening, *(f"    {item}," for item in items), closing]


def _ported(training: Training, optimizers: Optimizers) -> tuple[list[str], list[str]]:
    """Lines before the loop, and those of a step, of an optimiser that computes what Keras computes."""
    start = [
        f"settings = {optimizers.settings(training)}",
        f"move = {optimizers.function(training.optimizer)}(settings, moved)",
    ]
    return start, [*(["prepare(settings, moved)"] if optimizers.prepares else []), "move(step)"]
