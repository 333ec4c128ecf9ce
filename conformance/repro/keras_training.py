"""Trainings as plain Keras: an optimiser of Keras and the backend's gradients, as in a loop of one's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from conformance.protocol.plan import Plan, PlannedTraining
from conformance.record.parts import FailureRecord
from conformance.repro.errors import NotScriptable
from conformance.repro.literals import value_text
from conformance.repro.training import adds_loss, feeds, function, in_loop, loss_lines, title

EXCLUDED = "exclude_from_weight_decay"
"""What is no argument of a constructor, but a call of an optimiser that is not built yet."""
IMPORTS = {"tensorflow": "import tensorflow as tf", "torch": "import torch"}
"""By backend what a script that differentiates imports."""


def keras_training(
    plan: Plan,
    names: Callable[[str], str],
    argument: str,
    again: Sequence[str],
    backend: str,
    failure: FailureRecord | None,
) -> list[str]:
    """The function `train`. `again` is what gives layers back what earlier runs have moved.

    Raises NotScriptable for a backend whose gradients scripts do not know.
    """
    if backend not in IMPORTS:
        raise NotScriptable(f"scripts take Keras' gradients from TensorFlow or torch, and this lane runs on {backend}")
    lines = [f"data = {argument % 'inputs'}", "found = {}"]
    for index, training in enumerate(plan.trainings):
        before, loop, fed = feeds(training, names)
        lines += ["", title(training, index, len(plan.trainings))]
        if again:
            lines += [f"{again[0]}  # from the start again: the run before has moved it", *again[1:]]
        moved = [f"{names(layer)}.trainable_variables" for layer in training.layers]
        listed = moved[0] if len(moved) == 1 else f"[{', '.join(f'*{one}' for one in moved)}]"
        minimised = [*loss_lines(training, f"graph(**{fed})", failure), *_penalties(plan, training, names)]
        if training.config.get("loss_scale_factor") or _holds_others(training.config):
            minimised.append("loss = optimizer.scale_loss(loss)")
        lines += [
            *optimizer_lines(training.optimizer, training.config),
            f"moved = {listed}",
            *before,
            loop,
            *in_loop(_STEPS[backend](minimised)),
            *in_loop(_finalized(training)),
            *in_loop(line for layer in training.layers for line in weights_found(plan, names, layer, "step")),
        ]
    return function("train", "The weights after each step of training.", lines, "found")


def _penalties(plan: Plan, training: PlannedTraining, names: Callable[[str], str]) -> list[str]:
    """What layers add to a loss, as fit adds it; constraints are the optimiser's own to keep."""
    costing = [layer for layer in training.layers if adds_loss(plan.layers[layer])]
    return [f"loss = loss + sum({names(layer)}.losses)" for layer in costing]


def _by_tape(loss: list[str]) -> list[str]:
    return [
        "with tf.GradientTape() as tape:",
        *in_loop(loss),
        "optimizer.apply(tape.gradient(loss, moved), moved)",
    ]


def _by_torch(loss: list[str]) -> list[str]:
    return [
        *loss,
        "gradients = torch.autograd.grad(loss, [variable.value for variable in moved])",
        "with torch.no_grad():",
        "    optimizer.apply(gradients, moved)",
    ]


_STEPS = {"tensorflow": _by_tape, "torch": _by_torch}


def optimizer_lines(kind: str, config: Mapping[str, Any]) -> list[str]:
    """Lines that give `optimizer` its value."""
    return [f"optimizer = keras.optimizers.{kind}({_arguments(config)})", *_spared(config)]


def weights_found(plan: Plan, names: Callable[[str], str], layer: str, number: str) -> list[str]:
    """All weights of a layer after the step or epoch that `number` says, in Keras' order."""
    labels = [f'f"{layer}.{key}@{{{number}}}"' for key in plan.layers[layer].weights]
    line = f"found |= zip([{', '.join(labels)}], {names(layer)}.get_weights())"
    if not labels or len(line) <= 108:
        return [line] if labels else []
    return [
        "found |= zip(",
        "    [",
        *(f"        {label}," for label in labels),
        "    ],",
        f"    {names(layer)}.get_weights(),",
        ")",
    ]


def _finalized(training: PlannedTraining) -> list[str]:
    if not training.finalize:
        return []
    return [f"if step == {training.steps}:", "    optimizer.finalize_variable_values(moved)"]


def _holds_others(config: Mapping[str, Any]) -> bool:
    """Whether an optimiser hands its work to others, which may scale the loss."""
    return "inner_optimizer" in config or "optimizer_map" in config


def _spared(config: Mapping[str, Any]) -> list[str]:
    excluded = list(config.get(EXCLUDED) or ())
    return [f"optimizer.{EXCLUDED}(var_names={value_text(excluded)})"] if excluded else []


def _arguments(config: Mapping[str, Any]) -> str:
    return ", ".join(f"{key}={_argument(value)}" for key, value in config.items() if key != EXCLUDED)


def _argument(value: Any) -> str:
    if isinstance(value, Mapping) and "default_optimizer" in value:
        others = ", ".join(
            f"{value_text(key)}: {_argument(one)}" for key, one in value.get("optimizer_map", {}).items()
        )
        return f"keras.optimizers.OptimizerMap({_argument(value['default_optimizer'])}, {{{others}}})"
    if isinstance(value, Mapping) and "type" in value:
        rest = {key: item for key, item in value.items() if key != "type"}
        if rest.get(EXCLUDED):
            raise NotScriptable(f"a script does not say {EXCLUDED} of an optimiser inside another")
        return f"keras.optimizers.{value['type']}({_arguments(rest)})"
    return value_text(value)
