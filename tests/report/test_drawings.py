"""Pictures of large arrays as the report shows them: maps, signs, the block of numbers, and the words beside them."""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any

from conformance.report.blocks import Page, Pictures, Section, Table
from conformance.report.html import render_page
from tests.builders import cases_of, fake, records_of
from tests.report.asked import case_text, page_of, render
from tests.report.factory import LANE_ROWS, PICTURE, results, too_large
from tests.report.test_html import Reading
from tests.report.test_pictures import STATING
from tests.report.test_schema import messages


def levels_of(image: str, colours: int) -> list[str]:
    """A PNG of ours read back: a letter a pixel, a point where the paper shows through."""
    data = base64.b64decode(image.removeprefix("data:image/png;base64,"))
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    chunks, place = {}, 8
    while place < len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        tag, body = data[place + 4 : place + 8], data[place + 8 : place + 8 + length]
        assert struct.unpack(">I", data[place + 8 + length : place + 12 + length])[0] == zlib.crc32(tag + body)
        chunks[tag] = body
        place += 12 + length
    width, height, depth, kind = struct.unpack(">IIBB", chunks[b"IHDR"][:10])
    assert (depth, kind) == (4, 3)
    raw = zlib.decompress(chunks[b"IDAT"])
    stride = 1 + (width + 1) // 2
    lines = []
    for row in range(height):
        pixels = raw[row * stride + 1 : (row + 1) * stride]
        entries = [entry for byte in pixels for entry in (byte >> 4, byte & 15)][:width]
        lines.append("".join("." if entry >= colours else "0123456789ab"[entry] for entry in entries))
    return lines


def shown_values(record: dict[str, Any]) -> list[Any]:
    """The blocks of the values section."""
    sections = {section.title: section.blocks for section in page_of(record, LANE_ROWS).sections}
    return list(sections["Values"])


def pictures_of(record: dict[str, Any]) -> Pictures:
    (found,) = [block for block in shown_values(record) if isinstance(block, Pictures)]
    return found


def test_the_maps_show_the_levels_and_leave_marks_to_signs() -> None:
    got, wanted, error = pictures_of(too_large()).panels[:3]
    drawings = [drawing for panel in (got, wanted, error) for drawing in panel.drawings]
    images = [dict(drawing.attributes)["href"] for drawing in drawings if drawing.tag == "image"]
    assert [levels_of(image, 12) for image in images] == [
        ["0123456789ab", "...b00000000"],
        ["0123456789ab", "000b00000000"],
        ["000000000000", "666016000000"],
    ]
    assert [drawing.text for drawing in got.drawings if drawing.text in ("N", "+", "−")] == ["N", "+", "−"]
    assert [drawing.text for drawing in wanted.drawings if drawing.text in ("N", "+", "−")] == []


def test_rows_and_columns_are_named_by_their_place_on_the_axes() -> None:
    texts = [drawing.text for drawing in pictures_of(too_large()).panels[0].drawings if drawing.tag == "text"]
    assert texts[:2] == ["0", "1"]
    assert texts[2:5] == ["4, 2", "4, 5", "5, 1"]  # the window begins at column 30 = 4 * 7 + 2


def test_what_a_map_shows_is_said_in_words() -> None:
    shown = pictures_of(too_large())
    assert [panel.words for panel in shown.panels] == [
        "torch: 2 by 12 cells between -1.5 and 2.25, 1 NaN, 1 infinity, 1 minus infinity",
        "reference: 2 by 12 cells between -1.5 and 2.25",
        "difference: 5 of 24 cells are over what is allowed, by up to 0.4274, the worst at [1, 5, 0] is framed",
        "values from -1.5, dark, to 2.25, light; N: NaN; +: infinity; −: minus infinity",
        "differences, light where they are allowed, darker up to the largest error 0.4274",
    ]
    assert shown.caption == (
        "pooled in torch, in the reference, and how far they are apart; "
        "axis 0 makes a row, axes 1 and 2 make a column, columns 31 to 42 of 77"
    )


def captions_of(record: dict[str, Any]) -> list[str]:
    return [block.caption for block in shown_values(record) if isinstance(block, Table)]


def test_few_numbers_that_the_case_states_stand_beside_those_that_differ_from_them(tmp_path: Any) -> None:
    """From the case to the page: every lane gives 5 where the case states 9."""
    cases = cases_of(STATING.partition("    claims")[0], tmp_path)
    (found,) = records_of(cases, fake("always_right"))
    stated, *given = [block for block in shown_values(found) if isinstance(block, Table)]
    assert stated.caption == "y as the case states it"
    assert stated.rows[1][2].text == "9"
    assert [grid.caption for grid in given] == ["y (2, 3) in numpy, always_right"]
    for grid in given:
        assert [cell.text for row in grid.rows for cell in row if cell.mark == "differ"] == ["5"]
    (worst,) = found["lanes"]["numpy"]["runs"][0]["y"]["worst"]
    assert (worst["index"], worst["got"], worst["reference"]) == ([1, 1], 5.0, 9.0)
    assert messages(results(found)) == []


def test_both_sides_of_a_claim_are_shown_where_they_are_few(tmp_path: Any) -> None:
    (found,) = records_of(cases_of(STATING.replace("[4, 9, 6]", "[4, 5, 6]"), tmp_path), fake("always_right"))
    assert found["lanes"]["numpy"]["findings"][0]["node"] == "y, z"
    assert captions_of(found) == ["y (2, 3) in numpy, always_right", "z (2, 3) in numpy, always_right"]


def test_shapes_stand_side_by_side_without_a_difference() -> None:
    other = {"shape": [7, 2, 11], "split": 2}
    block = {**PICTURE["block"], "row": 0, "column": 0, "reference": [[-1.5, 2.25]], "over": []}
    picture = {**PICTURE, "aspect": "shape", "column": 0, "other": other, "error": [], "block": block}
    shown = pictures_of(too_large(picture=picture))
    assert [panel.title for panel in shown.panels] == [
        "torch (2, 11, 7)",
        "reference (7, 2, 11)",
        "scale of the values",
    ]
    assert shown.caption == (
        "pooled in torch, in the reference, each by itself, on one scale; "
        "torch (2, 11, 7): axis 0 makes a row, axes 1 and 2 make a column, columns 1 to 12 of 77; "
        "reference (7, 2, 11): axes 0 and 1 make a row, axis 2 makes a column, rows 1 to 2 of 14"
    )
    *_, mine, theirs = [found for found in shown_values(too_large(picture=picture)) if isinstance(found, Table)]
    assert (mine.caption, theirs.caption) == (
        "where pooled begins: torch (2, 11, 7)",
        "where pooled begins: reference (7, 2, 11)",
    )
    assert theirs.rows[0][0].text == "[0, 0, …]"
    assert "allowed" not in case_text(too_large(picture=picture), LANE_ROWS).partition("where pooled begins")[2]
    assert messages(results(too_large(picture=picture))) == []


def test_a_picture_says_whose_the_other_side_is() -> None:
    stated = pictures_of(too_large(picture={**PICTURE, "wanted_by": "case"}))
    assert stated.panels[1].title == "stated by the case"
    assert stated.caption.startswith("pooled in torch, as the case states it, and how far they are apart; ")
    claimed = pictures_of(too_large(picture={**PICTURE, "wanted_by": "claim", "aspect": "claims", "node": "y, z"}))
    assert [panel.title for panel in claimed.panels[:2]] == ["z", "y"]
    assert claimed.caption.startswith("z and y, which the case claims to be the same, in torch, and how far they are")
    assert messages(results(too_large(picture={**PICTURE, "wanted_by": "case"}))) == []


def test_the_worst_element_is_framed_where_it_stands_and_not_where_it_is_outside() -> Any:
    def frames(record: Any) -> Any:
        drawings = pictures_of(record).panels[2].drawings
        return [dict(d.attributes) for d in drawings if dict(d.attributes).get("stroke") == "#000"]

    (frame,) = frames(too_large())
    assert (frame["x"], frame["y"]) == (12 + 5 * 12 - 1, 14 + 1 * 12 - 1)  # row 1, column 35 = 5 * 7 + 0, less 30
    assert frames(too_large(picture={**PICTURE, "column": 40})) == []
    words = pictures_of(too_large(picture={**PICTURE, "column": 40})).panels[2].words
    assert words.endswith("the worst at [1, 5, 0]")


def test_the_first_block_stands_in_numbers_with_what_is_over_marked() -> None:
    *_, block, same = [found for found in shown_values(too_large()) if isinstance(found, Table)]
    assert block.caption == "the first block of pooled that differs, in torch"
    assert same.caption == "the same block in the reference"
    assert block.head == ("", "4, 2", "4, 3", "4, 4", "4, 5")
    assert [(cell.text, cell.mark) for cell in block.rows[0]] == [
        ("[1, …]", ""), ("nan", "differ"), ("inf", "differ"), ("-inf", "differ"), ("2.25", "number"),
    ]  # fmt: skip
    assert {cell.mark for cell in same.rows[0][1:]} == {"number"}


def test_a_terminal_sees_where_it_differs() -> None:
    text = case_text(too_large(), LANE_ROWS)
    assert "    ............\n    666.16......\n" in text
    assert (
        "Difference: 5 of 24 cells are over what is allowed, by up to 0.4274, the worst at [1, 5, 0] is framed." in text
    )


def test_a_picture_costs_a_few_kilobytes_and_fits_the_format() -> None:
    rows = ["0123456789ab" * 3 + "01234567"] * 32
    largest = {**PICTURE, "shape": [2, 35, 44], "split": 2, "column": 0, "got": rows, "reference": rows, "error": rows}
    shown = pictures_of(too_large(picture=largest))
    page = Page("a", "differ", "", "", "", "", "", (Section("Values", (shown,)),))
    assert len(render_page(page)) < 12_000
    assert messages(results(too_large())) == []


def test_every_drawing_in_the_page_has_its_words() -> None:
    drawn = Reading(render(results(too_large()))).named("svg")
    assert len(drawn) == 5
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in drawn)
