"""The page of two languages: what torch calls each layer, loss, activation and optimiser of Keras, and the other way.

    python -m benchmarks.rosetta [-o docs/rosetta.md]

Nothing is written here twice: names stand on the classes of the reference, arguments and the ways of weights with the
ports and torch's own calls, differences in `deviations/torch-native.yaml`, and questions in `cases/porting/`.
tests/test_rosetta.py holds the page to them, and runs each line that moves a weight.
"""

from __future__ import annotations

import argparse
import inspect
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.ask.layer import read_layer
from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.gate import deviations
from conformance.lanes.torch.native import NativePort, load
from conformance.lanes.torch.port import PORTS, Config, Port
from conformance.mapping import Mapped
from conformance.protocol.native import optimizer_arguments
from conformance.reference import activations
from conformance.reference.base import Layer, full_config, make
from conformance.reference.catalog import LAYERS
from conformance.reference.optimizers import OPTIMIZERS
from conformance.reference.traits import Native

ROOT = Path(__file__).parents[1]
WIDTH = 120
HEAD = """\
# Keras and torch, word for word

What stands in a torch program in the place of a Keras layer, loss, activation or optimiser; how its weights move over;
which defaults differ; what becomes of masks; and the case that proves a difference. Run a case to see both answers:

    pytest cases/porting --lane 'torch[native]'

Two lanes run torch, and they say two things. The lane `torch` is *torch, made to compute Keras' formula*: it agrees
wherever torch can be brought to it. The lane `torch[native]` is torch *as its users call it*: the arguments that a case
writes, under torch's names, and torch's own defaults for all others. Where a call has no argument for what a case asks,
that lane says so and gives no answer.

Layouts: Keras has channels last, torch on axis 1; lanes move the data there and back, and the weights as the tables
say, where `weights` holds Keras' arrays as tensors, by name. Keras' layers keep dense kernels as (in, out) and
convolutions as (sizes, in, out), torch as (out, in) and (out, in, sizes). Recurrent kernels have their gates side by
side in another order: i, f, c, o in both for LSTM, but z, r, h in Keras and r, z, n in torch for GRU; and torch has two
biases, which it adds.

This page is made by `nox -s rosetta`.
"""


@dataclass(frozen=True)
class Evidence:
    """What the project's files say of differences."""

    cases: tuple[Case, ...]
    listed: tuple[deviations.Deviation, ...]

    def about(self, kind: str) -> list[Case]:
        """The questions of porters in which a type of layer stands."""
        return [case for case in self.cases if any(layer.type == kind for layer in case.layers)]

    def reason(self, case: Case) -> str:
        """How torch's own call differs in a case, and what mends it; empty where it does not."""
        return next((one.reason for one in self.listed if one.covers(case.id)), "")


def evidence() -> Evidence:
    cases = tuple(sorted(load_folder(ROOT / "cases" / "porting"), key=lambda case: case.id))
    return Evidence(cases, deviations.load_folder(ROOT / "deviations"))


def page(found: Evidence) -> str:
    """The whole page."""
    calls = load()
    losses = {kind: cls for kind, cls in LAYERS.items() if "y_true" in inspect.signature(cls.call).parameters}
    layers = {kind: cls for kind, cls in LAYERS.items() if kind not in losses}
    lines = [
        HEAD,
        "## Where the two answer otherwise",
        "",
        *_differences(found),
        "## Layers",
        "",
        *_layers(layers, calls, found),
        "## How weights move over",
        "",
        "Made with the arguments of each example; a wrapped layer's weights have its scope before their names.",
        "",
        *_weights(layers),
        "## Losses",
        "",
        *_layers(losses, calls, found),
        "## Activations",
        "",
        "| Keras | torch | |",
        "|---|---|---|",
        *(f"| `{name}` | {_call(line)} | {_cell(line.reason)} |" for name, line in activations.NATIVE.items()),
        "",
        "## Optimisers",
        "",
        "Arguments of the same meaning; what they compute from them is in [training.md](training.md).",
        "",
        "| Keras | torch | arguments |",
        "|---|---|---|",
        *(
            f"| `{name}` | {_call(kind.native)} | {_arguments(_of_optimizer(kind))} |"
            for name, kind in OPTIMIZERS.items()
        ),
        "",
        "## From torch to Keras",
        "",
        "| torch | Keras |",
        "|---|---|",
        *_back(),
        "",
        "## What torch has no call for",
        "",
        *(f"- `{kind}`: {cls.native.reason}." for kind, cls in LAYERS.items() if not _has_call(cls.native)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _differences(found: Evidence) -> list[str]:
    lines = []
    for case in found.cases:
        if reason := found.reason(case):
            lines += [f"- **{case.question}** {reason} (`{case.id}`)"]
    return [*lines, ""]


def _layers(kinds: Mapping[str, type[Layer]], calls: Mapping[str, NativePort], found: Evidence) -> list[str]:
    rows = ["| Keras | torch | arguments | masks | questions |", "|---|---|---|---|---|"]
    for kind, cls in sorted(kinds.items()):
        call = calls.get(kind)
        why = f"; {_cell(cls.native.reason)}" if cls.native.reason and _has_call(cls.native) else ""
        asked = ", ".join(f"`{case.id.partition('/')[2]}`" for case in found.about(kind))
        arguments = "" if call is None else _arguments(call.names)
        rows.append(f"| `{kind}` | {_call(cls.native)}{why} | {arguments} | {_masks(cls, call)} | {asked} |")
    return [*rows, ""]


def _masks(cls: type[Layer], call: NativePort | None) -> str:
    if cls.makes_mask:
        return "makes one; in torch it is yours to keep"
    if cls.is_recurrent and call is not None:
        return "packed sequences"
    if call is not None and not call.takes_mask:
        return "torch's call takes none"
    return ""


def _weights(kinds: Mapping[str, type[Layer]]) -> list[str]:
    lines = []
    for kind in sorted(kinds):
        mapped = weights_of(kind)
        if mapped:
            example = LAYERS[kind].example.layer
            rows = [_fitted(f'own["{name}"] = {value.code()}') for name, value in mapped.items()]
            lines += [f"### `{example}`", "", "```python", *rows, "```", ""]
    return lines


def _fitted(line: str) -> str:
    """A line of code as the project's formatter leaves it, which formats the page too."""
    if len(line) <= WIDTH:
        return line
    opening, _, inside = line.partition("torch.cat(")
    return f"{opening}torch.cat(\n    {inside.removesuffix(')')}\n)"


def keras_weights(kind: str) -> Mapping[str, tuple[int, ...]]:
    """The shapes of the weights of a layer's example, in Keras' layout and order."""
    example = LAYERS[kind].example
    asked = read_layer(example.layer, None)
    layer = make(asked.type, asked.config)
    shapes = [(2, *map(int, text.split(","))) for text in example.inputs]
    drawn = layer.weights(shapes) if layer.takes_list else layer.weights(*shapes)
    return {name: tuple(weight.shape) for name, weight in drawn.items()}


def weights_of(kind: str) -> Mapping[str, Mapped]:
    """torch's weights of a layer's example, each as it is made of one of Keras'."""
    load()
    port: Port | None = PORTS.get(kind)
    if port is None or LAYERS[kind].written_as_case:
        return {}
    asked, held = read_layer(LAYERS[kind].example.layer, None), keras_weights(kind)
    mapped = port.weights(Config(kind, full_config(make(asked.type, asked.config))))
    return {name: value for name, value in mapped.items() if value.source in held}


def _call(line: Native) -> str:
    if line.names:
        return ", ".join(f"`{_qualified(name)}`" for name in line.names)
    return f"`{_cell(line.instead)}`" if line.instead else "none"


def _qualified(name: str) -> str:
    return name if "." in name and not name.startswith("optim.") else f"torch.{name}"


def _has_call(line: Native) -> bool:
    return bool(line.names or line.instead)


def _arguments(names: Mapping[str, str]) -> str:
    return ", ".join(f"`{name}`: `{own}`" if name != own else f"`{name}`" for name, own in names.items())


def _of_optimizer(kind: Any) -> Mapping[str, str]:
    if not _has_call(kind.native):
        return {}
    fields = kind.__dataclass_fields__
    names = {name: own for name, own in optimizer_arguments(kind.__name__).items() if name in fields}
    return {**names, **({"beta_1, beta_2": "betas"} if "beta_1" in fields else {})}


def _back() -> Iterable[str]:
    found: dict[str, list[str]] = {}
    said = {kind: cls.native for kind, cls in LAYERS.items()} | {kind: cls.native for kind, cls in OPTIMIZERS.items()}
    for kind, line in said.items():
        for name in line.names:
            found.setdefault(_qualified(name), []).append(f"`{kind}`")
    for name, line in activations.NATIVE.items():
        for own in line.names:
            found.setdefault(_qualified(own), []).append(f'`activation="{name}"`')
    return [f"| `{name}` | {', '.join(dict.fromkeys(kinds))} |" for name, kinds in sorted(found.items())]


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the page, or writes it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path)
    parsed = parser.parse_args(arguments)
    text = page(evidence())
    if parsed.output is None:
        sys.stdout.write(text)
    else:
        parsed.output.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
