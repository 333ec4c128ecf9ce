"""The upgrade gate: one run of two lanes beside the reference, what changed between them, one exit code.

pytest runs the cases, in a process of its own; the diff of its results decides. What a team reads is written beside
the results: a page, the diff as JSON, JUnit, and on GitHub a job summary and annotations.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from conformance.errors import Exit, UsageError
from conformance.gate.diff import Diff, Row, Section, diff
from conformance.gate.render import about, heading, html, json_text, markdown, said, text, verdict_line
from conformance.journal import recover
from conformance.lanes.declare import declared, parse
from conformance.record.run import Results
from conformance.report.words import one_line
from conformance.results import read, write_whole

SUMMARY_BUDGET = 200_000
"""Bytes of the job summary: GitHub drops a summary of more than 1 MiB whole."""
WRITTEN = ("gate.html", "gate.json", "gate.xml", "results.json")
ANNOTATIONS = 9
"""Annotations of one kind; GitHub shows ten a step and drops the rest without a word."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a gate is asked for."""

    old: str
    new: str
    arguments: tuple[str, ...]
    """For pytest: paths of cases, `-k`, `-n`."""
    output: Path
    fail_on: str = "regressions"
    enforce_expiry: bool = False


def gate(asked: Asked) -> int:
    """Runs both sides, prints what changed, writes every form of it, and returns the exit code."""
    project = declared(Path("pyproject.toml"))
    old, new = (project[name] if name in project else parse(name) for name in (asked.old, asked.new))
    if old.name == new.name:
        raise UsageError(f"both sides are called {old.name}", "name one of them: --from old=keras@3.3.3")
    clock = time.monotonic()
    own = asked.output / f".results.{os.getpid()}.json"
    code = run_cases([asked.old, asked.new], asked.arguments, own, asked.enforce_expiry)
    if not own.exists():
        return without_results(asked.output, code)
    results = read(own)  # under its own name: another gate may run in the same folder
    own.replace(asked.output / "results.json")
    if code not in (Exit.OK, Exit.DISAGREE, Exit.UNAVAILABLE):
        return code
    found = diff(results, results, [(old.name, new.name)])
    problems = deviation_problems(results, asked.enforce_expiry)
    print(text(found), end="")
    print("".join(f"{problem}\n" for problem in problems), end="")
    write_all(found, problems, asked.output)
    print(took(time.monotonic() - clock, results, new.name))
    print(f"written to {asked.output}: {', '.join(WRITTEN)}", file=sys.stderr)
    return code if code == Exit.UNAVAILABLE else exit_code(found, problems, asked.fail_on)


def took(seconds: float, results: Results, lane: str) -> str:
    """How long the gate took, as a multiple of what one side alone computed for: a number that any machine gives."""
    alone = sum(record.lanes[lane].seconds for record in results.cases if lane in record.lanes)
    times = f", {seconds / alone:.1f} times the {alone:.1f} s that {lane} alone computed for" if alone else ""
    return f"took {seconds:.0f} s{times}"


def without_results(folder: Path, code: int) -> int:
    """The exit code of a run that wrote no results; what a killed one had measured is kept and named."""
    for path, words in recover(folder):
        print(f"conformance: {path}: {words}", file=sys.stderr)
    if code < 0:
        print(f"conformance: pytest was ended by {signal.Signals(-code).name}", file=sys.stderr)
        return Exit.INTERNAL
    return code if code not in (Exit.OK, Exit.DISAGREE) else Exit.INTERNAL


def run_cases(lanes: Iterable[str], arguments: Sequence[str], results: Path, enforce_expiry: bool = False) -> int:
    """Runs cases in these lanes by pytest and returns its exit code; its own report goes to stderr."""
    given = list(arguments)
    if not any(Path(argument.partition("::")[0]).exists() for argument in given):
        given.insert(0, "cases")
    command = [sys.executable, "-m", "pytest", "-q", "--tb=no", f"--results={results}", *given]
    command += [part for lane in lanes for part in ("--lane", lane)]
    command += ["--enforce-expiry"] if enforce_expiry else []
    return subprocess.run(command, check=False, stdout=sys.stderr).returncode


def deviation_problems(results: Results, enforce_expiry: bool) -> list[str]:
    """Deviations that fail a gate: stale, of a case that does not exist, or expired where that is enforced."""
    lines = [f"{item.state} deviation {item.id}" for item in results.deviations if item.state in ("stale", "unmatched")]
    expired = [item.id for item in results.deviations if item.is_expired]
    return lines + ([f"expired deviation {name}" for name in expired] if enforce_expiry else [])


def exit_code(found: Diff, problems: Sequence[str] = (), fail_on: str = "regressions") -> Exit:
    """What a diff means for the process: by default what got worse fails, and what the deviations file has wrong."""
    if fail_on == "nothing":
        return Exit.OK
    if found.section(Section.REGRESSIONS) or problems:
        return Exit.DISAGREE
    if fail_on == "changes" and any(not row.is_explained for row in found.moved):
        return Exit.DISAGREE
    return Exit.OK


def write_all(found: Diff, problems: Sequence[str], folder: Path, variables: Mapping[str, str] = os.environ) -> None:
    """Writes the page, JSON, JUnit, and what GitHub's runner asks for by its variables."""
    write_whole(folder / "gate.html", html(found))
    write_whole(folder / "gate.json", json_text(found))
    write_whole(folder / "gate.xml", junit(found))
    if summary := variables.get("GITHUB_STEP_SUMMARY"):
        words = markdown(found, SUMMARY_BUDGET)
        with open(summary, "a", encoding="utf-8") as file:
            file.write(words + "".join(f"- {one_line(problem)}\n" for problem in problems))
    if variables.get("GITHUB_ACTIONS") == "true":
        print("".join(f"{line}\n" for line in github_annotations(found)), end="")


def junit(found: Diff) -> str:
    """A test case a row: a regression is a failure, what could not be compared is skipped."""
    rows = found.rows
    suite = ElementTree.Element(
        "testsuite",
        name="conformance gate",
        tests=str(len(rows)),
        failures=str(len(found.section(Section.REGRESSIONS))),
        errors="0",
        skipped=str(len(found.section(Section.NOT_COMPARABLE))),
    )
    for row in rows:
        case = ElementTree.SubElement(
            suite,
            "testcase",
            classname=one_line(row.path),
            name=heading(row),
            file=one_line(row.path),
            line=str(row.line),
        )
        if row.section is Section.REGRESSIONS:
            ElementTree.SubElement(case, "failure", message=_both(row))
        elif row.section is Section.NOT_COMPARABLE:
            ElementTree.SubElement(case, "skipped", message=one_line(row.note))
        elif row.section is not Section.UNCHANGED:
            ElementTree.SubElement(case, "system-out").text = f"{row.section}: {_both(row)}"
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _both(row: Row) -> str:
    what = about(row)
    return f"{what + ': ' if what else ''}{said(row.old)} -> {said(row.new)}"


def github_annotations(found: Diff) -> list[str]:
    """Annotations at the lines of the cases, bounded: regressions as errors, answers that changed as warnings."""
    lines = []
    for section, kind in ((Section.REGRESSIONS, "error"), (Section.CHANGED, "warning")):
        rows = found.section(section)
        lines += [
            f"::{kind} file={_property(row.path)},line={row.line},title={_property(heading(row))}::{_data(_both(row))}"
            for row in rows[:ANNOTATIONS]
        ]
        if len(rows) > ANNOTATIONS:
            lines.append(f"::{kind}::{_data(f'… and {len(rows) - ANNOTATIONS} more: {verdict_line(found)}')}")
    return lines


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
