"""A page as markdown: shown as it is, in tables and fences, nothing that a field's text could break."""

from __future__ import annotations

import pytest

from conformance.report.blocks import Block, Cell, Chips, Code, Command, Page, Paragraph, Pictures, Section, Table
from conformance.report.markdown import cell, fenced, page_markdown, plain
from tests.report.asked import case_markdown, page_of
from tests.report.factory import LANE_ROWS, agreeing, too_large


def page(*blocks: Block) -> str:
    return page_markdown(Page("f/t.id", "differ", "p:1", "Dense", "", "", "", (Section("Title", blocks),)))


def test_the_whole_of_a_small_page() -> None:
    table = Table("by lane", ("lane", "says"), ((Cell("keras"), Cell("1 | 2", "differ")), (Cell("torch"), Cell("3"))))
    written = page(Paragraph("Two.", "answer"), Chips((("mask", "differ"),)), table, Code("x: 1"), Command("pytest x"))
    assert written == (
        "## ✗ DIFFER `f/t.id`\n\nDense\n\n### Title\n\n**Two.**\n\n✗ mask\n\n"
        "*by lane*\n\n| lane | says |\n|---|---|\n| keras | **✗ 1 \\| 2** |\n| torch | 3 |\n\n"
        "```\nx: 1\n```\n\n```\npytest x\n```\n"
    )


def test_every_section_of_a_case_is_there() -> None:
    record = agreeing()
    written = case_markdown(record, LANE_ROWS)
    for section in page_of(record, LANE_ROWS).sections:
        assert f"### {section.title}\n" in written


def test_a_picture_is_its_letters_and_its_words() -> None:
    written = case_markdown(too_large(), LANE_ROWS)
    found = [block for section in page_of(too_large(), LANE_ROWS).sections for block in section.blocks]
    (picture,) = [block for block in found if isinstance(block, Pictures)]
    assert fenced("\n".join(picture.lines)) in written
    assert all(plain(panel.words[1:]) in written for panel in picture.panels)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("<script>", "\\<script>"),
        ("a * b * c", "a \\* b \\* c"),
        ("two_embeddings", "two_embeddings"),
        ("_keras_mask_", "\\_keras_mask\\_"),
        ("[0](x)", "[0\\](x)"),
        ("# no heading", "\\# no heading"),
        ("1. no list", "1\\. no list"),
        ("- no list", "\\- no list"),
        ("-1.5 is less", "\\-1.5 is less"),
        ("1.5 is more", "1.5 is more"),
        ("(2, 50, 100)", "(2, 50, 100)"),
        ("@team", "@\u2060team"),
    ],
)
def test_text_is_shown_as_it_is(text: str, shown: str) -> None:
    assert plain(text) == shown


def test_a_cell_stays_in_its_cell() -> None:
    assert cell("a | b\nc") == "a \\| b c"


def test_a_fence_is_longer_than_those_inside() -> None:
    assert fenced("```\nx\n```").startswith("````\n")
