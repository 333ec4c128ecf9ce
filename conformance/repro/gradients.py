"""Gradients in scripts, where gradients are what differs: of all outputs, each times a drawn array, added up.

The arrays are the cotangents of the plan, so that these gradients are those that the report speaks of.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from conformance.record.case import Record
from conformance.record.lane import LaneRecord
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.training import function

_WORDS = "Gradients of the sum of all outputs, each times an array of its own: one backward pass gives them all."


def are_wanted(record: Record) -> bool:
    """Whether a gradient is the first thing in which a lane of this case differs: all scripts compare them then.

    Not where a lane only raised for them: nobody says that another one is wrong.
    """
    causes = [held.findings[0] for held in record.lanes.values() if held.findings]
    return any(cause.aspect == "gradient" and cause.kind != "raised" for cause in causes)


def were_raised(held: LaneRecord) -> bool:
    """Whether it is for gradients that this lane raised, and for nothing before."""
    return [(cause.aspect, cause.kind) for cause in held.findings[:1]] == [("gradient", "raised")]


def call_beside_outputs(evidence: Evidence, lane: str) -> str:
    """The call of what a script computes beside outputs: trained weights, or gradients; empty where it is neither."""
    held = evidence.record.lanes[lane]
    failure = held.failure
    if evidence.plan.trainings or evidence.plan.fits:
        called = [*["train()"] * bool(evidence.plan.trainings), *["reports()"] * bool(evidence.plan.fits)]
        return "" if failure is not None and failure.phase == "build" else " | ".join(called)
    is_asked = were_raised(held) or (are_wanted(evidence.record) and failure is None)
    return "gradients()" if is_asked else ""


def label_of(gradient: str) -> str:
    """What a script calls a gradient of `input x` or of `layer.weight`."""
    return f"gradient of {gradient.removeprefix('input ')}"


def _weighted(evidence: Evidence) -> list[str]:
    """The arrays that outputs are multiplied by, by the outputs' labels; integers have none."""
    rows = []
    for node, arrays in evidence.plan.cotangents.items():
        structure = evidence.reference.runs[0][node].structure
        for index, one in enumerate(arrays):
            label = node if structure is None else f"{node}[{index}]"
            if one is not None:
                rows.append(f'    "{label}": {evidence.text(one, 4)},')
    return ["cotangents = {", *rows, "}"]


def _sources(evidence: Evidence, of_input: Callable[[str], str], of_weight: Callable[[str, str], str]) -> list[str]:
    """All float inputs and weights, by label."""
    rows = []
    for gradient in evidence.reference.gradients:
        if gradient.startswith("input "):
            text = of_input(gradient.removeprefix("input "))
        else:
            layer, _, key = gradient.partition(".")
            text = of_weight(layer, key)
        rows.append(f'    "{label_of(gradient)}": {text},')
    return ["sources = {", *rows, "}"]


def keras_gradients(
    evidence: Evidence, names: Callable[[str], str], argument: str, again: Sequence[str], backend: str
) -> list[str]:
    """The function `gradients`, by TensorFlow's tape or torch's graph. Raises NotScriptable for other backends."""
    if backend not in ("tensorflow", "torch"):
        raise NotScriptable(f"scripts take Keras' gradients from TensorFlow or torch, and this lane runs on {backend}")

    def weight(layer: str, key: str) -> str:
        return f"{names(layer)}.weights[{list(evidence.plan.layers[layer].weights).index(key)}].value"

    lines = [
        *again,
        f"data = {argument % 'inputs'}",
        *_weighted(evidence),
        *_sources(evidence, lambda name: f'data["{names(name)}"]', weight),
    ]
    if backend == "torch":
        return function("gradients", _WORDS, [*lines, *_BY_TORCH], "dict(zip(sources, found))")
    lines += [
        "with tf.GradientTape() as tape:",
        "    tape.watch(sources)",
        "    outputs = dict(named(graph(**data)))",
        "    score = sum(tf.reduce_sum(outputs[name] * array) for name, array in cotangents.items())",
        'found = tape.gradient(score, sources, unconnected_gradients="zero")',
    ]
    return function("gradients", _WORDS, lines, "{name: tf.convert_to_tensor(one) for name, one in found.items()}")


_BY_TORCH = (
    "for tensor in sources.values():",
    "    tensor.requires_grad_()",
    "outputs = dict(named(graph(**data)))",
    "score = sum((outputs[name] * torch.from_numpy(array)).sum() for name, array in cotangents.items())",
    "found = torch.autograd.grad(score, list(sources.values()), materialize_grads=True)",
)


def torch_gradients(
    evidence: Evidence,
    names: Callable[[str], str],
    held: Callable[[str, str], str],
    argument: str,
    again: Sequence[str],
) -> list[str]:
    """The function `gradients`, by autograd."""
    lines = [
        *again,
        f"data = {argument % 'inputs'}",
        *_weighted(evidence),
        *_sources(evidence, lambda name: f'data["{names(name)}"]', held),
        *_BY_TORCH,
    ]
    return function("gradients", _WORDS, lines, "dict(zip(sources, found))")


def numpy_gradients(evidence: Evidence, names: Callable[[str], str], argument: str, again: Sequence[str]) -> list[str]:
    """The function `gradients`, by differences; they are close together, for there may be a kink here."""

    def weight(layer: str, key: str) -> str:
        return f'{names(layer)}.arrays["{key}"]'

    lines = [
        f"data = {argument % 'inputs'}",
        *_weighted(evidence),
        *_sources(evidence, lambda name: f'data["{names(name)}"]', weight),
        "",
        "def score():",
        *(f"    {line}" for line in again),
        "    outputs = dict(named(graph(**data)[0]))",
        "    return sum(np.sum(outputs[name] * array) for name, array in cotangents.items())",
        "",
    ]
    return function(
        "gradients", _WORDS, lines, "{name: slope(score, array, h=1e-6) for name, array in sources.items()}"
    )
