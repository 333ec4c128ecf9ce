"""The page of two languages: what torch calls each layer, loss, activation and optimiser of Keras, and the other way.

    python -m benchmarks.rosetta [-o docs/rosetta.md] [--results reports/native.json]

With -o the same words are written for reports, to conformance/report/rosetta.json. Nothing is written here twice: names
stand on the classes of the reference, arguments and the ways of weights with the ports and torch's own calls,
differences in `deviations/torch-native.yaml`, and questions in `cases/porting/`. tests/test_rosetta.py holds the page
to them, and runs each line that moves a weight.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from conformance.ask.layer import read_layer
from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.form import to_json
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
from conformance.report import rosetta
from conformance.results import read

ROOT = Path(__file__).parents[1]
WIDTH = 120
HEAD = """\
# Keras and torch, word for word

What stands in a torch program in the place of a Keras layer, loss, activation or optimiser; how its weights move over;
which defaults differ; what becomes of masks; and the case that proves a difference. Run a case to see both answers:

    pytest cases --lane 'torch[native]'

Two lanes run torch, and they say two things. The lane `torch` is *torch, made to compute Keras' formula*: it agrees
wherever torch can be brought to it. The lane `torch[native]` is torch *as its users call it*: the arguments that a case
writes, under torch's names, and torch's own defaults for all others. Where a call has no argument for what a case asks,
that lane says so and gives no answer.

Layouts: Keras has channels last, torch on axis 1; lanes move the data there and back, and the weights as the tables
say, where `weights` holds Keras' arrays as tensors, by name. Keras' layers keep dense kernels as (in, out) and
convolutions as (sizes, in, out), torch as (out, in) and (out, in, sizes). Recurrent kernels have their gates side by
side in another order: i, f, c, o in both for LSTM, but z, r, h in Keras and r, z, n in torch for GRU; and torch has two
biases, which it adds.

`agrees in` is a case in which torch's own call gave Keras' answer in a run over all cases. Where it does not, the entry
in `deviations/torch-native.yaml` says why, and what mends it. Reports show the same beside what their own run found.

This page is made by `nox -s rosetta`.
"""


@dataclass(frozen=True)
class Evidence:
    """What the project's files say of differences."""

    cases: tuple[Case, ...]
    """The questions of porters."""
    listed: tuple[deviations.Deviation, ...]
    proofs: Mapping[tuple[str, str], str]
    """Part and name to a case in which torch's own call gave Keras' answer."""

    def about(self, kind: str) -> list[Case]:
        """The questions of porters in which a type of layer stands."""
        return [case for case in self.cases if any(layer.type == kind for layer in case.layers)]

    def reason(self, case: Case) -> str:
        """How torch's own call differs in a case, and what mends it; empty where it does not."""
        native = (one for one in self.listed if "native" in one.modes and one.covers(case.id))
        return next((one.reason for one in native), "")


def evidence(results: Path | None = None) -> Evidence:
    """What there is; proofs are of a run of torch[native] over every case, else those that were found before."""
    cases = tuple(sorted(load_folder(ROOT / "cases" / "porting"), key=lambda case: case.id))
    known: Mapping[tuple[str, str], str]
    known = {(line.part, line.name): line.proof for line in rosetta.lines() if line.proof in written()}
    return Evidence(cases, deviations.load_folder(ROOT / "deviations"), known if results is None else _proved(results))


@cache
def written() -> Mapping[str, Case]:
    """Every case of the project by its id."""
    return {case.id: case for case in load_folder(ROOT / "cases")}


def _proved(results: Path) -> Mapping[tuple[str, str], str]:
    """Of each line the case with the fewest layers in which torch's own call agreed."""
    run = read(results)
    native = {lane.name for lane in run.lanes if lane.adapter == "torch" and lane.mode == "native"}
    agreeing = [
        case for case in run.cases if any(case.lanes[name].verdict == "agree" for name in native & {*case.lanes})
    ]
    found: dict[tuple[str, str], str] = {}
    for case in sorted(agreeing, key=lambda case: (len(set(case.layers)), case.id)):
        for kind in case.layers:
            found.setdefault((_part(kind), kind), case.id)
        for layer in written()[case.id].layers if case.id in written() else ():
            if isinstance(name := layer.config.get("activation"), str):
                found.setdefault(("activation", name), case.id)
    return found


def _part(kind: str) -> rosetta.Part:
    if kind in OPTIMIZERS:
        return "optimizer"
    if kind.startswith(("metrics.", "schedules.")):
        return "metric" if kind.startswith("metrics.") else "schedule"
    return "loss" if kind in LAYERS and "y_true" in inspect.signature(LAYERS[kind].call).parameters else "layer"


def gathered(found: Evidence) -> tuple[rosetta.Line, ...]:
    """Every line, as classes, ports and torch's own calls say it."""
    calls = load()
    made = [_layer_line(kind, cls, calls.get(kind), found) for kind, cls in sorted(LAYERS.items())]
    made += [_line("activation", name, line, found) for name, line in activations.NATIVE.items()]
    made += [
        replace(_line("optimizer", name, kind.native, found), arguments=_of_optimizer(kind))
        for name, kind in OPTIMIZERS.items()
    ]
    order = list(rosetta.TITLES)
    return tuple(sorted(made, key=lambda line: (order.index(line.part), line.name)))


def _line(part: rosetta.Part, name: str, native: Native, found: Evidence) -> rosetta.Line:
    return rosetta.Line(
        part,
        name,
        tuple(map(_qualified, native.names)),
        native.instead,
        native.reason,
        proof=found.proofs.get((part, name), ""),
    )


def _layer_line(kind: str, cls: type[Layer], call: NativePort | None, found: Evidence) -> rosetta.Line:
    mapped = weights_of(kind)
    return replace(
        _line(_part(kind), kind, cls.native, found),
        arguments={} if call is None else dict(call.names),
        masks=_masks(cls, call),
        example=cls.example.layer if mapped else "",
        weights=tuple(f'own["{name}"] = {value.code()}' for name, value in mapped.items()),
    )


def page(found: Evidence, lines: Sequence[rosetta.Line]) -> str:
    """The whole page."""
    parts = {part: [line for line in lines if line.part == part] for part in rosetta.TITLES}
    text = [
        HEAD,
        "## Where the two answer otherwise",
        "",
        *_differences(found),
        "## Layers",
        "",
        *_table(parts["layer"], found),
        "## How weights move over",
        "",
        "Made with the arguments of each example; a wrapped layer's weights have its scope before their names.",
        "",
        *_weights(lines),
        "## Losses",
        "",
        *_table(parts["loss"], found),
        "## Metrics",
        "",
        *_table(parts["metric"], found),
        "## Activations",
        "",
        *_table(parts["activation"], found),
        "## Optimisers",
        "",
        "Arguments of the same meaning; what they compute from them is in [training.md](training.md).",
        "",
        *_table(parts["optimizer"], found),
        "## Schedules",
        "",
        *_table(parts["schedule"], found),
        "## From torch to Keras",
        "",
        "| torch | Keras |",
        "|---|---|",
        *(f"| `{call}` | {_quoted(kinds)} |" for call, kinds in rosetta.back(lines).items()),
        "",
        "## What torch has no call for",
        "",
        *(f"- `{line.name}`: {line.reason}." for line in lines if not line.call),
    ]
    return "\n".join(text).rstrip() + "\n"


def _differences(found: Evidence) -> list[str]:
    lines = []
    for case in found.cases:
        if reason := found.reason(case):
            lines += [f"- **{case.question}** {reason} (`{case.id}`)"]
    return [*lines, ""]


def _table(lines: Sequence[rosetta.Line], found: Evidence) -> list[str]:
    """What torch calls each name, and cases that show it; columns that say nothing of this part are left out."""
    head = ("Keras", "torch", "arguments", "masks", "agrees in", "questions")
    rows = []
    for line in lines:
        why = f"; {_cell(line.reason)}" if line.reason and line.call else ""
        written = _quoted(line.calls) if line.calls else f"`{_cell(line.instead)}`" if line.instead else "none"
        asked = ", ".join(f"`{case.id.partition('/')[2]}`" for case in found.about(line.name))
        proof = f"`{line.proof}`" if line.proof else ""
        rows.append((f"`{line.name}`", f"{written}{why}", _arguments(line.arguments), line.masks, proof, asked))
    kept = [column for column in range(len(head)) if any(row[column] for row in rows)]
    table = [
        [head[column] for column in kept],
        ["---"] * len(kept),
        *([row[column] for column in kept] for row in rows),
    ]
    return [*(f"| {' | '.join(row)} |" for row in table), ""]


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _masks(cls: type[Layer], call: NativePort | None) -> str:
    if cls.makes_mask:
        return "makes one; in torch it is yours to keep"
    if cls.is_recurrent and call is not None:
        return "packed sequences"
    if call is not None and not call.takes_mask:
        return "torch's call takes none"
    return ""


def _weights(lines: Sequence[rosetta.Line]) -> list[str]:
    written = []
    for line in lines:
        if line.weights:
            written += [f"### `{line.example}`", "", "```python", *map(_fitted, line.weights), "```", ""]
    return written


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


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the page, or writes it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, help="the page; what reports show is written beside their code")
    parser.add_argument("--results", type=Path, help="of a run of torch[native] over all cases: what agrees in it")
    parsed = parser.parse_args(arguments)
    found = evidence(parsed.results)
    lines = gathered(found)
    text = page(found, lines)
    if parsed.output is None:
        sys.stdout.write(text)
    else:
        parsed.output.write_text(text, encoding="utf-8")
        rosetta.FILE.write_text(as_file(lines), encoding="utf-8")
    return 0


def as_file(lines: Sequence[rosetta.Line]) -> str:
    """What reports read: every line, without what it has nothing to say of."""
    rows = [{key: value for key, value in to_json(line).items() if value} for line in lines]
    written = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    return f'{{"lines": [\n{written}\n]}}\n'


if __name__ == "__main__":
    sys.exit(main())
