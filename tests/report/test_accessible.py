"""axe-core finds no barrier on any kind of page, in light, dark and forced colours."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.report.conftest import COMPLAINTS
from tests.report.factory import differing, finding, odd, results, too_large
from tests.report.test_hostile import HOSTILE, poisoned
from tests.report.test_html import MIXED

pytestmark = pytest.mark.browser

DEVIATION = {
    "id": "other-axis",
    "kind": "upstream",
    "reason": "torch takes the other axis",
    "link": "https://example.org/1",
    "owner": "ann",
    "expires": "2027-05-01",
    "position": "deviations/pooling.yaml:3:5",
}
KNOWN = {
    **differing("torch", finding("shape", wanted=[2, 11], got=[2, 7])),
    "verdict": "known",
    "deviation": DEVIATION,
}
EVERY_KIND = results(
    *(case for case in MIXED["cases"] if case["id"] not in ("conv1d/two.error", "rnn/three.alone")),
    odd("torch", KNOWN, outcome="known", id="pooling/one.known"),
    too_large(id="pooling/one.large"),
    poisoned(HOSTILE["handler"]),
    poisoned(HOSTILE["bidi"], "agree"),
    not_run=[{"id": "conv1d/late.one", "reason": "lane keras cannot start"}],
)
IDS = [case["id"] for case in EVERY_KIND["cases"] if re.fullmatch(r"[\w/.]+", case["id"])]
PLACES = ["", "#?q=is:failing", "#no/such.case", *(f"#{case}" for case in IDS)]


COLOURS = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
"""The rules that can come out otherwise where only colours change."""


def complaints_at(page: Any, place: Any, only: Any) -> Any:
    page.evaluate("(place) => { location.hash = place; }", place)
    case = place.removeprefix("#")
    page.wait_for_selector(f'article[id="{case}"]:not([hidden])' if case in IDS else "#overview:not([hidden])")
    return [f"{place or 'overview'}: {complaint}" for complaint in page.evaluate(COMPLAINTS, only)]


@pytest.mark.parametrize("colours", ["light", "dark", "forced"])
def test_no_page_has_a_barrier(visit: Any, axe: Any, colours: Any) -> None:
    page = visit(EVERY_KIND)
    page.emulate_media(
        color_scheme="dark" if colours == "dark" else "light", forced_colors="active" if colours == "forced" else "none"
    )
    page.evaluate(axe)
    only = {} if colours == "light" else COLOURS
    found = [complaint for place in PLACES for complaint in complaints_at(page, place, only)]
    page.keyboard.press("?")
    found += [f"help: {complaint}" for complaint in page.evaluate(COMPLAINTS, only)]
    assert found == []


@pytest.mark.parametrize(
    ("spoil", "rule"),
    [
        ("document.querySelector('th[scope=col]').textContent = ''", "empty-table-header"),
        ("document.querySelector('#verdict p').style.color = '#ddd'", "color-contrast"),
        ("document.documentElement.removeAttribute('lang')", "html-has-lang"),
    ],
)
def test_a_barrier_is_found(visit: Any, axe: Any, spoil: Any, rule: Any) -> None:
    """The check itself: what is spoilt on purpose is named."""
    page = visit(EVERY_KIND)
    page.evaluate(axe)
    page.evaluate(spoil)
    assert any(complaint.split(": ")[1] == rule for complaint in complaints_at(page, "", {}))
