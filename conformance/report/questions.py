"""Questions of users and what settles them: docs/questions.md from the cases alone, docs/answers.md from results."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.case.model import Case
from conformance.record.run import Results
from conformance.report.answer import answer
from conformance.report.words import safe

_HEAD = """\
# Which cases settle which question

Made by `conformance questions cases -o docs/questions.md`; do not edit. The numbers are those of the list of questions
that users asked; a case names its rows in `questions:`.

| row | topics | cases |
|---|---|---|
"""


def questions_page(cases: Sequence[Case]) -> str:
    """Markdown: a row a question, with the topics and ids of its cases."""
    rows = sorted({row for case in cases for row in case.questions})
    lines = []
    for row in rows:
        settling = [case for case in cases if row in case.questions]
        topics = "; ".join(dict.fromkeys(_cell(case.topic) for case in settling))
        ids = ", ".join(f"`{case.id}`" for case in settling)
        lines.append(f"| {row} | {topics} | {ids} |")
    return _HEAD + "\n".join(lines) + "\n"


_ANSWERS_HEAD = """\
# Answers

What the lanes said to each question, one sentence a case, made by `conformance answers reports/results.json`; do not
edit. The page of a case is `reports/index.html#<id>`.
"""


def answers_page(results: Results) -> str:
    """Markdown: for each question row, the question of every case, its answer as measured, and where its page is."""
    records = results.cases
    parts = [_ANSWERS_HEAD]
    for row in sorted({row for record in records for row in record.questions}):
        settling = [record for record in records if row in record.questions]
        parts.append(f"## {row}. {'; '.join(dict.fromkeys(_cell(record.topic) for record in settling))}\n")
        parts += [
            f"- **{_cell(record.question)}** {_cell(answer(record, results.lanes))} (`{record.id}`)"
            for record in settling
        ]
        parts.append("")
    return "\n".join(parts)


def _cell(text: str) -> str:
    return safe(text).replace("|", "\\|").replace("\n", " ")
