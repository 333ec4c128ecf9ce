"""The page of torch's words: every public name of torch.nn, torch.nn.functional and torch.optim, asked or not.

    python -m benchmarks.torch_words [-o docs/torch.md]

Arguments and counterparts stand on the classes of `conformance.reference.torch`, reasons for what is missing in
`conformance/case/torch_reasons.yaml`. tests/test_torch_words.py holds the page to them, and both to torch.
"""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from conformance.ask.layer import read_layer
from conformance.ask.question import Options, question_of
from conformance.case.elsewhere import torch_reasons
from conformance.case.load import load_folder
from conformance.case.optimizers import lacked
from conformance.reference.base import make
from conformance.reference.catalog import TORCH, TORCH_OPTIMIZERS
from conformance.reference.torch.base import Like, TorchLayer
from conformance.reference.torch.optim import in_keras

ROOT = Path(__file__).parents[1]
HEAD = """\
# Questions in torch's words

A module, a function or an optimiser of torch can be asked as torch's users write it, with torch's arguments, layouts
and order of axes; lengths come without the batch, which goes where torch has it:

    conformance explain --layer 'nn.LSTM(5, 3, num_layers=2, batch_first=True, bidirectional=True)' --input 7,5
    conformance explain --layer 'F.cross_entropy(label_smoothing=0.1, weight=[1, 5, 20])' --input 3
    conformance explain --layer 'nn.MultiheadAttention(6, 2, batch_first=True)' --input 4,6
    conformance explain --layer 'nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 5), num_layers=2)' --input 4,6
    conformance explain --layer 'nn.utils.parametrizations.weight_norm(nn.Linear(5, 3))' --input 5

In a case the same is `type: nn.LSTM` with the arguments by name, and `optimizer: {type: optim.AdamW, lr: 0.1}`. Every
lane answers the same question:

- the lanes of torch run the real module, in evaluation unless the call says `training=True`, with weights that are
  drawn, the same in every lane, under the names of its `state_dict`;
- the reference computes in float64 what torch documents;
- the Keras lane runs the counterpart: one layer, or a composition of layers and operations, which the page of a case
  shows beside the call. Weights go there, and gradients and trained weights come back, by a mapping that is part of it.
  Where Keras has nothing that gives the same, the lane says so, and what comes nearest.

A packed sequence is what `nn.utils.rnn.pack_padded_sequence` gives in a graph, and goes into `nn.LSTM` as it is. A
table with `max_norm`, and statistics, are changed by a call as torch changes them. `conformance repro --module --lane
keras` writes Keras' layers with `load_from_torch(state_dict)`, which says in one message what is missing, what nothing
asks for, and what has another shape.

A target of a loss, and keys and values of an attention, may be left out: they are drawn to fit. An argument that torch
does not have, or that is Keras' word, is one message with its place. Arguments that say how torch computes and not what
(`device`, `dtype`, `foreach`) are not taken: a lane has them.

This page is made by `python -m benchmarks.torch_words`.
"""


def names_of_torch() -> list[str]:
    """Every public module, function and optimiser, as users write it."""
    import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it
    from torch import nn, optim

    def classes(place: Any, prefix: str, base: type) -> Iterator[str]:
        for name, item in sorted(vars(place).items()):
            if not name.startswith("_") and inspect.isclass(item) and issubclass(item, base):
                yield f"{prefix}.{name}"

    functions = [
        f"F.{name}"
        for name, item in sorted(vars(F).items())
        if not name.startswith("_")
        and callable(item)
        and not inspect.isclass(item)
        and (getattr(item, "__module__", None) or "torch").startswith("torch")
    ]
    return [*classes(nn, "nn", nn.Module), *functions, *classes(optim, "optim", optim.Optimizer)]


def counterpart(kind: type[TorchLayer]) -> str:
    """What Keras has in the place of a class's example; empty where it cannot be asked in one line."""
    if kind.written_as_case:
        return ""
    asked = read_layer(kind.example.layer, None)
    question = question_of(Options(layer=kind.example.layer, inputs=kind.example.inputs))
    shapes = []
    for item in question.inputs:
        lengths = {**{name: sizes[0] for name, sizes in question.dims.items()}, "batch": 2}
        shapes.append(Like(tuple(lengths[axis] for axis in item.shape), item.dtype))
    layer: Any = make(asked.type, asked.config)
    found = layer.counterpart_of(shapes, {})
    if found.reason:
        return f"none: {found.reason}"
    if found.layers:
        return ", ".join(dict.fromkeys(f"`{held.type}`" for held in found.layers.values()))
    return "operations"


def cases_of() -> Mapping[str, list[str]]:
    """Name to the ids of the cases that ask it."""
    found: dict[str, list[str]] = {}
    for case in load_folder(ROOT / "cases"):
        for name in (*(layer.type for layer in case.layers), *(training.optimizer for training in case.trainings)):
            if "." in name and case.id not in found.setdefault(name, []):
                found[name].append(case.id)
    return found


def page() -> str:
    """The whole page."""
    asked = cases_of()
    classes: dict[Any, None] = dict.fromkeys(TORCH.values())
    lines = [HEAD, "## Modules and functions", "", "| torch | arguments | in Keras, for the example | cases |"]
    lines.append("|---|---|---|---|")
    for kind in sorted(classes, key=lambda one: one.names[0].lower()):
        names = ", ".join(f"`{name}`" for name in kind.names)
        lines.append(f"| {names} | {_arguments(kind)} | {counterpart(kind)} | {_count(asked, kind.names)} |")
    lines += [
        "",
        "## Optimisers",
        "",
        "| torch | arguments | in Keras, at torch's defaults | cases |",
        "|---|---|---|---|",
    ]
    for name, optimizer in sorted(TORCH_OPTIMIZERS.items()):
        found = in_keras(optimizer())
        keras = f"`{found['type']}`" if "type" in found else f"none: {found['reason']}"
        lines.append(f"| `{name}` | {_arguments(optimizer)} | {keras} | {_count(asked, (name,))} |")
    lines += ["", "## Names that are not asked", ""]
    by_reason: dict[str, list[str]] = {}
    for name, reason in torch_reasons().items():
        by_reason.setdefault(reason, []).append(name)
    lines += [
        f"- {reason[0].upper()}{reason[1:]}: {', '.join(map(_quoted, names))}." for reason, names in by_reason.items()
    ]
    total = len(TORCH) + len(TORCH_OPTIMIZERS)
    lines += ["", f"Asked: {total} names; not asked, with a reason: {len(torch_reasons())}."]
    return "\n".join(lines) + "\n"


def _arguments(kind: Any) -> str:
    left_out = () if issubclass(kind, TorchLayer) else lacked(kind)
    fields = (field.name for field in dataclasses.fields(kind) if not field.name.startswith("_"))
    return ", ".join(_quoted(name) for name in fields if name not in left_out)


def _quoted(name: str) -> str:
    return f"`{name}`"


def _count(asked: Mapping[str, list[str]], names: Sequence[str]) -> str:
    ids = list(dict.fromkeys(one for name in names for one in asked.get(name, ())))
    if not ids:
        return ""
    return f"`{ids[0]}`" + (f" and {len(ids) - 1} more" if len(ids) > 1 else "")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the page, or writes it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    parsed = parser.parse_args(arguments)
    if parsed.output is None:
        sys.stdout.write(page())
    else:
        parsed.output.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
