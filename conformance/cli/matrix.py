"""`conformance matrix`: one question in many versions, side by side."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from packaging.version import InvalidVersion, Version

from conformance.cli.shared import CLUSTER_HELP, emit
from conformance.errors import Exit, UsageError
from conformance.usage import FORMATS, form_of, one_of

if TYPE_CHECKING:
    from conformance.record.run import Results

DEFAULT = Path("reports/matrix.json")

_DESCRIPTION = """\
Runs cases in many versions and gives a letter to each answer: the versions of one letter say the same but for
rounding. With --results FILE it shows the lanes of a run that there is, and runs nothing.
"""
_EXAMPLES = """\
examples:
  conformance matrix --versions 3.0..3.15 merge/mask.two_embeddings-kind_Average
  conformance matrix --versions 3.0.5,3.3.3,3.4..3.6 --lane tf_keras cases/merge -o matrix.html   and nothing else
  conformance matrix --versions 3.0..3.15 --cluster local:4                   on four workers of Dask
  conformance matrix --results reports/matrix.json cases/merge --format md   of the same run, as markdown
  conformance matrix --results all.json --lane keras --lane torch     two lanes of any run
  conformance report reports/results.json --matrix reports/matrix.json -o report.html
  conformance explain merge/mask.pooled --matrix reports/matrix.json

A range takes the last patch of each minor version that the package index has; versions in a list are taken as they
stand. Each version is built once, as an overlay over one TensorFlow (seconds). Cases are files, folders or ids; without
any, all of them run. Arguments that are left over go to pytest, options of it after --: ... -- -k gru
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "matrix",
        help="cases by versions, each cell the answer, changes marked",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument("--versions", metavar="A..B,C", help="versions and ranges of them: 3.0..3.15 or 3.3.3,3.4.0")
    parser.add_argument("--package", default="keras", help="whose versions: keras (the default), or tf_keras")
    parser.add_argument(
        "--lane",
        action="append",
        default=[],
        metavar="SPEC",
        help="more lanes to run, put before the versions; with --results: which lanes to show, in which order",
    )
    parser.add_argument(
        "--results", type=Path, metavar="FILE", help=f"show this run; without -o, one of versions is kept in {DEFAULT}"
    )
    parser.add_argument(
        "--keep", type=Path, metavar="FILE", help="keep the run of versions here, to show it again with --results"
    )
    parser.add_argument("--cluster", metavar="WHERE", help=CLUSTER_HELP)
    parser.add_argument("--every", action="store_true", help="show cases with one answer too")
    parser.add_argument(
        "--format", choices=FORMATS, help="text (the default), md, json or html; -o FILE.html says it too"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="FILE", help="file to write; standard output when left out"
    )
    parser.add_argument("arguments", nargs="*", metavar="CASE", help="case files, folders or ids")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    from conformance.gate.matrix import subjects
    from conformance.results import read

    if parsed.keep is not None and parsed.versions is None:
        raise UsageError("--keep is for a run of versions", "give --versions too")
    if parsed.cluster and parsed.versions is None:
        raise UsageError("--cluster is for a run of versions", "give --versions too")
    if parsed.versions is not None and parsed.results is not None:
        raise UsageError("--versions runs cases, --results shows a run", "give one of them")
    if parsed.versions is None and parsed.results is None:
        raise UsageError("a matrix of what?", "--versions 3.0..3.15 to run cases, or --results FILE to show a run")
    if parsed.versions is not None:
        kept = parsed.keep or (DEFAULT if parsed.output is None else None)  # a page that is asked for is all there is
        folder = tempfile.mkdtemp(prefix="conformance-") if kept is None else str(kept.parent)
        own = Path(folder) / f".matrix.{os.getpid()}.json"  # another matrix may run in the same folder
        try:
            if (code := _asked(parsed, own)) not in (Exit.OK, Exit.DISAGREE):
                return code
            results = read(own)
            if kept is not None:
                own.replace(kept)
        finally:
            own.unlink(missing_ok=True)
            if kept is None:
                shutil.rmtree(folder, ignore_errors=True)
        parsed.lane = []
    else:
        results = shown_cases(read(parsed.results), parsed.arguments, str(parsed.results))
    lanes = parsed.lane or subjects(results)
    known = [row.name for row in results.lanes]
    for name in lanes:
        if name not in known:
            raise UsageError(f"there is no lane {name} in {parsed.results or DEFAULT}", f"lanes: {', '.join(known)}")
    form = form_of(parsed.format, parsed.output)
    run = results.command if parsed.results is not None else ""
    title = page_head(sys.argv[1:], run) if form == "markdown" and parsed.output is not None else ""
    emit(title + rendered(results, lanes, form, parsed.every), parsed.output)
    return Exit.OK


def page_head(arguments: Sequence[str], run: str) -> str:
    """The head of a markdown page that stands on its own: what it is, and the commands that write it again."""
    from conformance.report.words import one_line

    commands = [shlex.join(["conformance", *arguments])]
    commands = [one_line(run, 4_000), *commands] if run else commands
    written = "\n".join(commands)
    return f"# Answers by version\n\nWritten by this; run it again rather than edit.\n\n```sh\n{written}\n```\n\n"


def shown_cases(results: Results, wanted: Sequence[str], where: str) -> Results:
    """The results with the cases alone that are named: by id or its end, by file, or by folder; all without a name.

    Raises UsageError for a name that no case has.
    """
    if not wanted:
        return results
    ids = [record.id for record in results.cases]
    kept: set[str] = set()
    for name in wanted:
        place = name.rstrip("/")
        found = [r.id for r in results.cases if r.path == place or r.path.startswith(f"{place}/")]
        kept.update(found or [one_of(name, ids, where)])
    return replace(results, cases=tuple(record for record in results.cases if record.id in kept))


def rendered(results: Results, lanes: Sequence[str], form: str, every: bool) -> str:
    """The matrix of these lanes in one of the forms."""
    from conformance.gate import matrix_text
    from conformance.gate.matrix import matrix

    lines = matrix(results, lanes)
    if form == "html":
        from conformance.gate.matrix_page import html

        return html(lines, lanes, results)
    if form == "json":
        return matrix_text.json_text(lines, lanes, results.lanes)
    return (matrix_text.markdown if form == "markdown" else matrix_text.text)(lines, lanes, every)


def _asked(parsed: argparse.Namespace, results: Path) -> int:
    """Runs the cases in a lane for every version that was asked for, and writes the results."""
    from conformance.gate.asking import run_cases
    from conformance.gate.on_cluster import run_on_cluster
    from conformance.gate.selection import selected

    versions = chosen(parsed.versions, parsed.package)
    arguments = selected(parsed.arguments)
    lanes = [*parsed.lane, *(f"{parsed.package}@{version}" for version in versions)]
    names = ", ".join([*parsed.lane, f"{parsed.package} {', '.join(versions)}"])
    print(f"conformance: asking {names}", file=sys.stderr, flush=True)
    if parsed.cluster:
        return run_on_cluster(parsed.cluster, lanes, arguments, results)
    return run_cases(lanes, arguments, results)


def chosen(text: str, package: str) -> list[str]:
    """The versions of `3.0..3.15,3.4.0`, oldest first: of a range the last patch of each minor, others as written.

    Raises UsageError for what is neither. The package index is asked for ranges only.
    """
    from conformance.gate.releases import between, newest_patches, published

    found: list[str] = []
    known: list[str] = []
    for part in [part.strip() for part in text.split(",") if part.strip()]:
        first, dots, last = part.partition("..")
        for version in (first, last) if dots else (first,):
            _check(version, part)
        if dots:
            known = known or published(package)
            found += newest_patches(between(known, first, last))
        else:
            found.append(first)
    if not found:
        raise UsageError("--versions names none", "as in --versions 3.0..3.15 or --versions 3.3.3,3.4.0")
    return sorted(dict.fromkeys(found), key=Version)


def _check(version: str, part: str) -> None:
    try:
        Version(version)
    except InvalidVersion:
        hint = "a version or a range: 3.3.3 or 3.0..3.15; other lanes go to --lane"
        raise UsageError(f"--versions {part[:60]}: {version[:40]!r} is not a version", hint) from None
