"""`conformance compare`: a user's model beside its port, layer by layer."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.errors import Exit
from conformance.usage import FORMATS, form_of

if TYPE_CHECKING:
    from conformance.comparison.result import Comparison

_DESCRIPTION = """\
Says where a port first differs from its Keras model, whether that is rounding, and why.

Both sides run, each in a process of its own. Layers are paired by what their weights hold and by what they give; each
pair is fed the model's own activations, so that every place where a difference starts is found. MODEL and PORT are a
.keras or .h5 file or PATH.py:NAME; a file that is named is run, and nothing else is.
"""
_EXAMPLES = """\
examples:
  conformance compare clf.keras port.py:build --inputs batch.npz
  conformance compare clf.keras port.py:build --inputs batch.npz -o clf.html
  conformance compare bert.py:model bert.py:port --inputs batch.npz --port-inputs input_ids=tokens,attention_mask=mask
  conformance compare net.keras net.py:Net --load net.pt --port-inputs pixels=image:0,3,1,2
  conformance compare old.keras old.keras --lane keras@3.3.3 --port-lane keras      the same model in two releases
  conformance compare clf.keras clf.keras --port-lane 'keras[export=onnx]'       what its export gives, layer by layer

exit codes: 0 they agree within rounding, 1 they differ, or a side crashed or hung, 2 what was given cannot be compared,
4 usage or lane missing
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "compare",
        help="your own Keras model beside its port: where it first differs, is it rounding, why",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="a .keras or .h5 file, or module.py:name")
    parser.add_argument("port", metavar="PORT", help="module.py:name that gives a torch.nn.Module, or a Keras model")
    sides = parser.add_argument_group("both sides")
    sides.add_argument("--inputs", type=Path, metavar="BATCH", help=".npz or .npy; drawn from the shapes when left out")
    sides.add_argument("--port-inputs", metavar="A=B,...", help="the port's arguments: name=input:order,of,axes")
    sides.add_argument("--lane", metavar="SPEC", help="where the model runs: keras@3.3.3, tf_keras (default: keras)")
    sides.add_argument(
        "--port-lane",
        metavar="SPEC",
        help="where the port runs (default: torch); keras[export=onnx] and keras[export=litert]: after export",
    )
    sides.add_argument("--load", metavar="FILE", help="weights to put into the port: its state_dict, saved")
    sides.add_argument(
        "--allow", action="append", default=[], metavar="PY:NAME", help="a custom object that MODEL uses"
    )
    sides.add_argument("--time-limit", type=float, default=600.0, metavar="SECONDS", help="for each run of a side")
    how = parser.add_argument_group("how")
    how.add_argument("--pairs", type=Path, metavar="YAML", help="pairs that you know: layer of the model to module")
    how.add_argument("--write-pairs", type=Path, metavar="YAML", help="write the pairs that were found, for review")
    how.add_argument("--no-rounding", action="store_true", help="do not measure how far rounding reaches: much faster")
    how.add_argument("--gradients", action="store_true", help="compare the gradients of all weights too")
    how.add_argument("--step", metavar="OPTIMIZER", help="compare the weights after one step: 'SGD(0.1)'")
    how.add_argument(
        "--save", type=Path, metavar="FOLDER", help="keep each start as a case with its inputs and weights"
    )
    parser.add_argument(
        "--format", choices=[*FORMATS], help="text (the default), md, json or html; -o FILE says it too"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="file to write; standard output when left out"
    )
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.cli.shared import emit
    from conformance.comparison.run import compare_files

    found = compare_files(parsed)
    form = form_of(parsed.format, parsed.output)
    emit(rendered(found, form), parsed.output)
    if parsed.output is not None:
        from conformance.comparison.text import verdict

        print(verdict(found))
    return Exit.OK if found.agrees else Exit.DISAGREE


def rendered(comparison: Comparison, form: str) -> str:
    """The comparison in a format."""
    from conformance.comparison.markdown import markdown
    from conformance.comparison.page import page
    from conformance.comparison.plain import to_json
    from conformance.comparison.text import text

    return {"text": text, "markdown": markdown, "json": to_json, "html": page}[form](comparison)
