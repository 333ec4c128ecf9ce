"""Trainings as plain NumPy: gradients by differences in float64, and every optimiser's step in a few lines.

What is written here is what `conformance.reference.optimizers` computes, with the arguments filled in. The reference
takes its gradients by autograd; a script that needs NumPy alone takes differences.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from conformance.protocol.plan import Plan
from conformance.repro.errors import NotScriptable
from conformance.repro.literals import quoted, value_text
from conformance.repro.training import (
    Training,
    entries_moved,
    feeds,
    found_lines,
    function,
    in_loop,
    loss_lines,
    title,
    weights_of,
)

Config = Mapping[str, Any]
MOST_RUNS = 200_000
"""Forward runs that the differences of a script may take: minutes, for a small model."""

SLOPE = '''\
def slope(score, array, h=1e-4):
    """d score() / d array, entry by entry: central differences of fourth order, right to ten digits in float64."""
    found = np.zeros_like(array)
    for index in np.ndindex(array.shape):
        kept, sides = array[index], []
        for step in (1, -1, 2, -2):
            array[index] = kept + step * h
            sides.append(float(score()))
        array[index] = kept
        found[index] = (8 * (sides[0] - sides[1]) - (sides[2] - sides[3])) / (12 * h)
    return found
'''


def numpy_training(
    plan: Plan,
    names: Callable[[str], str],
    observed: Callable[[str, str], str],
    argument: str,
    remembering: list[str],
    failure: Mapping[str, Any] | None,
) -> list[str]:
    """The function `train`. `observed` is a weight as it stands after a step.

    `remembering` are the layers, as the script calls them, whose state outlives a call. Raises NotScriptable where
    differences would take too long.
    """
    runs = sum(4 * training.steps * entries_moved(plan, training) for training in plan.trainings)
    if runs > MOST_RUNS:
        raise NotScriptable(f"plain NumPy takes its gradients by differences, and here that is {runs:,} forward runs")
    lines = [f"data = {argument % 'inputs'}", "found = {}"]
    for index, training in enumerate(plan.trainings):
        if training.optimizer not in _STEPS:
            raise NotScriptable(f"scripts know no NumPy for the optimizer {training.optimizer}")
        before, loop, fed = feeds(training, names)
        start, step = _STEPS[training.optimizer](training.full)
        rows = [(f"{name}.{key}", f"{observed(name, key)}.copy()") for name, key in weights_of(plan, training)]
        lines += [
            "",
            title(training, index, len(plan.trainings)),
            *(f"{layer}.state = {{}}" for layer in remembering),
            *_moved(training, names),
            *_arguments(training.full),
            *start,
            *before,
            loop,
            *in_loop(_gradients(training, fed, remembering, failure)),
            *in_loop([*_clip(training.full), *_decay(training.full), *step]),
            *in_loop(found_lines(rows)),
        ]
    return function("train", "The weights after each step of training.", lines, "found")


def refusal(plan: Plan, failure: Mapping[str, Any]) -> list[str]:
    """What refuses an optimiser's arguments, where it was that what the reference refused."""
    bounds = ("clipnorm", "global_clipnorm", "clipvalue")
    for training in plan.trainings:
        given = {name: training.config[name] for name in bounds if training.config.get(name) is not None}
        if len(given) > 1 and "only one of" in failure["message"]:
            return [f"if len({value_text(given)}) > 1:", f"    raise LayerError({quoted(failure['message'])})"]
        momentum = training.config.get("momentum", 0)
        if momentum > 1 and "momentum" in failure["message"]:
            return [f"if {value_text(momentum)} > 1:", f"    raise LayerError({quoted(failure['message'])})"]
    return []


def _moved(training: Training, names: Callable[[str], str]) -> list[str]:
    """The arrays that the layers hold, so that what is done to them in place is done to the layers."""
    rows = []
    for name in training.trained:
        layer, _, key = name.partition(".")
        rows.append(f'    "{name}": {names(layer)}.arrays["{key}"],')
    return ["moved = {  # the layers' own arrays: they are changed in place", *rows, "}"]


def _gradients(training: Training, fed: str, remembering: list[str], failure: Mapping[str, Any] | None) -> list[str]:
    """Lines of a step that fill `gradients`, and let layers remember this step's run and no other."""
    value = loss_lines(training, f"graph(**{fed})[0]", failure)
    if not remembering and len(value) == 1:
        return [
            f"gradients = {{name: slope(lambda: {value[0].removeprefix('loss = ')}, w) for name, w in moved.items()}}"
        ]
    states = f"[{', '.join(f'{layer}.state' for layer in remembering)}]"
    keep = [f"    kept = copy.deepcopy({states})"] if remembering else []
    back = [f"    {states} = kept"] if remembering else []
    inside = [f"    {line}" for line in value]
    return [
        "def score():",
        *keep,
        *inside,
        *back,
        "    return loss",
        "",
        "gradients = {name: slope(score, w) for name, w in moved.items()}",
        *([f"graph(**{fed})  # the run of this step, which layers remember"] if remembering else []),
    ]


def _arguments(config: Config) -> list[str]:
    """The optimiser's arguments by name: those that its step speaks of."""
    used = [*_USED, *(["weight_decay"] if config["weight_decay"] else [])]
    spoken = [name for name in used if name in config and config[name] is not None]
    if not config.get("momentum"):
        spoken = [name for name in spoken if name != "momentum"]
    return [f"{', '.join(spoken)} = {', '.join(value_text(config[name]) for name in spoken)}"]


_USED = ("learning_rate", "momentum", "beta_1", "beta_2", "rho", "epsilon")


def _clip(config: Config) -> list[str]:
    if config["clipnorm"] is not None:
        longest = value_text(config["clipnorm"])
        return [
            "for g in gradients.values():  # each by its own norm",
            f"    g *= {longest} / max(np.sqrt(np.sum(g**2)), {longest})",
        ]
    if config["global_clipnorm"] is not None:
        longest = value_text(config["global_clipnorm"])
        return [
            "length = np.sqrt(sum(np.sum(g**2) for g in gradients.values()))  # of all together",
            "for g in gradients.values():",
            f"    g *= {longest} / max(length, {longest})",
        ]
    if config["clipvalue"] is not None:
        bound = value_text(config["clipvalue"])
        return ["for g in gradients.values():", f"    np.clip(g, -{bound}, {bound}, out=g)"]
    return []


def _decay(config: Config) -> list[str]:
    if not config["weight_decay"]:
        return []
    return ["for w in moved.values():  # beside the step, not through it", "    w *= 1 - learning_rate * weight_decay"]


def _zeros(*names: str) -> list[str]:
    return [f"{name} = {{name: np.zeros_like(w) for name, w in moved.items()}}" for name in names]


_LOOP = "for name, w in moved.items():"
_GRADIENT = "    g = gradients[name]"
_INSIDE = "    # Keras adds epsilon inside of the root"


def _sgd(config: Config) -> tuple[list[str], list[str]]:
    if not config["momentum"]:
        return [], [_LOOP, "    w -= learning_rate * gradients[name]"]
    ahead = "momentum * velocity[name] - learning_rate * g" if config["nesterov"] else "velocity[name]"
    return _zeros("velocity"), [
        _LOOP,
        _GRADIENT,
        "    velocity[name] = momentum * velocity[name] - learning_rate * g",
        f"    w += {ahead}{'  # Nesterov: one step ahead' if config['nesterov'] else ''}",
    ]


def _adam(config: Config) -> tuple[list[str], list[str]]:
    most = ["    most[name] = np.maximum(most[name], v[name])"] if config["amsgrad"] else []
    second = "most[name]" if config["amsgrad"] else "v[name]"
    return _zeros("m", "v", *(["most"] if most else [])), [
        _LOOP,
        _GRADIENT,
        "    m[name] = beta_1 * m[name] + (1 - beta_1) * g",
        "    v[name] = beta_2 * v[name] + (1 - beta_2) * g**2",
        *most,
        "    # Keras adds epsilon before the second moment is corrected",
        "    corrected = learning_rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)",
        f"    w -= corrected * m[name] / (np.sqrt({second}) + epsilon)",
    ]


def _rmsprop(config: Config) -> tuple[list[str], list[str]]:
    names = ["squares", *(["mean"] if config["centered"] else []), *(["velocity"] if config["momentum"] else [])]
    spread = "squares[name] - mean[name] ** 2" if config["centered"] else "squares[name]"
    step = [
        _LOOP,
        _GRADIENT,
        "    squares[name] = rho * squares[name] + (1 - rho) * g**2",
        *(["    mean[name] = rho * mean[name] + (1 - rho) * g"] if config["centered"] else []),
    ]
    step += [_INSIDE, f"    change = learning_rate * g / np.sqrt({spread} + epsilon)"]
    if not config["momentum"]:
        return _zeros(*names), [*step, "    w -= change"]
    return _zeros(*names), [*step, "    velocity[name] = momentum * velocity[name] + change", "    w -= velocity[name]"]


def _adagrad(config: Config) -> tuple[list[str], list[str]]:
    first = value_text(config["initial_accumulator_value"])
    return [f"squares = {{name: np.full_like(w, {first}) for name, w in moved.items()}}"], [
        _LOOP,
        _GRADIENT,
        "    squares[name] += g**2",
        _INSIDE,
        "    w -= learning_rate * g / np.sqrt(squares[name] + epsilon)",
    ]


_STEPS: Mapping[str, Callable[[Config], tuple[list[str], list[str]]]] = {
    "SGD": _sgd,
    "Adam": _adam,
    "AdamW": _adam,
    "RMSprop": _rmsprop,
    "Adagrad": _adagrad,
}
