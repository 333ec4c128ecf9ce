"""`conformance campaign`: cases that nobody wrote, run for a while, and what they found."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from conformance.cli.campaign_options import (
    also_of,
    asked_of,
    ends_of_dates,
    layers_of,
    refuse_what_is_not_read,
    seconds_of,
    seeds_of,
)
from conformance.cli.shared import CLUSTER_HELP, DEFAULT_CASES
from conformance.errors import Exit, UsageError

if TYPE_CHECKING:
    from conformance.campaign.asking import Asker
    from conformance.campaign.campaign import Campaign, Ended
    from conformance.campaign.folder import Finding, Folder
    from conformance.campaign.known import Known
    from conformance.campaign.recognise import Explains
    from conformance.campaign.triage import Tell
    from conformance.case.model import Case
    from conformance.lanes.spec import LaneSpec
    from conformance.protocol.adapter import Identity
    from conformance.record.case import Record

_DESCRIPTION = """\
Draws cases from the layers' own schemas, asks them in every lane, and keeps what differs and is in no list.

What it finds is made small in the words of a case, and written as a case file with its script. The folder can be gone
on with: a campaign that was stopped, or killed, has lost nothing that it found.
"""
_EXAMPLES = """\
examples:
  conformance campaign --for 10m -o campaigns/today                 ten minutes over all layers
  conformance campaign --for 2m --layers GRU,LSTM -o campaigns/rnn  over some of them
  conformance campaign --for 10m --also all -o campaigns/wide       trainings, metrics, operations, saving, relations
  conformance campaign --like cases/training --for 5m -o campaigns/like  written cases, changed a little
  conformance campaign --like clf.keras --for 5m -o campaigns/mine          the layers of your model
  conformance campaign --seeds 0..20 -o campaigns/ci                the same cases in every run: for CI
  conformance campaign --for 5m --lane keras@3.14.1 -o campaigns/old
  conformance campaign --from keras@3.14.1 --to keras --for 10m -o campaigns/upgrade
  conformance campaign --for 10m --bisect 3.3.3 -o campaigns/today   and since which release, from 3.3.3 on
  conformance campaign --for 1h --cluster local:4 -o campaigns/wide          on four workers of Dask
  conformance campaign replay campaigns/today                       FIXED, STILL or CHANGED for each finding
  conformance campaign merge campaigns/a campaigns/b -o campaigns/all
  conformance campaign page campaigns/today -o today.html           what was found, tried and thrown away

Exit code 1 where the folder holds findings, 0 where it holds none, 5 where no draft could be judged.
"""
USUAL_TIME = "2m"


def add(commands: Any) -> None:
    """Adds the subcommand to the parser's."""
    parser = commands.add_parser(
        "campaign",
        help="cases that nobody wrote: drawn, asked, and what differs made small",
        description=_DESCRIPTION,
        epilog=_EXAMPLES,
    )
    parser.add_argument(
        "action", nargs="*", metavar="replay|page|merge FOLDER", help="ask findings again, show them, or merge folders"
    )
    parser.add_argument("--for", dest="time", metavar="TIME", help="how long to draw: 90s, 10m, 1.5h (default: 2m)")
    parser.add_argument(
        "--seeds", metavar="A..B", help="draw with these seeds, B left out; else from 0 on until the end"
    )
    parser.add_argument("--layers", metavar="A,B", help="draw these layers; all that can be drawn when left out")
    parser.add_argument("--no-graphs", action="store_true", help="draw single layers only")
    parser.add_argument(
        "--also",
        metavar="A,B",
        help="draw trainings, metrics, operations and models that are saved too, and ask relations: some of "
        "trainings,metrics,operations,saving,relations, or all",
    )
    parser.add_argument(
        "--like",
        action="append",
        default=[],
        type=Path,
        metavar="PATH",
        help="change one or two things in these cases (a file or a folder), or in the layers of a .keras file",
    )
    parser.add_argument(
        "--lane", action="append", default=[], metavar="SPEC", help="ask these lanes instead of keras and torch"
    )
    between = parser.add_argument_group("between two versions", "what one shows and the other does not")
    between.add_argument("--from", dest="old", metavar="SPEC", help="the older: keras@3.14.1")
    between.add_argument("--to", dest="new", metavar="SPEC", help="the newer: keras@3.15.1")
    parser.add_argument(
        "--bisect",
        nargs="?",
        const="",
        metavar="OLDEST",
        help="date each finding of Keras: in which release it began, from OLDEST on; between --from and --to of a pair",
    )
    parser.add_argument("--cases", type=Path, default=DEFAULT_CASES, metavar="FOLDER", help="where case files stand")
    parser.add_argument("--cluster", metavar="WHERE", help=CLUSTER_HELP)
    parser.add_argument("-o", "--output", type=Path, metavar="FOLDER", help="the folder of the campaign; page: a file")
    parser.set_defaults(command=run)


def run(parsed: argparse.Namespace) -> int:
    if parsed.action:
        refuse_what_is_not_read(parsed)
    match parsed.action:
        case []:
            return _campaign(parsed)
        case ["replay", folder]:
            return _replay(Path(folder), parsed)
        case ["merge", *folders] if len(folders) > 1:
            return _merge([Path(folder) for folder in folders], parsed.output)
        case ["page", folder]:
            return _page(Path(folder), parsed.output)
    hint = "conformance campaign replay FOLDER, or conformance campaign -o FOLDER for a new one"
    raise UsageError(f"what is {' '.join(parsed.action)[:60]!r}?", hint)


def _campaign(parsed: argparse.Namespace) -> int:
    from conformance.campaign.asking import Asker
    from conformance.campaign.campaign import Campaign, known_of
    from conformance.campaign.folder import VERSION, About, opened
    from conformance.campaign.like import like
    from conformance.cli.live import IN_PROCESS, announce, lanes_of
    from conformance.cluster import parse as parse_cluster
    from conformance.kinds.operations import unasked_text

    if parsed.output is None:
        raise UsageError("where to?", "name a folder: -o campaigns/today")
    seeds, kinds, also = seeds_of(parsed.seeds), layers_of(parsed.layers), also_of(parsed.also)
    if parsed.like and set(also) - {"relations"}:
        raise UsageError("--like beside --also", "what it is like says what is drawn; --also relations goes with it")
    ends = ends_of_dates(parsed)
    is_bounded = parsed.seeds is not None and parsed.time is None
    seconds = float("inf") if is_bounded else seconds_of(parsed.time or USUAL_TIME)
    asked = asked_of(parsed)
    cluster = parse_cluster(parsed.cluster) if parsed.cluster else None
    if parsed.like and (cluster is not None or parsed.layers):
        raise UsageError(
            "--like beside --layers or --cluster", "what it is like says the layers; it runs on this machine"
        )
    made = like(parsed.like) if parsed.like else None
    specs = lanes_of(asked)
    announce(specs, "")
    asker = Asker(specs, in_process=IN_PROCESS, tell=tell_of(asked))
    try:
        identities = asker.identities()
        lanes = {name: dict(one.versions) for name, one in identities.items()}
        digest = "" if made is None else made.digest
        about = About(VERSION, lanes, kinds, tuple(asked), not parsed.no_graphs, digest, also)
        with opened(parsed.output, about) as folder:
            known = known_of(known_here(asker, parsed.cases))
            campaign = Campaign(folder, asker, kinds, known, _say, like=made, texts=unasked_text)
            if cluster is not None:
                asker.stop()  # the workers have lanes of their own
            try:
                until = time.monotonic() + seconds
                ended = campaign.run(seeds, until) if cluster is None else _on_cluster(parsed, campaign, seeds, until)
            except KeyboardInterrupt:
                _say(f"stopped: what was found is kept; the same command goes on ({_counts(folder)})")
                raise
            finally:
                write_page(folder, campaign.coverage)
            if ends is not None:
                asker.stop()  # the releases have lanes of their own
                _dates(folder, ends, identities)
                write_page(folder, campaign.coverage)
            return _said(folder, ended)
    finally:
        asker.stop()


def _dates(folder: Folder, ends: tuple[str, str], identities: Mapping[str, Identity]) -> None:
    """Dates the findings of lanes of Keras, and says each."""
    from conformance.campaign.asking import Asker
    from conformance.campaign.dating import date_all, words
    from conformance.cli.live import IN_PROCESS, lanes_of
    from conformance.gate.releases import between, published

    lanes = {name for name, one in identities.items() if "keras" in one.versions}
    if not any(one.dated is None and one.signature.lane in lanes for one in folder.kept):
        return
    installed = [one.versions["keras"] for name, one in identities.items() if name in lanes]
    versions = between(published("keras"), ends[0] or installed[0], ends[1] or installed[-1])

    def ask(version: str, case: Case, lane: str) -> Record:
        _say(f"asking keras {version}: {case.id}")
        asker = Asker(lanes_of([f"{lane}=keras@{version}"]), in_process=IN_PROCESS)
        try:
            asker.identities()
            return asker.case(case)
        finally:
            asker.stop()

    for finding in date_all(folder, versions, ask, lanes):
        if finding.dated is not None:
            _say(f"{folder.file(finding)}: {words(finding.dated)}")


def _on_cluster(parsed: argparse.Namespace, campaign: Campaign, seeds: Iterable[int], until: float) -> Ended:
    """Runs a campaign on the workers of a cluster; says what proves that every seed ran once."""
    from conformance.campaign.batches import OnCluster
    from conformance.cluster import connected
    from conformance.form import to_json

    about = campaign.folder.about
    asked = {
        "lanes": list(about.asked),
        "about": to_json(about),
        "cases": str(parsed.cases.absolute()),
        "listed": listed_digest(parsed.cases),
    }
    with connected(parsed.cluster) as cluster:
        ended = OnCluster(campaign, cluster, on_worker, asked).run(seeds, until)
    print(f"{ended.seeds:,} seeds on {parsed.cluster}, each kept once")
    return ended


_HELD: dict[str, tuple[Asker, Explains]] = {}
"""Of a worker: the lanes that it holds from one batch to the next, and what is known of them."""


def on_worker(wanted: Mapping[str, Any]) -> Any:
    """A batch of a campaign on a worker: seeds to be asked, or a finding to be made small."""
    from conformance.campaign.batches import made_small, seeds_asked
    from conformance.campaign.folder import About, Finding
    from conformance.form import from_json, to_json
    from conformance.kinds.operations import unasked_text

    asker, known = _held(wanted)
    about = from_json(About, wanted["about"])
    if "finding" in wanted:
        return to_json(made_small(asker, known, about, from_json(Finding, wanted["finding"])))
    return to_json(seeds_asked(asker, known, about, wanted["seeds"], unasked_text))


def _held(wanted: Mapping[str, Any]) -> tuple[Asker, Explains]:
    """The lanes of a worker, started where it has none of these yet. Raises UsageError for other cases than here."""
    from conformance.campaign.asking import Asker
    from conformance.campaign.campaign import known_of
    from conformance.cli.live import IN_PROCESS, lanes_of

    asked, cases = list(wanted["lanes"]), Path(wanted["cases"])
    key = json.dumps([asked, str(cases)])
    if key not in _HELD:
        if listed_digest(cases) != wanted["listed"]:
            hint = "the cases and deviations of the project stand at the same path on every machine"
            raise UsageError("a worker has other cases or deviations than this machine", hint)
        for asker, _ in _HELD.values():
            asker.stop()
        _HELD.clear()
        asker = Asker(lanes_of(asked), in_process=IN_PROCESS, tell=tell_of(asked))
        asker.identities()
        _HELD[key] = asker, known_of(known_here(asker, cases if cases.is_dir() else DEFAULT_CASES))
    return _HELD[key]


def listed_digest(cases: Path) -> str:
    """Of the cases and deviations that a campaign here takes as known."""
    from conformance.cluster import folder_digest

    return " ".join(folder_digest(folder) for folder in listed_in(cases))


def tell_of(asked: Sequence[str]) -> Tell:
    """What is found: what moved, where two versions are asked, else what is wrong."""
    from conformance.campaign.triage import NEW, OLD, moved, signatures

    return moved if [text.partition("=")[0] for text in asked] == [OLD, NEW] else signatures


def listed_in(cases: Path) -> tuple[Path, Path]:
    """The folders of deviations and of their cases: the project's, or else the suite's own.

    Raises UsageError where --cases is not there.
    """
    from conformance import suite
    from conformance.gate.options import FOLDER

    if not cases.is_dir() and cases.absolute() != DEFAULT_CASES.absolute():
        raise UsageError(f"{cases}: no such folder", "where case files stand: --cases cases")
    folder = Path(FOLDER) if Path(FOLDER).is_dir() else suite.deviations()
    return folder, cases if cases.is_dir() else suite.cases()


def known_here(asker: Asker, cases: Path) -> Known | None:
    """The deviations that are listed; None where there is no list. Raises UsageError where --cases is not there."""
    from conformance.campaign.known import Known, Listed
    from conformance.gate.deviations import load_folder as load_deviations
    from conformance.gate.options import lane_facts

    folder, cases = listed_in(cases)
    if not folder.is_dir() or not cases.is_dir():
        return None
    facts = lane_facts(asker.specs, asker.identities())
    return Known(asker, load_deviations(folder), Listed(cases), facts)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _counts(folder: Folder) -> str:
    from conformance.campaign.campaign import totals

    found = totals(folder)
    ran = sum(row.ran for row in folder.seeds.values())
    parts = [f"{number:,} {what}" for what, number in found.most_common()]
    return f"{ran:,} drafts of {len(folder.seeds):,} seeds: " + (", ".join(parts) or "none")


def _said(folder: Folder, ended: Ended) -> int:
    """Prints how a campaign ended; the exit code."""
    from conformance.campaign.campaign import judged_of

    print(_counts(folder))
    rate = ended.ran / ended.seconds if ended.seconds else 0.0
    print(f"this time: {ended.ran:,} drafts in {ended.seconds:,.0f} s ({rate:.1f} a second)")
    if ended.since_new >= 60:
        print(f"saturated: no new pair in {ended.since_new / 60:.0f} minutes")
    for finding in folder.kept:
        print(f"{folder.file(finding)}: {finding.words or finding.signature}{_since(finding)}")
    if ended.is_out_of_time:
        print(f"the time ended after {ended.seeds:,} seeds")
    count = len(folder.kept)
    said = f"{count} finding{'' if count == 1 else 's'}; {len(ended.new)} differences seen for the first time"
    print(f"{said}; {folder.path / PAGE} shows them")
    if count:
        return Exit.DISAGREE
    return Exit.OK if judged_of(folder) else Exit.NOTHING_RAN


def _since(finding: Finding) -> str:
    from conformance.campaign.dating import words

    return "" if finding.dated is None else f" ({words(finding.dated)})"


PAGE = "index.html"


def write_page(folder: Folder, coverage: Any = None, output: Path | None = None) -> Path:
    """Writes the page of a campaign."""
    from conformance.campaign.coverage import Coverage
    from conformance.campaign.folder import saying_full
    from conformance.campaign.page import html
    from conformance.results import write_whole

    if coverage is None:
        coverage = Coverage(folder.about.layers)
        for row in folder.seeds.values():
            for varied in row.varied:
                coverage.add(varied)
    path = output or folder.path / PAGE
    with saying_full(path):
        write_whole(path, html(folder, coverage))
    return path


def _merge(paths: Sequence[Path], output: Path | None) -> int:
    from conformance.campaign.folder import read
    from conformance.campaign.merging import merged

    if output is None:
        raise UsageError("where to?", "name a new folder: -o campaigns/all")
    made = merged(paths, output)
    write_page(read(output))
    print(
        f"{made.seeds:,} seeds, {made.twice:,} of which ran twice; {made.findings} findings, {made.alike} found twice"
    )
    return Exit.DISAGREE if made.findings else Exit.OK


def _page(path: Path, output: Path | None) -> int:
    from conformance.campaign.folder import read

    print(f"written: {write_page(read(path), output=output)}", file=sys.stderr)
    return Exit.OK


def _replay(path: Path, parsed: argparse.Namespace) -> int:
    from conformance.campaign.asking import Asker
    from conformance.campaign.folder import read
    from conformance.campaign.replay import State, replayed
    from conformance.cli.live import IN_PROCESS, announce, lanes_of

    folder = read(path)
    named = asked_of(parsed)
    asked = named or list(folder.about.asked)
    specs = lanes_of(asked)
    if not named:
        _refuse_programs(path, specs)
    announce(specs, "")
    asker = Asker(specs, in_process=IN_PROCESS, tell=tell_of(asked))
    try:
        asker.identities()
        found = replayed(folder, asker)
    finally:
        asker.stop()
    for one in found:
        print(f"{one.state}  {folder.file(one.finding)}: {one.words}{_since(one.finding)}")
    print(_tally([one.state for one in found]))
    return Exit.DISAGREE if any(one.state is not State.FIXED for one in found) else Exit.OK


def _refuse_programs(path: Path, specs: Sequence[LaneSpec]) -> None:
    """Raises UsageError for lanes that a folder names and that start, install or import what its writer chose.

    A folder may come from anybody; who wants such lanes names them.
    """
    for spec in specs:
        if spec.host or spec.environment or spec.interpreter != sys.executable or spec.options.get("overlays"):
            asks = f"the folder {path} asks for the lane {spec.name}, which is another program"
            raise UsageError(asks, "look at its campaign.json, and name the lanes yourself: --lane SPEC")


def _tally(states: Sequence[str]) -> str:
    words = [f"{states.count(state)} {state}" for state in ("STILL", "CHANGED", "FIXED") if state in states]
    return ", ".join(words) or "no findings"
