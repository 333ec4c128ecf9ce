"""The first screen: verdict, filter, chips and the grid of families by lanes, all before what agrees."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.report.grid import WORDS
from tests.report.asked import filter_of, grid_of, render, slowest_of
from tests.report.factory import LANE_ROWS, agreeing, results
from tests.report.test_browser import shown_ids
from tests.report.test_filter import EVERY_WORD
from tests.report.test_html import MIXED, Reading

CELLS = """
Object.fromEntries([...document.querySelectorAll('[data-family]:not([hidden])')].map((row) => [
  row.dataset.family,
  [...row.querySelectorAll('[data-lane]:not([hidden])')].map((a) => `${a.dataset.lane} ${a.textContent.trim()}`),
]))
"""
CHIPS = """
[...document.querySelectorAll('#chips li:not([hidden]) button')].map((chip) => chip.textContent.replace(/\\s+/g, ' '))
"""


def many(count: int) -> Any:
    return results(*(agreeing(id=f"family_{number}/a.one") for number in range(count)), *MIXED["cases"])


def test_the_filter_stands_before_the_grid_and_that_before_all_else() -> None:
    page = render(MIXED)
    places = [
        page.index(f'id="{name}"')
        for name in ("verdict", "search", "chips", "families-title", "failures-title", "index-title", "slowest-title")
    ]
    assert places == sorted(places)
    last = [page.index(f'id="{name}"') for name in ("lanes-title", "question-title", "layer-title", "made-title")]
    assert last == sorted(last)
    assert places[-1] < last[0]


def test_what_is_known_to_differ_stands_before_what_agrees() -> None:
    page = render(EVERY_WORD)
    index = page[page.index('<div id="index">') :]
    assert index.index("conv1d/one.known") < index.index("pooling/one.fine")


def test_the_grid_has_a_cell_for_every_family_and_lane() -> None:
    grid = grid_of(MIXED["cases"], MIXED["lanes"])
    assert grid.lanes == ("keras", "torch", "numpy")
    found = {
        family.name: [[(mark.state, mark.count) for mark in marks] for marks in family.marks]
        for family in grid.families
    }
    assert found["pooling"] == [[("agree", 2)], [("differ", 1), ("agree", 1)], [("agree", 2)]]
    assert found["rnn"] == [[("timeout", 1)], [("unsupported", 1), ("agree", 1)], [("agree", 2)]]
    pooling = grid.families[1]
    assert [mark.href for mark in pooling.marks[1]] == [
        "#?q=family:pooling%20lane:torch=differ",
        "#?q=family:pooling%20-lane:torch",
    ]


def test_many_families_stand_in_two_tables_unless_there_are_many_lanes() -> None:
    assert len(grid_of(many(9)["cases"], LANE_ROWS).columns) == 2
    assert len(grid_of(many(2)["cases"], LANE_ROWS).columns) == 1
    wide = [{**LANE_ROWS[0], "name": f"keras{number}"} for number in range(6)]
    assert len(grid_of(many(9)["cases"], wide).columns) == 1


def test_chips_name_what_the_cases_show_and_nothing_else() -> None:
    chips = {chip.query: chip.count for chip in filter_of(MIXED["cases"]).chips}
    assert chips["status:differ"] == 2
    assert chips["is:failing"] == 4
    assert chips["lane:torch"] == 3
    assert "is:changed" not in chips
    assert {chip.query for chip in filter_of([agreeing()]).chips} == {"status:agree"}


def test_every_filter_word_of_the_script_is_explained() -> None:
    from conformance.report.html import static

    script = static("page.js")
    keys = script[script.index("new Set([") : script.index("])", script.index("new Set(["))]
    explained = {word.text.lstrip("-").partition(":")[0] for word in WORDS if ":" in word.text}
    assert {key.strip('"') for key in keys.removeprefix("new Set([").split(", ")} == explained | {"section"}


def test_the_slowest_cases_are_told_slowest_first() -> None:
    fast, slow = agreeing(id="a/a.fast"), agreeing(id="a/a.slow")
    for record, seconds in ((fast, 0.01), (slow, 2.5)):
        for held in record["lanes"].values():
            held["seconds"] = seconds
    found = slowest_of([fast, slow], LANE_ROWS)
    assert [row.id for row in found.rows] == ["a/a.slow", "a/a.fast"]
    assert found.rows[0].cells == ("2.5 s", "2.5 s", "2.5 s", "7.5 s")
    assert found.rows[1].cells == ("10 ms", "10 ms", "10 ms", "30 ms")
    assert "Slowest" in Reading(render(results(fast, slow))).text
    assert "Slowest" not in Reading(render(results())).text


@pytest.mark.browser
def test_the_first_screen_holds_verdict_filter_and_grid(visit: Any) -> None:
    page = visit(many(20), size=(1280, 900))
    for name in ("h1", "#query", "#chips", ".families"):
        box = page.locator(name).first.bounding_box()
        assert box is not None
        assert box["y"] + min(box["height"], 300) <= 900, name


@pytest.mark.browser
def test_a_cell_leads_to_its_cases_and_counts_follow(visit: Any) -> None:
    page = visit(MIXED)
    assert page.evaluate(CELLS)["pooling"] == [
        "keras ✓ 2 agree",
        "torch ✗ 1 differ",
        "torch ✓ 1 agree",
        "numpy ✓ 2 agree",
    ]
    page.click('[data-family="pooling"] [data-lane="torch"].differ')
    page.wait_for_selector("#overview.filtered")
    assert shown_ids(page) == ["pooling/one.shape"]
    assert page.evaluate(CELLS) == {"pooling": ["keras ✓ 1 agree", "torch ✗ 1 differ", "numpy ✓ 1 agree"]}
    assert page.input_value("#query") == "family:pooling lane:torch=differ"
    assert not page.is_visible("#failures-title")
    assert page.is_visible("#index-title")
    assert "differ: 2; 1 shown" in page.inner_text("#index")
    page.go_back()
    page.wait_for_selector("#overview:not(.filtered)")
    assert page.is_visible("#failures-title")


@pytest.mark.browser
def test_a_chip_is_added_to_the_filter_and_taken_out_again(visit: Any) -> None:
    page = visit(MIXED)
    assert "✗ differ 2" in page.evaluate(CHIPS)
    page.fill("#query", "conv1d")
    assert "✗ differ 1" in page.evaluate(CHIPS)
    page.click('#chips [data-query="status:differ"]')
    page.wait_for_function("document.querySelector('#query').value === 'conv1d status:differ'")
    assert shown_ids(page) == ["conv1d/two.values"]
    assert page.get_attribute('#chips [data-query="status:differ"]', "aria-pressed") == "true"
    page.focus('#chips [data-query="status:differ"]')
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('#query').value === 'conv1d'")
    assert len(shown_ids(page)) == 2


@pytest.mark.browser
def test_where_nothing_is_found_the_page_says_which_word_is_to_blame(visit: Any) -> None:
    page = visit(MIXED)
    page.fill("#query", "two zzz")
    said = page.inner_text("#nothing")
    assert said.startswith("No case has all of this: two zzz.")
    assert "2 without zzz" in said
    page.click("#nothing >> text=2 without zzz")
    page.wait_for_function("document.querySelector('#query').value === 'two'")
    assert not page.is_visible("#nothing")
    page.fill("#query", "laen:torch")
    assert "laen: is no filter word; ? lists them." in page.inner_text("#nothing")
    page.click("#nothing >> text=All cases")
    page.wait_for_function("document.querySelector('#query').value === ''")
    assert len(shown_ids(page)) == 6


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1280, 900), (400, 700)])
def test_an_unknown_id_is_said_in_view_with_the_nearest(visit: Any, size: Any) -> None:
    page = visit(many(30), "#pooling/one.shpae", size)
    box = page.locator("#unknown").bounding_box()
    assert box is not None
    assert 0 <= box["y"] < size[1] - box["height"]
    assert page.inner_text("#unknown").startswith("There is no case pooling/one.shpae in this report. Nearest:")
    page.click("#unknown >> text=pooling/one.shape")
    page.wait_for_selector('article[id="pooling/one.shape"]:not([hidden])')
    assert not page.is_visible("#unknown")


@pytest.mark.browser
def test_a_table_that_goes_on_shows_it_and_is_scrolled_by_keyboard(visit: Any) -> None:
    page = visit(MIXED, "#pooling/one.shape", (400, 800))
    wide = page.locator("article .scroll.goes-on").first
    assert wide.count() == 1
    assert wide.evaluate("(box) => getComputedStyle(box).borderRightStyle") == "dotted"
    assert wide.get_attribute("tabindex") == "0"
    wide.focus()
    page.keyboard.press("End")
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("document.querySelector('article .scroll.came-from') !== null")
    page.set_viewport_size({"width": 1600, "height": 800})
    page.reload()
    page.wait_for_selector("article:not([hidden])")
    assert page.locator("article .scroll.goes-on").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("width", [400, 1280])
def test_the_grid_fits_the_window_or_shows_that_it_goes_on(visit: Any, width: int) -> None:
    page = visit(many(20), size=(width, 800))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = "[...document.querySelectorAll('.grids .scroll')].filter((box) => box.scrollWidth > box.clientWidth + 1)"
    assert page.evaluate(f"{cut}.every((box) => box.classList.contains('goes-on'))")
