"""`conformance explain`: a case from results, a case run on the spot, or a question without a case, as one page."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.cli.find import Found, find
from conformance.cli.shared import DEFAULT_CASES, DEFAULT_RESULTS
from conformance.errors import Exit, UsageError
from conformance.usage import form_of

if TYPE_CHECKING:
    from conformance.ask.question import Options
    from conformance.record.run import Results

FORMATS = ("text", "md", "markdown", "json", "html")
"""What `--format` takes."""

_DESCRIPTION = """\
Settles an argument in the terminal: the question, the answer with versions, the evidence, how to check it.

With an ID it shows that case: from the results of the last run, or, where they do not hold it, by running it now.
With --layer and --input it asks a question that has no case yet, in every lane, and --save keeps it as one.
"""

_EXAMPLES = """\
examples:
  conformance explain pooling/global_average.channels_first
  conformance explain 'average mask'                                        the case that these words fit best
  conformance explain channels_first --format md                           for a chat or an issue
  conformance explain @suite/pooling/global_average.channels_first --format json     of the suite's own, for a program
  conformance explain --layer Conv1D --config '{filters: 100, kernel_size: 4, padding: same}' --input 50,300
  conformance explain --layer 'Conv1D(100, 4, padding="same")' --input 50,300      the same, pasted from code
  conformance explain --layer Average --input 5,3 --input 5,3 --mask 3,5 --mask 4,2
  conformance explain --layer 'Embedding(30, 7, mask_zero=True)' --input 5 --mask 3,5
  conformance explain --layer 'nn.LSTM(5, 3, batch_first=True)' --input 7,5      torch's own, in torch's words
  conformance explain --layer 'F.cross_entropy(label_smoothing=0.1, weight=[1, 5, 20])' --input 3
  conformance explain --layer 'Conv1D(3, 2)' --input steps=?,channels=3 --batch 1,3
  conformance explain --layer 'MultiHeadAttention(2, 3)' --input 5,6 --input 5,6 --call '{use_causal_mask: true}'
  conformance explain --layer 'GRU(3)' --input 5,2 --lane keras@3.3.3 --lane keras -o gru.html
  conformance explain --layer 'Dense(3)' --input 7 --save cases/mine/dense.case.yaml

Inputs are lengths without the batch, which is added: --input 50,300 is (batch, 50, 300); steps=50,channels=300 names
the axes. An axis may have several lengths, steps=5/8, or be open, steps=?; it is asked once for each length. Weights
and inputs are drawn, the same in every lane. The exit code is 0 whatever the lanes say; pytest decides.
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "explain",
        help="one case's page as text, markdown or HTML; or a question that has no case yet",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument("id", nargs="?", help="the case's id, or the end of it; or words: 'average mask'")
    known = parser.add_argument_group("a case that there is")
    known.add_argument("--results", type=Path, metavar="FILE", help=f"results to read (default: {DEFAULT_RESULTS})")
    known.add_argument("--cases", type=Path, default=DEFAULT_CASES, metavar="FOLDER", help="where case files stand")
    known.add_argument("--run", action="store_true", help="run the case now, even if results hold it")
    asked = question_options(parser)
    asked.add_argument("--question", metavar="TEXT", help="the question in your own words")
    asked.add_argument("--save", type=Path, metavar="FILE", help="write it as a case: cases/mine/topic.case.yaml")
    both = parser.add_argument_group("both")
    both.add_argument(
        "--lane",
        action="append",
        default=[],
        metavar="SPEC",
        help="run in these lanes instead of keras and torch; the NumPy reference always runs",
    )
    both.add_argument("--format", choices=FORMATS, help="text (the default), md, json, html; -o FILE.html says it too")
    both.add_argument("-o", "--output", type=Path, metavar="FILE", help="file to write; standard output when left out")
    both.add_argument("--matrix", type=Path, metavar="FILE", help="results of other versions to show too: see matrix")
    parser.set_defaults(command=run)


def question_options(parser: argparse.ArgumentParser) -> Any:
    """Adds what a layer is asked with, to a parser; the group, for more of the kind."""
    asked = parser.add_argument_group("a question without a case")
    asked.add_argument("--layer", metavar="NAME", help="class name in Keras, or a call: 'GRU(3)', 'nn.GRU(5, 3)'")
    asked.add_argument("--config", metavar="YAML", help="arguments of the layer: '{units: 3, go_backwards: true}'")
    asked.add_argument(
        "--input", action="append", default=[], metavar="LENGTHS", help="lengths without the batch; once for each input"
    )
    asked.add_argument(
        "--dtype", action="append", default=[], help="of the input (default: float32; int32 for an Embedding)"
    )
    asked.add_argument("--range", action="append", default=[], metavar="LOW,HIGH", help="bounds of the drawn numbers")
    asked.add_argument(
        "--mask", action="append", default=[], metavar="N,N", help="real steps of each sequence, or 0110,1111; or none"
    )
    asked.add_argument("--training", action="store_true", help="call the layer with training=True")
    asked.add_argument("--batch", metavar="N,N", help="rows, once for each number: 1,3; a small number when left out")
    asked.add_argument("--call", metavar="YAML", help="arguments of the call: '{use_causal_mask: true}'")
    return asked


def run(parsed: argparse.Namespace) -> int:
    """Finds or makes the results of one case, and shows its page."""
    if parsed.id is not None and parsed.layer is not None:
        raise UsageError(
            "an ID and --layer are both given", "an ID for a case that there is, --layer for a new question"
        )
    chosen = form_of(parsed.format, parsed.output, FORMATS)
    if parsed.layer is not None:
        found = _question(parsed)
    elif parsed.id is not None:
        only_with_layer(parsed)
        found = find(parsed.id, parsed.results, parsed.cases, parsed.lane, parsed.run)
    else:
        raise UsageError("which case?", "an ID, or --layer and --input for a new question; see conformance explain -h")
    text = rendered(_with_versions(found, parsed.matrix), chosen)
    if parsed.output is None:
        sys.stdout.write(text)
    else:
        from conformance.results import write_whole

        write_whole(parsed.output, text)
        print(f"written: {parsed.output}", file=sys.stderr)
    return Exit.OK


def _with_versions(found: Found, matrix: Path | None) -> Found:
    """The same with what other versions said, where a matrix is given."""
    if matrix is None:
        return found
    from conformance.gate.versions import with_versions
    from conformance.results import read

    (record,) = with_versions(replace(found.results, cases=(found.record,)), read(matrix)).cases
    return Found(record, found.results)


def only_with_layer(parsed: argparse.Namespace) -> None:
    """Raises UsageError for an option of a new question where a case is named that there is."""
    for name in ("config", "input", "dtype", "range", "mask", "training", "batch", "call", "question", "save"):
        if getattr(parsed, name, None):
            raise UsageError(f"--{name} is for a new question", "name its layer: --layer Conv1D --input 50,300")


def rendered(found: Found, chosen: str) -> str:
    lanes = found.results.lanes
    if chosen == "html":
        from conformance.report.single import render_single

        return render_single(_alone(found))
    if chosen == "json":
        import json

        from conformance.form import to_json

        return json.dumps(to_json(found.record), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    if chosen == "markdown":
        from conformance.report.markdown import case_markdown

        return case_markdown(found.record, lanes)
    from conformance.report.text import case_text

    return case_text(found.record, lanes) + "\n"


def _alone(found: Found) -> Results:
    """The results as if this case had been the whole run."""
    from conformance.record.run import FooterRecord

    return replace(
        found.results,
        cases=(found.record,),
        counts={found.record.outcome: 1},
        not_run=(),
        deviations=(),
        footer=FooterRecord(complete=True, stopped="", cases=1),
    )


def _question(parsed: argparse.Namespace) -> Found:
    """Asks a question that has no case, after saving it where that is wanted."""
    from conformance.ask.question import question_of
    from conformance.ask.related import named
    from conformance.ask.write import case_text, load, save, schema_of
    from conformance.cli.find import excuse_alike, written_of
    from conformance.cli.live import ask, lanes_of, record_of

    options = options_of(parsed)
    path = parsed.save
    question = question_of(options)
    text = case_text(question, None if path is None else schema_of(path))
    case = load(text, path)
    specs = lanes_of(parsed.lane)
    if path is not None:
        save(text, path)
        print(f'saved: {path}; run it with: pytest "{path}"', file=sys.stderr)
    beside = written_of(parsed.cases, question)
    results = ask(case, specs, excuse_alike(specs, beside), is_exacting=bool(parsed.lane))
    record = record_of(results)
    if beside:
        remark = f"Cases of the same layer and arguments: {named(beside)}; conformance explain ID shows one."
        record = replace(record, remark="\n".join(part for part in (record.remark, remark) if part))
    if path is None:
        record = replace(record, again=again(options, parsed.lane))
    return Found(record, results)


def options_of(parsed: argparse.Namespace) -> Options:
    """The question that was typed; its own words are taken where the command has an option for them."""
    from conformance.ask.question import Options

    return Options(
        layer=parsed.layer,
        config=parsed.config,
        inputs=tuple(parsed.input),
        dtypes=tuple(parsed.dtype),
        ranges=tuple(parsed.range),
        masks=tuple(parsed.mask),
        is_training=parsed.training,
        question=getattr(parsed, "question", None),
        batches=parsed.batch,
        call=parsed.call,
    )


def again(options: Options, lanes: Sequence[str]) -> str:
    """The command that asks a question once more."""
    words = ["conformance", "explain", "--layer", options.layer]
    words += [] if options.config is None else ["--config", options.config]
    several = (
        ("input", options.inputs),
        ("dtype", options.dtypes),
        ("range", options.ranges),
        ("mask", options.masks),
        ("lane", lanes),
    )
    words += [word for name, values in several for value in values for word in (f"--{name}", value)]
    words += ["--training"] if options.is_training else []
    words += [] if options.batches is None else ["--batch", options.batches]
    words += [] if options.call is None else ["--call", options.call]
    words += [] if options.question is None else ["--question", options.question]
    return shlex.join(words)
