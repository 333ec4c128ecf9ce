"""`conformance repro ID --lane keras`: prints a script that gives the case's answer without this harness."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.cli.explain import only_with_layer, options_of, question_options
from conformance.cli.find import find
from conformance.cli.shared import DEFAULT_CASES
from conformance.errors import Exit, UsageError

if TYPE_CHECKING:
    from conformance.repro.evidence import Evidence

_DESCRIPTION = """\
A script of plain Keras, torch or NumPy with the arrays inside, and nothing of this harness. It prints the answer and
ends with 0 where it is what the report says, with 1 where it is not. A case that raises is reproduced where the same
type of error is raised in the same phase. The exit code here is 1 where no script can be honest; the reason is printed.

With --layer and --input it is of a layer as it was asked for, without a case: with --lane torch, how the layer is said
in torch, with Keras' weights put where torch has them.
"""

_EXAMPLES = """\
examples:
  conformance repro pooling/global_average.channels_first --lane torch
  conformance repro attention/heads.residual --issue                       a bug report in markdown
  conformance repro --layer 'LSTM(3)' --input 5,2 --module                  torch as one writes it, with Keras' weights
  conformance repro --layer 'nn.LSTM(5, 3, batch_first=True)' --input 7,5 --module     Keras, with torch's weights
  conformance repro --layer 'GRU(3, reset_after=False)' --input 5,2 --mask 3,5 --lane torch -o gru.py
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    repro = commands.add_parser(
        "repro",
        help="print a stand-alone script that gives a case's answer in one lane",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    repro.add_argument("id", nargs="?", help="the case's id, or the end of it")
    repro.add_argument("--lane", default="keras", help="whose answer it gives: keras (the default), torch or numpy")
    repro.add_argument("--results", type=Path, metavar="FILE", help="take the answer from here; else from the last run")
    repro.add_argument("--cases", type=Path, default=DEFAULT_CASES, metavar="FOLDER", help="where case files stand")
    repro.add_argument("-o", "--output", type=Path, metavar="FILE", help="file to write; else standard output")
    repro.add_argument(
        "--module",
        action="store_true",
        help="as a short nn.Module with load_from_keras(weights); of a question in torch's words as Keras' layers with "
        "load_from_torch(state_dict)",
    )
    repro.add_argument("--issue", action="store_true", help="as a bug report in markdown, with the script inside")
    question_options(repro)
    repro.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.repro.issue import issue
    from conformance.repro.module import module
    from conformance.repro.script import script
    from conformance.results import write_whole

    if parsed.module:
        if parsed.issue:
            raise UsageError("--issue wraps a script, and --module is none", "leave one of them out")
        parsed.lane = "keras" if _asks_torch(parsed) else "torch"
    write = module if parsed.module else issue if parsed.issue else script
    evidence, lane = _evidence(parsed)
    text = write(evidence, lane)
    if parsed.output is None:
        sys.stdout.write(text)
    else:
        write_whole(parsed.output, text)
    return Exit.OK


def _asks_torch(parsed: argparse.Namespace) -> bool:
    """Whether a question without a case is in torch's words: then the module is one of Keras'."""
    return parsed.layer is not None and bool(re.match(r"\s*(torch\.)?(nn|F|functional)\.", parsed.layer))


def _evidence(parsed: argparse.Namespace) -> tuple[Evidence, str]:
    """Of the case that is named, or of a question that no file holds, which is asked now; and the lane's name there.

    A lane that has no scripts is refused before anything runs.
    """
    from conformance.repro.evidence import evidence_of, evidence_on

    if parsed.layer is None:
        if parsed.id is None:
            raise UsageError("which case?", "an ID, or --layer and --input for a layer that no case is about")
        only_with_layer(parsed)
        found = find(parsed.id, parsed.results, parsed.cases, (), is_run=False)
        return evidence_of(found.results, found.record), parsed.lane
    if parsed.id is not None or parsed.results is not None:
        raise UsageError("--layer asks anew", "leave the ID and --results out")
    from conformance.ask.question import question_of
    from conformance.ask.write import case_text, load
    from conformance.cli.live import ask, lanes_of, record_of
    from conformance.report.scriptable import why_not_asked
    from conformance.repro.errors import NotScriptable

    case = load(case_text(question_of(options_of(parsed)), None), None)
    lane, *others = lanes_of([parsed.lane])
    if reason := why_not_asked(lane, case.layer_types):
        raise NotScriptable(reason)
    results = ask(case, [lane, *others])
    return evidence_on(case, results, record_of(results)), lane.name
