"""Functions of the house as tests ask them: with the JSON of records."""

from __future__ import annotations

import conformance.record.again as judge_again_module
import conformance.record.scored as score_scored_module
import conformance.report.findings as report_findings_module
import conformance.results as results_module
from tests.typed import typed

finding_text = typed(report_findings_module.finding_text)
judge_again = typed(judge_again_module.judge_again)
read = typed(results_module.read)
with_mutants = typed(score_scored_module.with_mutants)
write = typed(results_module.write)
