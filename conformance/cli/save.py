"""`conformance save`: the files of cases whose model another lane saves, written by that lane."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from conformance.case.model import Case, Saved
from conformance.cli.shared import DEFAULT_CASES
from conformance.errors import Exit, UsageError

_DESCRIPTION = """\
A case with `saved: {as: keras, in: keras@3.6.0}` asks what others make of a file that Keras 3.6.0 wrote. This writes
such files into the folder `saved` beside the case file, each by the lane that the case names, which is built where it
is missing. The files are small, and are committed: a run asks no other version.
"""
_EXAMPLES = """\
examples:
  conformance save                                every file that is not there yet
  conformance save saving/files.dense             that of one case, anew
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "save",
        help="files of saved models, written by the versions that cases name",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument(
        "case", nargs="?", default="", help="the case's id, or the end of it; all whose file is missing"
    )
    parser.add_argument("--cases", type=Path, default=DEFAULT_CASES, metavar="FOLDER", help="where case files stand")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.case.load import load_folder
    from conformance.usage import one_of

    saved = {case.id: case for case in load_folder(parsed.cases) if case.saved and case.saved.written_in}
    if not saved:
        raise UsageError(
            f"no case in {parsed.cases} has a file that another lane wrote", "as in saved: {as: keras, in: keras@3.6.0}"
        )
    if parsed.case:
        wanted = [saved[one_of(parsed.case, list(saved), str(parsed.cases))]]
    else:
        wanted = [case for case in saved.values() if not case.saved.sha256]  # type: ignore[union-attr]  # chosen by it
    for lane, cases in _by_lane(wanted).items():
        _write(lane, cases)
    if not wanted:
        print("every file is there")
    return Exit.OK


def _by_lane(cases: Sequence[Case]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {}
    for case in cases:
        assert case.saved is not None
        found.setdefault(case.saved.written_in, []).append(case)
    return found


def _write(lane: str, cases: Sequence[Case]) -> None:
    """Asks a lane for the files of these cases. Raises UsageError where it gives none."""
    from conformance.case.saving import MAX_BYTES
    from conformance.cli.live import lanes_of
    from conformance.lanes.process import ProcessLane
    from conformance.plans.draw import plan_of
    from conformance.protocol.names import WRITTEN

    (spec,) = (spec for spec in lanes_of((lane,)) if spec.name == lane)
    process = ProcessLane(spec)
    try:
        for case in cases:
            saved: Saved = case.saved  # type: ignore[assignment]  # chosen by it
            plan = plan_of(replace(case, saved=replace(saved, written_in="")), with_gradients=False)
            assert plan.saved is not None
            process.send(replace(plan, saved=replace(plan.saved, kept=1.0, is_wanted=True)))
            found = process.wait(case.id)
            if found.failure is not None or not found.runs or WRITTEN not in found.runs[0]:
                why = found.failure.message if found.failure is not None else found.unsupported or found.detail
                raise UsageError(f"{case.id}: {lane} wrote no file: {why}")
            content = found.runs[0][WRITTEN].outputs[0].values.tobytes()
            if len(content) > MAX_BYTES:
                why = f"its file would have {len(content)} bytes; {MAX_BYTES} are allowed"
                raise UsageError(f"{case.id}: {why}", "save a smaller model")
            path = Path(saved.path)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            print(f"{path} ({path.stat().st_size} bytes), by {lane}", file=sys.stderr)
    finally:
        process.stop()
