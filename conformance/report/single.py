"""Results of a few cases as one page that shows each of them at once: no index, no script."""

from __future__ import annotations

from dataclasses import replace

from conformance.record.run import Results
from conformance.report.html import document
from conformance.report.view import report_of


def render_single(results: Results) -> str:
    """The page: cases first, then the lanes and how the run was made."""
    report = report_of(results)
    cases = (*report.drawn, *report.on_demand)
    title = f"{', '.join(page.id for page in cases)} - {report.head.title}"
    head = replace(report.head, title=title, sentences=(), contents=())
    return document("single.html.j2", head, drawn=cases, report=report)
