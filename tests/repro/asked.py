"""Functions of the house as tests ask them: with the JSON of records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import conformance.report.markdown as report_markdown_module
import conformance.report.page as report_page_module
import conformance.report.text as report_text_module
import conformance.repro.endings as repro_endings_module
import conformance.repro.evidence as repro_evidence_module
import conformance.repro.kept as repro_kept_module
import conformance.results as results_module
from conformance.repro.evidence import Evidence
from tests.report import factory
from tests.typed import as_record, typed

case_markdown = typed(report_markdown_module.case_markdown)
case_text = typed(report_text_module.case_text)
lane_row = typed(results_module.lane_row)
page_of = typed(report_page_module.page_of)
read = typed(results_module.read)
signal_of = typed(repro_endings_module.signal_of)
with_scripts = typed(repro_kept_module.with_scripts)


def evidence_of(lanes: Sequence[dict[str, Any]], record: dict[str, Any]) -> Evidence:
    """The evidence on a record of results that have these lanes."""
    rows = [{**factory.LANE_ROWS[2], **row} for row in lanes]
    return repro_evidence_module.evidence_of(as_record(factory.results(lanes=rows)), as_record(record))


def with_lanes(given: Evidence, lanes: dict[str, Any]) -> Evidence:
    """The evidence with other lanes in its record."""
    return replace(given, record=replace(given.record, lanes=lanes))
