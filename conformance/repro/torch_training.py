"""Trainings as plain torch: `torch.optim` set so that Keras' numbers come out, or the step where no argument does that.

What is written here is what `conformance.lanes.torch.optimizers` computes, with the arguments filled in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.protocol.plan import Plan
from conformance.repro.errors import NotScriptable
from conformance.repro.literals import value_text
from conformance.repro.training import Training, feeds, found_lines, function, in_loop, loss_lines, title, weights_of

Config = Mapping[str, Any]
Held = Callable[[str, str], str]
"""Layer and weight to the text of its tensor, in Keras' layout."""
_LAYOUT = "# weights move in Keras' layout: an optimizer looks at single numbers, or at the norm of a whole weight"
_NO_GRADIENTS = ("for tensor in moved:", "    tensor.grad = None")


def torch_training(
    plan: Plan,
    names: Callable[[str], str],
    held: Held,
    observed: Held,
    argument: str,
    again: tuple[str, ...],
    native: Mapping[str, Any],
    failure: Mapping[str, Any] | None,
) -> list[str]:
    """The function `train`. `observed` is a weight as it stands after a step: moved by its layer, too.

    `again` is what makes layers forget what they remember; `native` is what the lane noted of each training that it
    began.
    """
    lines = [f"data = {argument % 'inputs'}", "found = {}"]
    for index, training in enumerate(plan.trainings):
        noted = native.get(f"training {index + 1}")
        if noted is None:  # the lane did not come to it
            break
        before, loop, fed = feeds(training, names)
        start, step = _native(training, noted) if training.is_native else _ported(training)
        has_optimizer = any(line.startswith("optimizer = ") for line in start)
        moved = ", ".join(held(*_parts(name)) for name in training.trained)
        rows = [
            (f"{name}.{key}", f"{observed(name, key)}.detach().clone()") for name, key in weights_of(plan, training)
        ]
        lines += [
            "",
            title(training, index, len(plan.trainings)),
            *again,
            *([] if index else [_LAYOUT]),
            *_one_bias(training, native),
            *_listed("moved = [", moved.split(", "), "]"),
            "for tensor in moved:",
            "    tensor.requires_grad_()",
            *start,
            *before,
            loop,
            *in_loop(loss_lines(training, f"graph(**{fed})", failure)),
            *in_loop(["optimizer.zero_grad()"] if has_optimizer else _NO_GRADIENTS),
            "    loss.backward()",
            *in_loop(step),
            *in_loop(found_lines(rows)),
        ]
    return function("train", "The weights after each step of training.", lines, "found")


def _one_bias(training: Training, native: Mapping[str, Any]) -> list[str]:
    """What is to be said where torch has two biases for one of Keras'."""
    mapped = [found["from"] for layer in training.layers for found in native.get(layer, {}).values()]
    if not any(".zeros()" in words for words in mapped):
        return []
    return ["# a bias is one weight, as in Keras: the two of torch's own layer would move twice as far together"]


def _parts(name: str) -> tuple[str, str]:
    layer, _, key = name.partition(".")
    return layer, key


def _listed(opening: str, items: list[str], closing: str) -> list[str]:
    line = opening + ", ".join(items) + closing
    return [line] if len(line) <= 112 else [opening, *(f"    {item}," for item in items), closing]


def _native(training: Training, noted: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """torch's own optimiser with the arguments that the case writes, and torch's defaults for all others."""
    config = training.config
    ((kind, found),) = noted.items()
    given = found["from"].removeprefix("as it is: ").removeprefix("no arguments")
    start = [
        "# torch as it is: the case's arguments under torch's names, and torch's defaults for all others",
        f"optimizer = {kind}(moved{', ' + given if given else ''})",
    ]
    step = []
    longest = config.get("clipnorm") or config.get("global_clipnorm")
    if longest is not None:
        step.append(f"torch.nn.utils.clip_grad_norm_(moved, {value_text(longest)})  # the norm of all together")
    if config.get("clipvalue") is not None:
        step.append(f"torch.nn.utils.clip_grad_value_(moved, {value_text(config['clipvalue'])})")
    return start, [*step, "optimizer.step()"]


def _ported(training: Training) -> tuple[list[str], list[str]]:
    """Lines before the loop, and those of a step, of an optimiser that computes what Keras computes."""
    config, kind = training.full, training.optimizer
    if kind not in _PORTS:
        raise NotScriptable(f"scripts know no torch for the optimizer {kind}")
    start, step = _PORTS[kind](config)
    return start, [*_clip(config), *_decay(config), *step]


def _clip(config: Config) -> list[str]:
    if config["clipnorm"] is not None:
        longest = value_text(config["clipnorm"])
        return [
            "# Keras clips each weight by its own norm; torch's clip_grad_norm_ takes that of all, and adds 1e-6",
            "for tensor in moved:",
            f"    tensor.grad.mul_({longest} / tensor.grad.norm().clamp(min={longest}))",
        ]
    if config["global_clipnorm"] is not None:
        longest = value_text(config["global_clipnorm"])
        return [
            "# torch's clip_grad_norm_ would add 1e-6 to the norm",
            "length = torch.sqrt(sum(tensor.grad.square().sum() for tensor in moved))",
            "for tensor in moved:",
            f"    tensor.grad.mul_({longest} / length.clamp(min={longest}))",
        ]
    if config["clipvalue"] is not None:
        return [f"torch.nn.utils.clip_grad_value_(moved, {value_text(config['clipvalue'])})"]
    return []


def _decay(config: Config) -> list[str]:
    if not config["weight_decay"]:
        return []
    rate, decay = value_text(config["learning_rate"]), value_text(config["weight_decay"])
    return [
        "# Keras' weight_decay goes beside the step; that of torch, but for AdamW, into the gradient",
        "with torch.no_grad():",
        "    for tensor in moved:",
        f"        tensor.mul_(1 - {rate} * {decay})",
    ]


def _sgd(config: Config) -> tuple[list[str], list[str]]:
    arguments = f"moved, lr={value_text(config['learning_rate'])}"
    if config["momentum"]:
        arguments += f", momentum={value_text(config['momentum'])}"
        arguments += ", nesterov=True" if config["nesterov"] else ""
    start = [f"optimizer = torch.optim.SGD({arguments})"]
    if config["nesterov"] and not config["momentum"]:
        start.insert(0, "# without momentum there is nothing to look ahead by, and torch refuses nesterov=True")
    return start, ["optimizer.step()"]


def _adam(config: Config) -> tuple[list[str], list[str]]:
    betas = f"({value_text(config['beta_1'])}, {value_text(config['beta_2'])})"
    most = ", amsgrad=True" if config["amsgrad"] else ""
    return [f"optimizer = torch.optim.Adam(moved, lr={value_text(config['learning_rate'])}, betas={betas}{most})"], [
        "# Keras adds epsilon before the second moment is corrected, torch eps after: this eps makes them one",
        f'optimizer.param_groups[0]["eps"] = {value_text(config["epsilon"])} '
        f"/ (1 - {value_text(config['beta_2'])}**step) ** 0.5",
        "optimizer.step()",
    ]


def _rmsprop(config: Config) -> tuple[list[str], list[str]]:
    rate, rho, epsilon = (value_text(config[key]) for key in ("learning_rate", "rho", "epsilon"))
    is_centered, has_momentum = config["centered"], bool(config["momentum"])
    start = [
        "# written out: Keras adds epsilon inside of the root, and no argument of torch.optim.RMSprop does that",
        "squares = [torch.zeros_like(tensor) for tensor in moved]",
        *(["mean = [torch.zeros_like(tensor) for tensor in moved]"] if is_centered else []),
        *(["velocity = [torch.zeros_like(tensor) for tensor in moved]"] if has_momentum else []),
    ]
    zipped = ", ".join(["squares", *(["mean"] if is_centered else []), *(["velocity"] if has_momentum else [])])
    each = zipped.replace("squares", "s").replace("mean", "m").replace("velocity", "v")
    spread = "s - m.square()" if is_centered else "s"
    change = f"{rate} * tensor.grad / torch.sqrt({spread} + {epsilon})"
    step = [
        "with torch.no_grad():",
        f"    for tensor, {each} in zip(moved, {zipped}):",
        f"        s.mul_({rho}).add_((1 - {rho}) * tensor.grad.square())",
        *([f"        m.mul_({rho}).add_((1 - {rho}) * tensor.grad)"] if is_centered else []),
    ]
    if has_momentum:
        return start, [
            *step,
            f"        v.mul_({value_text(config['momentum'])}).add_({change})",
            "        tensor.sub_(v)",
        ]
    return start, [*step, f"        tensor.sub_({change})"]


def _adagrad(config: Config) -> tuple[list[str], list[str]]:
    start = f"{value_text(config['initial_accumulator_value'])} + {value_text(config['epsilon'])}"
    return [
        "# Keras adds epsilon inside of the root: as a part of the sum of squares from the start",
        f"optimizer = torch.optim.Adagrad(moved, lr={value_text(config['learning_rate'])}, "
        f"initial_accumulator_value={start}, eps=0)",
    ], ["optimizer.step()"]


_PORTS: Mapping[str, Callable[[Config], tuple[list[str], list[str]]]] = {
    "SGD": _sgd,
    "Adam": _adam,
    "AdamW": _adam,
    "RMSprop": _rmsprop,
    "Adagrad": _adagrad,
}
