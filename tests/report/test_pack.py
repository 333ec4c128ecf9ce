"""Pages that travel packed and are drawn on demand: their order, what a case costs, what a large report leaves out."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from conformance.report import html, view
from conformance.report.html import render_page
from conformance.report.pack import PAGES, deflated, inflated, packed
from tests.report.asked import page_of, render, rendered
from tests.report.factory import (
    LANE_ROWS,
    agreeing,
    mask,
    results,
)
from tests.report.test_html import FULL, MIXED, Reading


def test_passing_pages_travel_as_data_and_failing_ones_as_html() -> None:
    reading = Reading(render(MIXED))
    articles = [attributes["id"] for attributes in reading.named("article")]
    assert articles == ["rnn/slow.loop", "conv1d/two.error", "pooling/one.shape", "conv1d/two.values"]
    data = json.loads(reading.inside["script"][0])
    assert [name for name, _ in inflated(data["found"])] == ["rnn/three.alone", "pooling/one.fine"]
    assert len(data["parts"]) == 1


def test_failing_pages_beyond_the_limit_are_drawn_on_demand_and_that_is_said(monkeypatch: Any) -> None:
    monkeypatch.setattr(view, "MOST_DRAWN", 2)
    reading = Reading(render(MIXED))
    assert len(reading.named("article")) == 2
    assert "2 failing pages are drawn on demand" in reading.text
    assert "✗ differ conv1d/two.values" in reading.text


def test_packed_pages_stand_in_order_each_in_the_part_of_its_number() -> None:
    pages = [page_of(case, LANE_ROWS) for case in varied(2 * PAGES + 3)]
    written = [render_page(page) for page in pages]
    data = packed([(page.id, page.question, text) for page, text in zip(pages, written, strict=True)])
    assert [len(inflated(part)) for part in data["parts"]] == [PAGES, PAGES, 3]
    every = [page for part in data["parts"] for page in inflated(part)]
    assert every == written
    assert inflated(data["found"]) == [[page.id, page.question] for page in pages]


def test_what_is_packed_is_no_markup_and_the_same_each_time() -> None:
    page = ("</script>", "<!-- \u2028", "<article></article>")
    assert set("".join(packed([page])["parts"])) <= set(string.ascii_letters + string.digits + "+/=")
    assert packed([page]) == packed([page])
    assert inflated(deflated(["\U0001f600", None])) == ["\U0001f600", None]


def varied(count: Any) -> Iterator[Any]:
    """So many passing cases, each with an id, a question, a text, sizes, distances and numbers of its own."""
    for number in range(count):
        steps = 11 + number % 89
        found = agreeing(
            id=f"pooling/global_average.channels_first-steps_{steps}-n_{number}",
            question=f"One number per word, or one vector per sentence, for {number} sentences?",
            dims=[{"batch": 2, "steps": steps, "dim": 7}],
            text=f"id: n_{number}\nquestion: One per word?\ninputs:\n  ids: {{shape: [2, {steps}], seed: {number}}}\n",
        )
        numbers = [[round((7 * number + 13 * row + column) % 97 / 9, 6) for column in range(steps)] for row in range(2)]
        for item in found["pairs"]:
            item["largest"] *= 1 + number / count
            item["used"] = (number % 97) / 97
        for held in found["lanes"].values():
            held["used"] = (number % 83) / 83
            for given in held["runs"][0].values():
                given["shape"] = [steps if length == 11 else length for length in given["shape"]]
                given["values"] = numbers if given["shape"] == [2, steps] and steps <= 32 else None
        yield found


@pytest.mark.parametrize("count", [100, 1_000])  # of 10,000 see test_browser
def test_a_passing_case_costs_at_most_a_kilobyte_in_a_report_of_any_size(count: int) -> None:
    size, empty = (len(render(results(*varied(number))).encode()) for number in (count, 0))
    assert (size - empty) / count <= 1_024


def test_nothing_is_left_out_of_a_page_that_passes() -> None:
    """Arrays, gradients, masks and YAML are there at every size."""
    case = agreeing(text="id: channels_first\nquestion: is this text here?\n")
    case["lanes"]["numpy"]["runs"][0]["pooled"]["mask"] = mask([[1, 0], [1, 1]])
    data = json.loads(Reading(render(results(*varied(300), case))).inside["script"][0])
    words = Reading(inflated(data["parts"][-1])[-1]).text
    for said in ("is this text here?", "pooled (2, 11) in numpy", "mask of pooled in numpy"):
        assert said in words


def test_data_in_a_script_element_cannot_end_it() -> None:
    assert html.island(["</script>", "\u2028", "<!--"]) == '["\\u003c/script>","\\u2028","\\u003c!--"]'


@pytest.mark.parametrize(
    ("largest", "left_out", "pages"),
    [
        (10_000_000, "", 6),
        (FULL - 1, "Arrays, gradients and YAML of passing cases are left out", 6),
        (FULL - 2_000, "Arrays, heat maps, gradients and YAML are left out, of failing cases too", 6),
        (10, "Pages of passing cases are left out, and arrays, heat maps, gradients and YAML of failing ones", 4),
    ],
)
def test_a_report_that_would_be_too_large_leaves_out_more_and_says_so(
    monkeypatch: Any, largest: int, left_out: str, pages: int
) -> None:
    monkeypatch.setattr(html, "LARGEST", largest)
    made = rendered(MIXED)
    reading = Reading(made.text)
    assert not left_out or f"{left_out}, to keep this file small" in reading.text
    assert len(inflated(json.loads(reading.inside["script"][0])["found"])) + len(reading.named("article")) == pages
    for case in MIXED["cases"]:
        assert case["id"] in reading.text
    assert "✗ differ conv1d/two.values Not settled: values of pooled" in reading.text
    assert ("it says at its top what is left out" in made.remark) == bool(left_out)
    assert ("split the run with --shard" in made.remark) == (largest == 10)


def test_a_large_report_is_said_to_be_large_where_it_is_written(monkeypatch: Any, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(MIXED), encoding="utf-8")
    arguments = ["report", str(path), "-o", str(tmp_path / "report.html")]
    assert main(arguments) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(html, "LARGE", 1_000)
    assert main(arguments) == 0
    assert re.fullmatch(r"conformance: the report has 0\.\d MB\n", capsys.readouterr().err)


def test_the_limits_are_those_that_are_promised() -> None:
    assert (html.LARGE, html.LARGEST) == (10_000_000, 25_000_000)
