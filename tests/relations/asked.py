"""Functions of the house as tests ask them: with the JSON of records."""

from __future__ import annotations

import conformance.report.findings as report_findings_module
import conformance.report.text as report_text_module
from tests.typed import typed

attribution = typed(report_findings_module.attribution)
lane_failure = typed(report_text_module.lane_failure)
