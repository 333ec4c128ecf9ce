"""What a gate writes beside its results: a page, the diff as JSON, JUnit, and on GitHub a summary and annotations."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.etree import ElementTree

from conformance.gate.page import html
from conformance.gate.render import json_text, markdown
from conformance.gate.rows import REGRESSIONS, Diff, Row, Section
from conformance.gate.words import heading, told, verdict_line, verdicts, why
from conformance.record.run import Results
from conformance.report.words import one_line
from conformance.results import write_whole

SUMMARY_BUDGET = 200_000
"""Bytes of the job summary: GitHub drops a summary of more than 1 MiB whole."""
WRITTEN = ("gate.html", "gate.json", "gate.xml", "results.json")
ANNOTATIONS = 9
"""Annotations of one kind; GitHub shows ten a step and drops the rest without a word."""


def write_all(
    diff: Diff,
    problems: Sequence[str],
    folder: Path,
    variables: Mapping[str, str] = os.environ,
    results: Results | None = None,
) -> None:
    """Writes the page, JSON, JUnit, and what GitHub's runner asks for by its variables.

    With `results`, the page has that of each case that moved.
    """
    write_whole(folder / "gate.html", html(diff, results))
    write_whole(folder / "gate.json", json_text(diff))
    write_whole(folder / "gate.xml", junit(diff))
    if summary := variables.get("GITHUB_STEP_SUMMARY"):
        words = markdown(diff, SUMMARY_BUDGET)
        with open(summary, "a", encoding="utf-8") as file:
            file.write(words + "".join(f"- {one_line(problem)}\n" for problem in problems))
    if variables.get("GITHUB_ACTIONS") == "true":
        print("".join(f"{line}\n" for line in github_annotations(diff)), end="")


def junit(diff: Diff) -> str:
    """A test case a row: a regression is a failure, what could not be compared is skipped."""
    rows = diff.rows
    suite = ElementTree.Element(
        "testsuite",
        name="conformance gate",
        tests=str(len(rows)),
        failures=str(len(diff.regressions)),
        errors="0",
        skipped=str(len(diff.section(Section.NOT_COMPARABLE))),
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
        if row.section in REGRESSIONS and row.is_open:
            ElementTree.SubElement(case, "failure", message=_sentence(row))
        elif row.section is Section.NOT_COMPARABLE:
            ElementTree.SubElement(case, "skipped", message=one_line(row.note))
        elif row.section is not Section.UNCHANGED:
            ElementTree.SubElement(case, "system-out").text = f"{row.section}: {_sentence(row)}"
    ElementTree.indent(suite)
    return ElementTree.tostring(suite, encoding="unicode", xml_declaration=True) + "\n"


def _sentence(row: Row) -> str:
    reason = why(row)
    return f"{told(row)} ({verdicts(row)})" + (f"; {reason}" if reason else "")


def github_annotations(diff: Diff) -> list[str]:
    """Annotations at the lines of the cases, bounded: what is worse as errors, other answers as warnings."""
    lines = []
    others = tuple(row for row in diff.section(Section.ANOTHER) if row.is_open)
    for rows, kind in ((diff.regressions, "error"), (others, "warning")):
        lines += [f"::{kind} {_place(row)}::{_data(_sentence(row))}" for row in rows[:ANNOTATIONS]]
        if len(rows) > ANNOTATIONS:
            lines.append(f"::{kind}::{_data(f'… and {len(rows) - ANNOTATIONS} more: {verdict_line(diff)}')}")
    return lines


def _place(row: Row) -> str:
    return f"file={_property(row.path)},line={row.line},title={_property(heading(row))}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
