"""Trainings as plain NumPy: the reference's optimisers carried along, and gradients by differences in float64.

The reference takes its gradients by autograd; a script that needs NumPy alone takes differences.
"""

from __future__ import annotations

from collections.abc import Callable

from conformance.protocol.plan import Plan
from conformance.record.parts import FailureRecord
from conformance.repro.errors import NotScriptable
from conformance.repro.training import (
    Training,
    entries_moved,
    feeds,
    found_lines,
    function,
    in_loop,
    loss_lines,
    refuse_penalties,
    title,
    weights_of,
)

_STEP = (
    "for name, w in optimizer.apply(step, moved, gradients, memory).items():",
    "    moved[name][...] = w",
)
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
    failure: FailureRecord | None,
    optimizer: Callable[[Training], str],
) -> list[str]:
    """The function `train`. `observed` is a weight as it stands after a step, `optimizer` the call that makes one.

    `remembering` are the layers, as the script calls them, whose state outlives a call. Raises NotScriptable where
    differences would take too long.
    """
    runs = sum(4 * training.steps * entries_moved(plan, training) for training in plan.trainings)
    if runs > MOST_RUNS:
        raise NotScriptable(f"plain NumPy takes its gradients by differences, and here that is {runs:,} forward runs")
    refuse_penalties(plan, "plain NumPy")
    lines = [f"data = {argument % 'inputs'}", "found = {}"]
    for index, training in enumerate(plan.trainings):
        before, loop, fed = feeds(training, names)
        rows = [(f"{name}.{key}", f"{observed(name, key)}.copy()") for name, key in weights_of(plan, training)]
        lines += [
            "",
            title(training, index, len(plan.trainings)),
            *(f"{layer}.state = {{}}" for layer in remembering),
            *_moved(training, names),
            f"optimizer, memory = {optimizer(training)}, {{}}",
            *before,
            loop,
            *in_loop(_gradients(training, fed, remembering, failure)),
            *in_loop(_STEP),
            *in_loop(found_lines(rows)),
        ]
    return function("train", "The weights after each step of training.", lines, "found")


def _moved(training: Training, names: Callable[[str], str]) -> list[str]:
    """The arrays that the layers hold, so that what is done to them in place is done to the layers."""
    rows = []
    for name in training.trained:
        layer, _, key = name.partition(".")
        rows.append(f'    "{name}": {names(layer)}.arrays["{key}"],')
    return ["moved = {  # the layers' own arrays: they are changed in place", *rows, "}"]


def _gradients(training: Training, fed: str, remembering: list[str], failure: FailureRecord | None) -> list[str]:
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
