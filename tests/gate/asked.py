"""Functions of the house as tests ask them: with the JSON of records."""

from __future__ import annotations

import conformance.cli.matrix as cli_matrix_module
import conformance.gate.bisect as gate_bisect_module
import conformance.gate.diff as gate_diff_module
import conformance.gate.draft as gate_draft_module
import conformance.gate.gate as gate_gate_module
import conformance.gate.ledger as gate_ledger_module
import conformance.gate.matrix as gate_matrix_module
import conformance.gate.matrix_page as gate_matrix_page_module
import conformance.gate.matrix_text as gate_matrix_text_module
import conformance.gate.page as gate_page_module
import conformance.gate.shards as gate_shards_module
import conformance.gate.versions as gate_versions_module
import conformance.report.text as report_text_module
import conformance.results as results_module
from tests.typed import typed

assemble = typed(results_module.assemble)
case_text = typed(report_text_module.case_text)
describe = typed(gate_shards_module.describe)
diff = typed(gate_diff_module.diff)
draft = typed(gate_draft_module.draft)
excused = typed(gate_ledger_module.excused)
gate_page = typed(gate_page_module.html)
html = typed(gate_matrix_page_module.html)
json_text = typed(gate_matrix_text_module.json_text)
lane_row = typed(results_module.lane_row)
matrix = typed(gate_matrix_module.matrix)
merge = typed(gate_shards_module.merge)
rendered = typed(cli_matrix_module.rendered)
search = typed(gate_bisect_module.search)
shown_cases = typed(cli_matrix_module.shown_cases)
standings = typed(gate_ledger_module.standings)
took = typed(gate_gate_module.took)
with_versions = typed(gate_versions_module.with_versions)
write = typed(results_module.write)
