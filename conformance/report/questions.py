"""docs/questions.md: which cases settle which question of users, made from the cases alone."""

from __future__ import annotations

from collections.abc import Sequence

from conformance.case.model import Case

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


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
