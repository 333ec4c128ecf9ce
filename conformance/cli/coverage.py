"""`conformance coverage`: every public name of Keras, and what of it a case can say."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from conformance.cli.shared import DEFAULT_CASES, OUTPUT, emit
from conformance.errors import Exit, UsageError
from conformance.usage import form_of

_FORMATS = ("text", "md", "json")
_EXAMPLES = """\
examples:
  conformance coverage                                        exit code 1 when a name has neither reference nor reason
  conformance coverage --lane keras@3.12.0                    the names of another release
  conformance coverage --from keras@3.12.0 --to keras         what came, what went, which arguments and defaults moved
  conformance coverage --format md -o docs/coverage.md
  conformance coverage --record                               after an upgrade: what messages know of Keras, anew
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "coverage", help="every public name of Keras: what of it a case can say, or why not", epilog=_EXAMPLES
    )
    parser.add_argument("--lane", metavar="SPEC", default="keras", help="whose Keras is walked (default: keras)")
    parser.add_argument("--from", dest="before", metavar="SPEC", help="compare two releases: the older one")
    parser.add_argument("--to", dest="now", metavar="SPEC", help="and the newer one (default: keras)")
    words = f"case files that count (default: {DEFAULT_CASES})"
    parser.add_argument("--cases", type=Path, default=DEFAULT_CASES, metavar="FOLDER", help=words)
    parser.add_argument("--format", choices=_FORMATS, help="text (the default), md or json; -o FILE.md says it too")
    parser.add_argument("--record", action="store_true", help="write down the names for messages, and nothing else")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help=OUTPUT)
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.inventory import render

    form = form_of(parsed.format, parsed.output, ("text", "markdown", "json"))
    if parsed.before or parsed.now:
        if parsed.before is None:
            raise UsageError("--to without --from", "name the older release: --from keras@3.12.0")
        return _compared(parsed.before, parsed.now or "keras", form, parsed.output)
    release = _release(parsed.lane)
    if parsed.record:
        from conformance.case import keras_names

        emit(keras_names.as_json(release), keras_names.RECORDED)
        return Exit.OK
    from conformance.case.load import load_folder
    from conformance.inventory.coverage import coverage
    from conformance.inventory.reasons import reasons

    found = coverage(release, load_folder(parsed.cases), reasons())
    written = {"text": render.as_text, "markdown": render.as_markdown, "json": render.as_json}
    emit(written[form](found), parsed.output)
    return Exit.OK if found.is_complete else Exit.DISAGREE


def _compared(before: str, now: str, form: str, output: Path | None) -> int:
    from conformance.inventory import render
    from conformance.inventory.questions import drafts
    from conformance.inventory.releases import difference

    found = difference(_release(before), _release(now))
    written = {
        "text": render.difference_as_text,
        "markdown": render.difference_as_markdown,
        "json": render.difference_as_json,
    }
    emit(written[form](found, drafts(found, before, now)), output)
    return Exit.OK


def _release(text: str) -> Any:
    """The names that a lane's Keras has. Raises UsageError for a lane of something else, LaneUnavailable."""
    from conformance.case.keras_names import release
    from conformance.cli.live import lanes_of
    from conformance.lanes.process import ProcessLane

    spec = lanes_of((text,))[0]
    if spec.adapter != "keras":
        raise UsageError(f"lane {spec.name} is not one of Keras", "as in keras or keras@3.12.0")
    lane = ProcessLane(spec)
    try:
        versions = lane.identity().versions
        return release(versions.get("keras") or versions["tf_keras"], lane.public_names())
    finally:
        lane.stop()
