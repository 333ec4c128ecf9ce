"""What is kept of large arrays: levels, marks, windows and the first block, on numbers that can be told by looking."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.case.model import Demands
from conformance.judge.verdict import Distance, Finding
from conformance.lanes.observation import Node, Observation, Output
from conformance.pictures import error_levels, picture_of, value_levels
from conformance.report.blocks import Page, Pictures, Section, Table, page_lists
from conformance.report.html import render
from conformance.report.page import page_of
from conformance.report.text import case_text
from tests.builders import POOLED, cases_of, fake, records_of
from tests.report.factory import LANE_ROWS, PICTURE, results, too_large
from tests.report.test_html import Reading
from tests.report.test_schema import messages

CASE: Any = SimpleNamespace(demands=Demands(), budget_scale=1.0)


def observed(lane: str, values: Any, name: str = "y", **given: Any) -> Observation:
    array = np.array(values)
    output = Output(array.shape, str(array.dtype), array, None, np.zeros(array.shape))
    return Observation(lane, runs=({name: Node(None, (output,))},), **given)


def drawn(got: Any, wanted: Any, finding: Finding | None = None, small: int = 4) -> dict[str, Any] | None:
    found = finding or Finding("values", "values", "y", distance=Distance(2.0, 1, 6, 1.0))
    return picture_of(CASE, found, observed("torch", got), observed("numpy", wanted), small)


def test_levels_part_the_range_evenly_and_marks_stand_for_what_has_none() -> None:
    values = np.array([[0.0, 0.99, 1.0, 11.99, 12.0], [np.nan, np.inf, -np.inf, 6.0, -1.0]])
    assert value_levels(values, 0.0, 12.0) == ["001bb", "n+-60"]


def test_a_range_of_one_value_is_one_level() -> None:
    assert value_levels(np.array([[3.0, 3.0]]), 3.0, 3.0) == ["00"]


def test_errors_are_levels_in_sixths_of_the_largest_where_they_are_not_allowed() -> None:
    error = np.array([[0.0, 0.01, 0.01, 1.0, 1.1, 5.9, 6.0, np.inf]])
    over = np.array([[False, False, True, True, True, True, True, True]])
    assert error_levels(error, over, 6.0) == ["00112666"]


def test_errors_of_which_none_is_finite_are_as_large_as_can_be() -> None:
    assert error_levels(np.array([[0.0, np.inf]]), np.array([[False, True]]), 0.0) == ["06"]


def test_an_array_is_laid_out_near_a_square_and_its_first_block_begins_where_it_first_differs() -> None:
    wanted = np.arange(24.0).reshape(2, 3, 4)
    got = wanted.copy()
    got[1, 0, 2] = 99.0
    found = drawn(got, wanted)
    assert found is not None
    assert (found["shape"], found["split"]) == ([2, 3, 4], 2)  # 6 rows of 4, nearer to a square than 2 rows of 12
    assert found["error"] == ["0000", "0000", "0000", "0060", "0000", "0000"]
    assert found["largest"] == 85.0
    assert found["block"] == {
        "row": 3,
        "column": 2,
        "got": [[99.0, 15.0], [18.0, 19.0], [22.0, 23.0]],
        "reference": [[14.0, 15.0], [18.0, 19.0], [22.0, 23.0]],
        "over": ["10", "00", "00"],
    }
    assert (found["low"], found["high"]) == (0.0, 99.0)
    assert found["reference"][5] == "2222"  # 20 to 23 of 99, in twelfths
    assert found["got"][3] == "11b1"


def test_a_large_array_is_cut_to_a_window_around_the_worst_element() -> None:
    wanted = np.zeros((100, 100))
    got = wanted.copy()
    got[60, 99] = 1.0
    found = drawn(got, wanted)
    assert found is not None
    assert (found["row"], found["column"]) == (44, 56)
    assert (len(found["error"]), len(found["error"][0])) == (32, 44)
    assert found["error"][60 - 44][99 - 56] == "6"
    assert sum(line.count("6") for line in found["error"]) == 1


def test_what_is_finite_on_one_side_only_is_as_far_as_can_be() -> None:
    wanted = np.array([[1.0, 2.0, np.nan], [np.inf, 5.0, 6.0]])
    got = np.array([[1.0, np.nan, np.nan], [-np.inf, 5.0, 6.0]])
    found = drawn(got, wanted, Finding("special", "special", "y"))
    assert found is not None
    assert found["error"] == ["060", "600"]
    assert found["got"][0] == "0nn"
    assert (found["got"][1][0], found["reference"][1][0]) == ("-", "+")


def test_masks_are_drawn_too() -> None:
    got, wanted = np.ones((2, 4), bool), np.ones((2, 4), bool)
    got[1, 2:] = False
    found = drawn(np.zeros(8), np.zeros(8), Finding("mask", "mask", "y", wanted=wanted, got=got))
    assert found is not None
    assert found["aspect"] == "mask"
    assert (found["got"], found["reference"]) == (["bbbb", "bb00"], ["bbbb", "bbbb"])
    assert found["error"] == ["0000", "0066"]


def test_gradients_are_drawn_too() -> None:
    wanted = Output((2, 3), "float64", np.ones((2, 3)), None)
    got = Output((2, 3), "float32", np.array([[1.0, 1.0, 1.0], [1.0, 1.5, 1.0]]), None)
    finding = Finding("gradient", "values", "dense.kernel")
    torch, numpy = (Observation(n, gradients={"dense.kernel": g}) for n, g in (("torch", got), ("numpy", wanted)))
    found = picture_of(CASE, finding, torch, numpy, 4)
    assert found is not None
    assert found["error"] == ["000", "060"]  # 0.5 where 64 (u + 64 u) = 2.5e-4 is allowed


@pytest.mark.parametrize(
    ("got", "wanted", "finding"),
    [
        (np.zeros(4), np.ones(4), None),
        (np.zeros((2, 3)), np.ones((3, 2)), None),
        (np.zeros(6), np.ones(6), Finding("values", "values", "y", wanted_by="case")),
        (np.zeros(6), np.ones(6), Finding("shape", "shape", "y")),
        (np.zeros(6), np.ones(6), Finding("mask", "mask", "y", wanted=np.ones(6), got=None)),
        (np.array(["a"] * 6), np.array(["b"] * 6), None),
    ],
    ids=["few", "other shapes", "the case's own", "no numbers", "no mask", "text"],
)
def test_of_some_differences_there_is_no_picture(got: Any, wanted: Any, finding: Any) -> None:
    assert drawn(got, wanted, finding) is None


def test_only_a_lane_that_differs_has_a_picture(tmp_path: Any) -> None:
    larger = POOLED.replace("dim: 3}", "dim: 37}")
    (record,) = records_of(cases_of(larger, tmp_path), fake("always_wrong"), fake("always_right"))
    assert "picture" not in record["lanes"]["always_right"]
    assert "picture" not in record["lanes"]["numpy"]
    picture = record["lanes"]["always_wrong"]["picture"]
    assert picture["node"] == record["lanes"]["always_wrong"]["findings"][0]["node"]
    assert picture["shape"] == [2, 5, 37]
    assert set("".join(picture["error"])) - {"0"}


# ---- as the report shows them


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
    lists = json.dumps(page_lists(Page("a", "differ", "", "", "", "", "", (Section("Values", (shown,)),))))
    assert len(lists) < 12_000
    assert messages(results(too_large())) == []


def test_every_drawing_in_the_page_has_its_words() -> None:
    drawn = Reading(render(results(too_large()))).named("svg")
    assert len(drawn) == 5
    assert all(attributes["role"] == "img" and attributes["aria-label"] for attributes in drawn)


def test_what_a_policy_allows_is_not_drawn_as_an_error() -> None:
    """One rounding to bfloat16, 2^-9 of 1, is far over a float32 budget and well inside that of bfloat16."""
    wanted = [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    got = [[1.0 + 2.0**-9, 1.0, 1.0], [1.0, 1.0, 9.0]]
    reference = observed("numpy", wanted)
    node = reference.runs[0]["y"]
    half = replace(node, outputs=tuple(replace(output, precision="bfloat16") for output in node.outputs))
    finding = Finding("values", "values", "y", distance=Distance(2.0, 1, 6, 1.0))
    as_float32 = picture_of(CASE, finding, observed("keras", got), reference, 4)
    as_bfloat16 = picture_of(CASE, finding, observed("keras", got), replace(reference, runs=({"y": half},)), 4)
    assert as_float32 is not None
    assert as_bfloat16 is not None
    assert as_float32["error"] == ["100", "006"]
    assert as_bfloat16["error"] == ["000", "006"]
