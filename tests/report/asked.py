"""Functions of the house as tests ask them: with the JSON of records."""

from __future__ import annotations

import conformance.gate.answers as gate_answers_module
import conformance.gate.baseline as gate_baseline_module
import conformance.gate.diff as gate_diff_module
import conformance.gate.draft as gate_draft_module
import conformance.gate.matrix as gate_matrix_module
import conformance.gate.matrix_page as gate_matrix_page_module
import conformance.gate.signature as gate_signature_module
import conformance.gate.versions as gate_versions_module
import conformance.record.again as judge_again_module
import conformance.record.pictures as record_pictures_module
import conformance.report.advice as report_advice_module
import conformance.report.answer as report_answer_module
import conformance.report.changes as report_changes_module
import conformance.report.facts as report_facts_module
import conformance.report.findings as report_findings_module
import conformance.report.grid as report_grid_module
import conformance.report.html as report_html_module
import conformance.report.markdown as report_markdown_module
import conformance.report.overviews as report_overviews_module
import conformance.report.page as report_page_module
import conformance.report.page_training as report_page_training_module
import conformance.report.single as report_single_module
import conformance.report.text as report_text_module
import conformance.report.trace as report_trace_module
import conformance.report.words as report_words_module
import conformance.repro.issue as repro_issue_module
import conformance.results as results_module
from tests.typed import typed

_got = typed(repro_issue_module._got)
advice = typed(report_advice_module.advice)
answer = typed(report_answer_module.answer)
answer_facts = typed(report_facts_module.answer_facts)
assemble = typed(results_module.assemble)
attribution = typed(report_findings_module.attribution)
axis_names = typed(report_facts_module.axis_names)
case_markdown = typed(report_markdown_module.case_markdown)
case_text = typed(report_text_module.case_text)
cause = typed(report_overviews_module.cause)
changes_of = typed(report_changes_module.changes_of)
diff = typed(gate_diff_module.diff)
draft = typed(gate_draft_module.draft)
filter_of = typed(report_grid_module.filter_of)
first_move = typed(gate_answers_module.first_move)
grid_of = typed(report_grid_module.grid_of)
groups_of = typed(report_overviews_module.groups_of)
headline = typed(report_text_module.headline)
html = typed(gate_matrix_page_module.html)
judge_again = typed(judge_again_module.judge_again)
key_label = typed(report_facts_module.key_label)
lane_failure = typed(report_text_module.lane_failure)
lane_row = typed(results_module.lane_row)
lane_title = typed(report_answer_module.lane_title)
matches = typed(gate_signature_module.matches)
matrix = typed(gate_matrix_module.matrix)
observed_of = typed(gate_signature_module.observed_of)
page_of = typed(report_page_module.page_of)
render = typed(report_html_module.render)
render_single = typed(report_single_module.render_single)
rerun_command = typed(report_words_module.rerun_command)
slowest_of = typed(report_grid_module.slowest_of)
trace_table = typed(report_trace_module.trace_table)
training_blocks = typed(report_page_training_module.training_blocks)
verdict_text = typed(report_findings_module.verdict_text)
with_baseline = typed(gate_baseline_module.with_baseline)
with_versions = typed(gate_versions_module.with_versions)
picture_of = typed(record_pictures_module.picture_of)
mask_text = typed(report_words_module.mask_text)
mask_differences = typed(report_words_module.mask_differences)
shapes_text = typed(report_words_module.shapes_text)
rendered = typed(report_html_module.rendered)
