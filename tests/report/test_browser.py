"""The report in headless Chromium: permanent links, pages on demand, paper; no errors and no requests."""

from __future__ import annotations

import importlib
import io
import os
import re
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from conformance.report import html, view
from conformance.report.blocks import GLYPHS
from conformance.report.html import render_page
from conformance.report.pictures import ERROR_COLOURS
from tests.report.asked import page_of, render, rerun_command, verdict_text, with_baseline
from tests.report.factory import LANE_ROWS, agreeing, mask, results, too_large, wrong_shape
from tests.report.test_hostile import HOSTILE, poisoned
from tests.report.test_html import MIXED
from tests.report.test_pack import varied

pytestmark = pytest.mark.browser


DRAWN = """
(() => {
  const article = document.querySelector('article').cloneNode(true);
  article.querySelectorAll('.tools, button').forEach((added) => added.remove());
  for (const wide of article.querySelectorAll('.scroll'))
    ['tabindex', 'role', 'aria-label'].forEach((name) => wide.removeAttribute(name));
  return article.innerHTML.trim();
})()
"""
"""The page on the screen, without what the script adds for use on a screen."""
WRITTEN = "(text) => new DOMParser().parseFromString(text, 'text/html').querySelector('article').innerHTML.trim()"


ERRORS = [tuple(bytes.fromhex(colour[1:])) for colour in ERROR_COLOURS]


def shown_ids(page: Any) -> Any:
    return page.evaluate(
        "[...document.querySelectorAll('#index tbody tr:not([hidden]) a')].map((link) => link.textContent)"
    )


def shown_cases(page: Any) -> Any:
    return page.evaluate("[...document.querySelectorAll('article')].filter((a) => a.offsetParent).map((a) => a.id)")


@pytest.mark.parametrize("case", [case["id"] for case in MIXED["cases"]])
def test_every_permanent_link_shows_its_case_and_only_that(visit: Any, case: Any) -> None:
    page = visit(MIXED, f"#{case}")
    assert shown_cases(page) == [case]
    assert not page.is_visible("#overview")
    assert page.title().endswith(case)
    assert page.evaluate("document.activeElement.id") == case


def test_without_a_place_the_overview_is_shown(visit: Any) -> None:
    page = visit(MIXED)
    assert shown_cases(page) == []
    assert page.is_visible("h1")
    assert page.is_visible("#search")
    assert page.inner_text("#shown") == "6 of 6 shown"
    assert page.title().startswith("FAIL: 4 of 6 cases fail")


@pytest.mark.parametrize(
    "case", ["no/such.case", "__proto__", "constructor", "%E0%A4%A", "<img src=x onerror=alert(1)>"]
)
def test_an_unknown_case_is_said_to_be_unknown(visit: Any, case: Any) -> None:
    page = visit(MIXED, f"#{case}")
    assert page.is_visible("#unknown")
    assert page.inner_text("#unknown").startswith("There is no case ")
    assert page.is_visible("#overview")
    assert page.query_selector("#unknown img") is None


def test_a_case_may_be_called_like_what_every_object_has(visit: Any) -> None:
    found = results(*(agreeing(id=name) for name in ("__proto__", "constructor", "a b/c%d.e")))
    for name, hash in (("__proto__", "__proto__"), ("constructor", "constructor"), ("a b/c%d.e", "a%20b/c%25d.e")):
        assert shown_cases(visit(found, f"#{hash}")) == [name]


def test_links_of_the_index_and_back(visit: Any) -> None:
    page = visit(MIXED)
    page.click("#index >> text=pooling/one.fine")
    page.wait_for_selector("article:not([hidden])")
    assert shown_cases(page) == ["pooling/one.fine"]
    page.go_back()
    assert shown_cases(page) == []
    assert page.is_visible("#overview")


def test_an_unpacked_page_is_what_the_template_writes(visit: Any, monkeypatch: Any) -> None:
    """Every kind of block: the page that the script shows on demand, and the page written out."""
    source = {"kind": "docs", "reference": "https://keras.io/", "note": "a note"}
    rich = agreeing(
        id="a/rich.case", source=source, matrix={"k": 3}, remark="one\ntwo", tags=["x"], kills=["Dense.no_bias"]
    )
    rich["lanes"]["numpy"]["runs"][0]["pooled"]["mask"] = mask([[1, 0], [1, 1]])
    rich["lanes"]["keras"]["runs"][0]["pooled"]["dtype"] = "float64"
    monkeypatch.setattr(view, "MOST_DRAWN", 0)
    for case in [rich, too_large(id="a/large.case"), *MIXED["cases"]]:
        page = visit(results(case), f"#{case['id']}")
        drawn = page.evaluate(DRAWN)
        written = page.evaluate(WRITTEN, render_page(page_of(case, LANE_ROWS)))
        assert re.sub(r"(</code>)\s+", r"\1", drawn) == written


@pytest.mark.parametrize("name", [name for name in HOSTILE if name not in ("long", "lines")])
def test_hostile_cases_are_drawn_as_text(visit: Any, name: Any) -> None:
    found = results(poisoned(HOSTILE[name], "agree"), wrong_shape())
    page = visit(found)
    page.click("#index tr:last-child a")
    page.wait_for_selector("article:not([hidden])")
    assert len(shown_cases(page)) == 1
    assert (
        page.evaluate("document.querySelectorAll('article img, article svg, article script, article style').length")
        == 0
    )


def test_no_script_no_style_and_every_failure_is_there(browser: Any, tmp_path: Any) -> None:
    path = tmp_path / "report.html"
    path.write_text(render(MIXED), encoding="utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(path.as_uri())
    assert page.is_visible("text=Not settled: timeout: keras: no answer within 60 s.")
    assert page.evaluate("1") == 1
    assert len(page.query_selector_all("article")) == 4
    assert all(article.is_visible() for article in page.query_selector_all("article"))
    assert not page.is_visible("#search")
    context.close()


def squeezed(text: Any) -> Any:
    """Text without blanks and ligatures: paper breaks lines and joins letters as it wants."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def test_a_printed_report_has_all_failures(visit: Any) -> None:
    pypdf = pytest.importorskip("pypdf") if not os.environ.get("CI") else importlib.import_module("pypdf")
    page = visit(MIXED)
    page.emulate_media(media="print")
    assert shown_cases(page) == ["rnn/slow.loop", "conv1d/two.error", "pooling/one.shape", "conv1d/two.values"]
    assert not page.is_visible("#search")
    paper = pypdf.PdfReader(io.BytesIO(page.pdf(format="A4")))
    text = squeezed("".join(sheet.extract_text() for sheet in paper.pages))
    for case in MIXED["cases"]:
        assert squeezed(f"{GLYPHS[case['outcome']]} {case['outcome']} {case['id']}") in text
    for record in MIXED["cases"][1:5]:
        lane = next(name for name, held in record["lanes"].items() if held["verdict"] not in ("agree", "unsupported"))
        assert text.count(squeezed(verdict_text(record, lane))) >= 3, record["id"]  # cause, index, and the case's page
        assert squeezed(rerun_command(record)) in text
    assert squeezed("pytest cases --results reports/results.json") in text


def test_paper_shows_every_column(visit: Any) -> None:
    """What is wider than the paper is cut off: there is nothing to scroll."""
    found = with_baseline(results(*MIXED["cases"], too_large(id="a/large.case")), results(agreeing(id="a/large.case")))
    page = visit(found, size=(718, 1000))  # A4 less its margins
    page.emulate_media(media="print")
    assert len(shown_cases(page)) == 5
    wide = "[...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > 718.5)"
    assert page.evaluate(f"{wide}.map((element) => element.outerHTML.slice(0, 200))") == []


def test_a_report_printed_from_a_case_has_that_case(visit: Any) -> None:
    page = visit(MIXED, "#pooling/one.fine")
    page.emulate_media(media="print")
    assert shown_cases(page) == ["pooling/one.fine"]
    assert not page.is_visible("#bar")


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("hash", ["", "#pooling/one.shape", "#pooling/one.fine"])
def test_nothing_is_wider_than_the_window(visit: Any, width: Any, hash: Any) -> None:
    page = visit(MIXED, hash, (width, 800))
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_ten_thousand_cases_fit_in_a_file_and_are_found_in_it(visit: Any, tmp_path: Path) -> None:
    """Seconds are measured in benchmarks, on a quiet machine; here it must only not hang."""
    found = results(*varied(9_999), wrong_shape(id="conv1d/the.one"))
    page = visit(found, "#?q=is:failing")
    size = (tmp_path / "report.html").stat().st_size
    assert size < 12_000_000
    assert (size - len(render(results(found["cases"][-1])).encode())) / 9_999 <= 1_024
    assert shown_ids(page) == ["conv1d/the.one"]
    page.fill("#query", "steps_42-n_3146 layer:Embedding status:agree")
    assert shown_ids(page) == ["pooling/global_average.channels_first-steps_42-n_3146"]
    page.click("#index tr:not([hidden]) a")
    page.wait_for_selector("article:not([hidden])")
    assert shown_cases(page) == ["pooling/global_average.channels_first-steps_42-n_3146"]


def test_a_case_without_a_page_is_found_in_the_index(visit: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(html, "LARGEST", 10)
    page = visit(MIXED, "#pooling/one.fine")
    assert page.is_visible("#overview")
    assert not page.is_visible("#unknown")
    assert page.evaluate("document.querySelector(':target').querySelector('a').textContent") == "pooling/one.fine"
    page.fill("#query", "one.fine")
    assert shown_ids(page) == ["pooling/one.fine"]


def test_of_two_places_gone_to_at_once_the_last_is_shown(visit: Any) -> None:
    page = visit(MIXED)
    page.evaluate("location.hash = '#rnn/three.alone'; location.hash = '#pooling/one.fine'")
    page.wait_for_selector('article[id="pooling/one.fine"]:not([hidden])')
    page.evaluate("new Promise((resolve) => setTimeout(resolve, 100))")
    assert shown_cases(page) == ["pooling/one.fine"]


def test_a_browser_that_cannot_unpack_pages_shows_the_rows_and_says_so(visit: Any) -> None:
    page = visit(MIXED)
    page.add_init_script("delete window.DecompressionStream")
    page.evaluate("location.hash = '#pooling/one.fine'")
    page.reload()
    page.wait_for_selector("#unknown:not([hidden])")
    assert page.inner_text("#unknown") == "This browser is too old to unpack the page of pooling/one.fine."
    assert "pooling/one.fine" in shown_ids(page)
    page.fill("#query", "one.shape")
    page.click("#index tbody tr:not([hidden]) a")
    page.wait_for_selector("article:not([hidden])")
    assert shown_cases(page) == ["pooling/one.shape"]


PARTS = "[...document.querySelectorAll('.part:not([hidden])')]"


def test_of_the_parts_that_are_shown_the_first_has_the_heads_of_the_columns(visit: Any) -> None:
    page = visit(MIXED)
    for query, count in (("", 5), ("two", 2), ("status:agree", 1)):
        page.fill("#query", query)
        heights = page.evaluate(f"{PARTS}.map((part) => part.querySelector('thead').offsetHeight)")
        assert len(heights) == count
        assert heights[0] > 20
        assert all(height < 3 for height in heights[1:])


def test_the_title_of_a_part_is_one_line_on_a_narrow_screen(visit: Any) -> None:
    page = visit(MIXED, size=(400, 800))
    heights = page.evaluate(f"{PARTS}.map((part) => part.querySelector('caption').offsetHeight)")
    assert 10 < max(heights) < 60


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_maps_and_scales_keep_their_colours_where_colours_are_forced_and_their_words_follow(
    visit: Any, scheme: Any
) -> None:
    page = visit(results(too_large()), "#pooling/global_average.channels_first")
    page.emulate_media(color_scheme=scheme, forced_colors="active")
    colours = "[...document.querySelectorAll('svg text')].map((text) => getComputedStyle(text).fill)"
    around = page.evaluate("getComputedStyle(document.querySelector('figcaption')).color")
    assert set(page.evaluate(colours)) == {around}
    scale = "[...document.querySelectorAll('figure:last-child rect')].map((rect) => getComputedStyle(rect).fill)"
    assert page.evaluate(scale) == [*(f"rgb({red}, {green}, {blue})" for red, green, blue in ERRORS), "none"]


def test_an_empty_report_opens(visit: Any) -> None:
    page = visit(results())
    assert page.inner_text("#shown") == "0 of 0 shown"
    page.keyboard.press("j")
    assert "There are no cases" in page.inner_text("main")
