"""`conformance bisect`: the release in which the answer to a case changed."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance import suite
from conformance.cli.shared import DEFAULT_CASES
from conformance.errors import Exit, UsageError
from conformance.usage import one_of

if TYPE_CHECKING:
    from conformance.gate.bisect import Found
    from conformance.record.lane import LaneRecord

_EXAMPLES = """\
examples:
  conformance bisect merge/mask.pooled --from 3.3.3 --to 3.6.0
  conformance bisect merge/mask.pooled --from 3.3.3 --to 3.6.0 --versions 3.3.3,3.4.0,3.5.0,3.6.0    asks no index
  conformance bisect conv1d/chain.too_short --from 3.12.0 --to keras@./my-keras      up to a checkout of Keras
  conformance bisect --model clf.keras --inputs batch.npz --from 3.3.3 --to 3.15.1    a model of your own
"""


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser("bisect", help="the release in which the answer to a case changed", epilog=_EXAMPLES)
    parser.add_argument("case", nargs="?", help="the case's id, or the end of it")
    parser.add_argument("--package", default="keras", help="keras (the default), or tf_keras")
    ends = parser.add_argument_group("the ends", "in either order: versions, or a checkout of Keras as keras@./path")
    ends.add_argument("--from", "--good", dest="one", required=True, metavar="VERSION", help="one end")
    ends.add_argument("--to", "--bad", dest="other", required=True, metavar="VERSION", help="the other")
    parser.add_argument("--versions", metavar="A,B,...", help="search these; those that pip knows when left out")
    parser.add_argument("--cases", type=Path, default=DEFAULT_CASES, metavar="FOLDER", help="where case files stand")
    own = parser.add_argument_group("a model of your own, in the place of a case")
    own.add_argument("--model", metavar="MODEL", help="a .keras or .h5 file, or PATH.py:NAME")
    own.add_argument("--inputs", type=Path, metavar="BATCH", help=".npz or .npy; drawn when left out")
    own.add_argument("--allow", action="append", default=[], metavar="PY:NAME", help="a custom object that it uses")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    if (parsed.case is None) == (parsed.model is None):
        what = "neither a case nor a model was named" if parsed.case is None else "a case and a model were both named"
        raise UsageError(what, "a case's id, or --model clf.keras")
    if parsed.model is None and (parsed.inputs or parsed.allow):
        raise UsageError("--inputs and --allow are for a model, and none was named", "--model clf.keras")
    return _case(parsed) if parsed.model is None else _model(parsed)


def _model(parsed: argparse.Namespace) -> int:
    from conformance.gate.words import effect, heading, moves_text
    from conformance.upgrade.bisect import in_releases, one_subject, search

    subject = one_subject(parsed.model, [parsed.inputs] if parsed.inputs else [], parsed.allow)
    package, versions = versions_of(parsed)
    found = search(versions, in_releases(subject, package, "SGD(0.1)", rounding=True))
    print(f"{subject.name}: the answer changed in {package} {found.first}")
    for row in found.rows:
        print(f"  {effect(row)}: {moves_text(row)} ({found.last} -> {found.first})")
        print(f"    {heading(row)}{f': {row.note}' if row.note else ''}")
    print(f"  asked {len(found.asked)} of {len(versions)} releases from {versions[0]} to {versions[-1]}")
    return Exit.OK


def versions_of(parsed: argparse.Namespace) -> tuple[str, list[str]]:
    """The package, and the versions between the ends, the oldest first. Raises UsageError."""
    from conformance.gate.releases import between, in_order, published

    package, ends, checkout = ends_of(parsed.package, (parsed.one, parsed.other))
    given = parsed.versions
    versions = in_order(given.split(",")) if given else published(package)
    return package, _with_checkout(versions, ends[0], checkout) if checkout else between(versions, *ends)


def _with_checkout(versions: Sequence[str], end: str, checkout: str) -> list[str]:
    """The versions from a release to a checkout, the older of the two first.

    A checkout stands behind the release whose number it has: what later ones repaired is not in it. One that says no
    number stands behind all.
    """
    from packaging.version import Version

    from conformance.gate.releases import between, version_of, version_of_checkout

    follows = version_of_checkout(Path(checkout).expanduser())
    if follows is None:
        return [*between(versions, end, versions[-1]), checkout]
    if version_of(end) > follows:
        return [checkout, *(version for version in between(versions, str(follows), end) if Version(version) > follows)]
    older = [version for version in versions if Version(version) <= follows]
    return [*between(older or versions, end, (older or versions)[-1]), checkout]


def _case(parsed: argparse.Namespace) -> int:
    from conformance.case.load import load_folder
    from conformance.cli.live import answer_in
    from conformance.gate.bisect import search

    parsed.cases = suite.folder_of(parsed.case, parsed.cases)
    cases = {case.id: case for case in load_folder(parsed.cases)}
    parsed.case = one_of(parsed.case, list(cases), str(parsed.cases))
    package, versions = versions_of(parsed)

    def answer(version: str) -> LaneRecord:
        found = answer_in(cases[parsed.case], package, version)
        print(f"{package} {version}: {found.verdict}", file=sys.stderr, flush=True)
        return found

    found = search(versions, answer)
    print(f"{parsed.case}: {_what_happened(found)} in {package} {found.first}")
    for move in found.moves:
        print(f"  {move.what}: {move.old_answer} ({found.last}) -> {move.new_answer} ({found.first})")
    print(f"  asked {len(found.asked)} of {len(versions)} releases from {versions[0]} to {versions[-1]}")
    return Exit.OK


def ends_of(package: str, given: Sequence[str]) -> tuple[str, list[str], str]:
    """The package, the ends that are releases, the older first, and the end that is a checkout, if any.

    Raises UsageError for what is neither, and for two checkouts.
    """
    from packaging.version import Version

    from conformance.gate.releases import version_of
    from conformance.lanes.declare import is_checkout

    texts = []
    for text in given:
        name, at, version = text.partition("@")
        package = name if at else package
        texts.append(version if at else text)
    checkouts = [text for text in texts if is_checkout(text)]
    releases = sorted((text for text in texts if text not in checkouts), key=lambda text: version_of(text))
    if not releases:
        raise UsageError("both ends are checkouts", "one end is a release that answers otherwise: --from 3.6.0")
    if len(releases) == 2 and Version(releases[0]) == Version(releases[1]):
        raise UsageError(f"both ends are {releases[0]}", "name two versions whose answers differ")
    return package, releases, checkouts[0] if checkouts else ""


def _what_happened(found: Found) -> str:
    if found.was_right and not found.is_right:
        return "the answer became wrong"
    if found.is_right and not found.was_right:
        return "the answer was repaired"
    return "the answer changed"
