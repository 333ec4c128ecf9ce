"""Pages on a narrow screen: no heading of a table is cut off, and a gate's rows are read from top to bottom."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.gate.page import html
from tests.gate.asked import html as matrix_page
from tests.gate.builders import CASE, OTHER, results_of
from tests.gate.test_matrix import LANES, several
from tests.report.asked import diff, matrix
from tests.report.test_html import MIXED

pytestmark = pytest.mark.browser

CUT = """
[...document.querySelectorAll('.scroll')].filter((box) => box.offsetParent).flatMap((box) => {
  const caption = box.querySelector('caption');
  if (!caption) return [];
  const words = document.createRange();
  words.selectNodeContents(caption);
  return words.getBoundingClientRect().right > box.getBoundingClientRect().right + 1 ? [caption.textContent] : [];
})
"""
"""The captions whose words reach farther than what is seen of their table."""
PLACES = """
[...document.querySelectorAll('.index.pairs tbody tr')].map((row) => [...row.children].map((cell) => {
  const box = cell.getBoundingClientRect();
  return [box.left, box.width];
}))
"""


@pytest.mark.parametrize("width", [400, 800, 1400])
@pytest.mark.parametrize("hash", ["", "#pooling/one.shape", "#pooling/one.fine"])
def test_no_caption_is_cut_off(visit: Any, width: int, hash: str) -> None:
    page = visit(MIXED, hash, (width, 800))
    assert page.evaluate("document.querySelectorAll('.scroll caption').length") > 0
    assert page.evaluate(CUT) == []


@pytest.mark.parametrize("width", [400, 1400])
def test_no_caption_of_a_matrix_is_cut_off(browser: Any, width: int) -> None:
    found, lanes = several(dict.fromkeys(LANES, "always_right") | {LANES[0]: "no_mask"}), list(LANES)
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_content(matrix_page(matrix(found, lanes), lanes, found))
    assert page.evaluate("document.querySelectorAll('.scroll caption').length") > 1
    assert page.evaluate(CUT) == []
    page.close()


@pytest.mark.parametrize("width", [400, 1400])
def test_a_gates_rows_stand_on_a_narrow_screen_cell_under_cell(browser: Any, width: int) -> None:
    """Four columns of 400 px broke words after every few letters."""
    old = results_of("no_mask", only=CASE, versions={"keras": "3.3.3"})
    page = browser.new_page(viewport={"width": width, "height": 800})
    page.set_content(html(diff(old, results_of("no_mask", only=OTHER, versions={"keras": "3.6.0"}))))
    rows = page.evaluate(PLACES)
    assert len(rows) == 2
    for row in rows:
        lefts, widths = {left for left, _ in row}, [wide for _, wide in row]
        assert (len(lefts) == 1) == (width == 400)
        assert min(widths) > 100
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.inner_text("h1").startswith("✗ 1 wrong now")
    page.close()
