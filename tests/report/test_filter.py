"""The report's filter and keys in headless Chromium: what is found, how it is combined, and where a key leads."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.report.factory import differing, finding, mask, odd, results
from tests.report.test_browser import shown_cases, shown_ids
from tests.report.test_html import MIXED

pytestmark = pytest.mark.browser


def known_mask(**given: Any) -> Any:
    """torch has another mask, and that is known."""
    found = finding("mask", wanted=None, got=mask([1, 1, 0]))
    deviation = dict.fromkeys(("id", "kind", "reason", "link", "owner", "position"), "other-axis") | {
        "expires": "2027-05-01"
    }
    held = {**differing("torch", found), "verdict": "known", "deviation": deviation}
    return odd("torch", held, found, outcome="known", layers=["Conv1D"], **given)


SAID = {"verdict": "agree", "answer": "none", "known": ""}
MOVED = {
    "case": "conv1d/one.recurrent",
    "note": "",
    "lane": "torch",
    "section": "fixed",
    "aspect": "mask",
    "node": "y",
    "old": SAID,
    "new": SAID,
    "moved": [],
}
EVERY_WORD = results(
    *MIXED["cases"],
    known_mask(id="conv1d/one.known", tags=["mask"]),
    {**known_mask(id="conv1d/one.recurrent"), "changed": [MOVED]},
)


@pytest.mark.parametrize(
    ("query", "ids"),
    [
        ("two", ["conv1d/two.error", "conv1d/two.values"]),
        ("two -error", ["conv1d/two.values"]),
        ('"two.v"', ["conv1d/two.values"]),
        ("status:timeout", ["rnn/slow.loop"]),
        ("status:agree", ["pooling/one.fine"]),
        ("layer:gru", ["rnn/three.alone"]),
        ("layer:gr", []),
        ("aspect:values", ["conv1d/two.values"]),
        ("lane:keras", ["rnn/slow.loop", "conv1d/two.values"]),
        ("question:10", ["conv1d/two.values"]),
        ("is:failing -is:different", []),
        ("-is:failing", ["rnn/three.alone", "pooling/one.fine"]),
        ("vector per sentence", [case["id"] for case in MIXED["cases"]]),
        ("(2, 11)", None),
        ("zzz", []),
        ('unclosed "quote', []),
        ("-", None),
    ],
)
def test_the_filter_finds(visit: Any, query: Any, ids: Any) -> None:
    page = visit(MIXED)
    page.fill("#query", query)
    found = shown_ids(page)
    if ids is not None:
        assert sorted(found) == sorted(ids)
    assert page.inner_text("#shown") == f"{len(found)} of 6 shown"


def test_the_filter_stands_in_the_address_and_bounds_next_and_previous(visit: Any) -> None:
    from playwright.sync_api import expect

    page = visit(MIXED)
    page.fill("#query", "two")
    assert page.evaluate("location.hash") == "#?q=two"
    page = visit(MIXED, "#?q=two")
    assert page.input_value("#query") == "two"
    assert len(shown_ids(page)) == 2
    page.click("#index >> text=conv1d/two.error")
    assert page.inner_text("#place") == "1 of 2 for two"
    page.keyboard.press("j")
    expect(page).to_have_title(re.compile("conv1d/two.values$"))
    assert page.get_attribute("#next", "href") is None
    page.keyboard.press("k")
    expect(page).to_have_title(re.compile("conv1d/two.error$"))
    page.keyboard.press("Escape")
    page.wait_for_selector("#overview", state="visible")
    assert page.evaluate("location.hash") == "#?q=two"
    assert len(shown_ids(page)) == 2


def test_keys_lead_to_the_filter_and_to_what_fails(visit: Any) -> None:
    from playwright.sync_api import expect

    page = visit(MIXED, "#pooling/one.fine")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "query"
    page.keyboard.type("jf/")
    assert page.input_value("#query") == "jf/"
    page.keyboard.press("Escape")
    page.keyboard.press("f")
    expect(page.locator("#query")).to_have_value("is:failing")
    assert len(shown_ids(page)) == 4
    page.keyboard.press("f")
    expect(page.locator("#query")).to_have_value("")
    assert len(shown_ids(page)) == 6
    page.keyboard.press("Control+j")
    assert shown_cases(page) == []


def test_help_is_a_key_away_and_holds_the_other_keys_back(visit: Any) -> None:
    page = visit(MIXED)
    assert not page.is_visible("#help")
    page.keyboard.press("?")
    assert page.is_visible("#help")
    for words in ("only what fails", "status:known", "lane:torch", "aspect:mask", "layer:Conv1D", "is:different"):
        assert words in page.inner_text("#help")
    page.keyboard.press("j")
    page.keyboard.press("f")
    assert shown_cases(page) == []
    assert page.evaluate("location.hash") == ""
    page.keyboard.press("Escape")
    assert not page.is_visible("#help")
    page.click("#ask")
    page.keyboard.press("?")
    assert not page.is_visible("#help")
    page.click("#ask")
    page.click("#close")
    assert not page.is_visible("#help")


def test_every_filter_word_of_the_help_filters(visit: Any) -> None:
    """A word that the script did not know would be looked for as text, and find nothing."""
    page = visit(EVERY_WORD)
    page.keyboard.press("?")
    words = page.evaluate("[...document.querySelectorAll('#help table:last-child kbd')].map((kbd) => kbd.textContent)")
    page.keyboard.press("Escape")
    assert len(words) == 15
    for word in words:
        page.fill("#query", word.replace("NAME", "other-axis"))
        assert shown_ids(page) != [], word


def test_tokens_and_words_are_combined(visit: Any) -> None:
    page = visit(EVERY_WORD)
    page.fill("#query", 'lane:torch aspect:mask layer:Conv1D is:different status:known -recurrent "per sentence"')
    assert shown_ids(page) == ["conv1d/one.known"]
    page.fill("#query", 'lane:torch aspect:mask layer:Conv1D is:different status:known recurrent "per sentence"')
    assert shown_ids(page) == ["conv1d/one.recurrent"]
