"""A case in torch's words as a script: in Keras what stands in the place of torch's modules, with the way of weights.

`load_from_torch(state_dict)` is what one pastes into a port: torch's parameters by their own names, in Keras' order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from conformance.counterpart import Moved
from conformance.protocol.adapter import Unsupported
from conformance.protocol.counterparts import in_keras, is_torchs, within
from conformance.protocol.plan import Plan, PlannedLayer
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.keras_script import KerasWriter
from conformance.repro.literals import comment
from conformance.repro.shapes_checked import CHECK, wanted

WIDTH = 112
"""Characters of a line in a function."""


def speaks_torch(plan: Plan) -> bool:
    """Whether anything of a plan is in torch's words."""
    return any(is_torchs(layer.type) for layer in plan.layers.values()) or any(
        is_torchs(training.optimizer) for training in plan.trainings
    )


def in_words_of(evidence: Evidence, adapter: str) -> Evidence:
    """The evidence with a plan in the words of a lane's framework. Raises NotScriptable where there is none."""
    if not speaks_torch(evidence.plan):
        return evidence
    if adapter == "torch":
        raise NotScriptable(
            "the case is in torch's words: its `layers` are the modules, and `module(x)` is the script; --lane keras "
            "writes what Keras has in their place"
        )
    if adapter != "keras":
        raise NotScriptable(
            "formulas of torch's modules are in conformance/reference/torch; no script carries them yet"
        )
    try:
        plan, _ = in_keras(evidence.plan)
    except Unsupported as reason:
        raise NotScriptable(str(reason)) from None
    return replace(evidence, plan=plan)


def keras_module(evidence: Evidence, lane: str = "keras") -> str:
    """Keras' layers and operations in the place of torch's modules, and `load_from_torch`. Raises NotScriptable."""
    if evidence.plan.trainings or evidence.plan.models:
        raise NotScriptable("a module is one forward pass: cases with sub-models or trainings have scripts")
    held = in_words_of(evidence, "keras")
    writer = KerasWriter(held, lane)
    made = [line for name, spec in held.plan.layers.items() for line in writer.made_lines(name, spec)]
    graph = writer.graph_lines()
    lines = [
        comment(evidence.record.id),
        comment(evidence.record.question),
        "",
        "import keras",
        "import torch",
        "",
        *made,
        "",
        "",
        *graph,
        "",
        "",
        *_loader(evidence.plan, writer),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _loader(plan: Plan, writer: KerasWriter) -> list[str]:
    """The function that moves weights; of several modules it takes a state_dict for each, by the names of the case."""
    asked = {name: layer for name, layer in plan.layers.items() if is_torchs(layer.type) and layer.weights}
    lines, arrays = [], []
    for name, layer in asked.items():
        state = "state_dict" if len(asked) == 1 else f'state_dict["{name}"]'
        first = layer.counterparts[0]
        for own, held in first.layers.items():
            if held.weights:
                rows = [f"        {_text(moved, state)}," for moved in held.weights.values()]
                lines += [f"    {writer.names(within(name, own))}.set_weights([", *rows, "    ])"]
        for own, moved in first.arrays.items():
            label = writer.names(within(name, own))
            arrays.append(label)
            lines.append(f"    {label} = keras.ops.convert_to_tensor({_text(moved, state)})")
    if not lines:
        return ["# there are no weights to move"]
    what = "module.state_dict()" if len(asked) == 1 else "the state_dict of each module, by its name"
    head = [
        "def load_from_torch(state_dict):",
        f'    """Moves torch\'s weights, {what}; call `graph` once before, which builds the layers."""',
        *([f"    global {', '.join(arrays)}"] if arrays else []),
    ]
    return [*CHECK.rstrip().splitlines(), "", "", *head, *checked(asked), *lines]


def checked(asked: Mapping[str, PlannedLayer]) -> list[str]:
    """The lines that look at what is given before any of it is moved."""
    if len(asked) == 1:
        ((_, layer),) = asked.items()
        shapes = {key: array.shape for key, array in layer.weights.items()}
        found = "{key: tuple(value.shape) for key, value in state_dict.items()}"
    else:
        shapes = {f"{name}.{key}": array.shape for name, layer in asked.items() for key, array in layer.weights.items()}
        every = "for name, held in state_dict.items() for key, value in held.items()"
        found = f'{{f"{{name}}.{{key}}": tuple(value.shape) {every}}}'
    lines = [f"    {text}" for text in wanted(shapes, WIDTH)]
    lines.append(f"    shapes = {found}")
    if any(key.endswith("running_mean") for key in shapes):
        lines.append('    shapes = {key: shape for key, shape in shapes.items() if "num_batches_tracked" not in key}')
    return [*lines, "    check(shapes, wanted)"]


def _text(moved: Moved, state: str) -> str:
    parts = [part.code(f'{state}["{part.source}"]') for part in moved.parts]
    joined = {
        "": parts[0],
        "sum": " + ".join(parts),
        "stack": f"torch.stack([{', '.join(parts)}])",
    }[moved.joint]
    return f"({joined}).numpy()" if moved.joint == "sum" else f"{joined}.numpy()"
