"""The page of a campaign in headless Chromium: what is found is seen first, it opens, and nothing complains."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from conformance.campaign.coverage import Coverage
from conformance.campaign.page import html
from tests.campaign.asked import ran
from tests.campaign.lane import NOTHING, planted
from tests.report.conftest import COMPLAINTS

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of a campaign that found something, whose words are hostile, and of one that found nothing."""
    found = {}
    for name, spec in (("found", planted("ReLU", does="raises")), ("nothing", planted(NOTHING))):
        folder, _, _ = ran(tmp_path_factory.mktemp("campaign") / name, spec, layers=("ReLU",), seeds=range(1))
        for finding in folder.kept:
            case = folder.file(finding)
            hostile = "# <img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>\n"
            case.write_text(case.read_text(encoding="utf-8") + hostile, encoding="utf-8")
        coverage = Coverage(("ReLU",))
        for row in folder.seeds.values():
            for varied in row.varied:
                coverage.add(varied)
        found[name] = folder.path / "index.html"
        found[name].write_text(html(folder, coverage), encoding="utf-8")
    return found


def opened(browser: Any, path: Path, width: int = 1280) -> tuple[Any, list[str]]:
    """The page, and what was complained of or fetched on the way."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: request.url.startswith("file:") or complaints.append(request.url))
    page.goto(path.as_uri())
    return page, complaints


@pytest.mark.parametrize("name", ["found", "nothing"])
def test_it_has_no_barrier_and_nothing_complains(name: str, pages: dict[str, Path], browser: Any, axe: str) -> None:
    page, complaints = opened(browser, pages[name])
    page.evaluate(axe)
    found = page.evaluate(COMPLAINTS, {})
    title = page.title()
    page.close()
    assert (found, complaints) == ([], [])
    assert title.startswith("Campaign: ")


def test_a_finding_stands_above_the_tables_with_its_case(pages: dict[str, Path], browser: Any) -> None:
    page, _ = opened(browser, pages["found"])
    finding, tables = page.locator("#relu_error"), page.locator("#coverage")
    assert finding.bounding_box()["y"] < tables.bounding_box()["y"]
    assert "type: ReLU" in finding.inner_text()
    assert "onerror" in finding.inner_text(), "what a case says is text"
    page.close()


def test_without_findings_the_first_screen_says_what_that_is_worth(pages: dict[str, Path], browser: Any) -> None:
    page, _ = opened(browser, pages["nothing"])
    assert "0 findings in" in page.inner_text("h1")
    sentence = page.get_by_text("With 95 % confidence")
    assert sentence.bounding_box()["y"] < 900
    page.close()


def test_nothing_is_cut_off_on_a_telephone(pages: dict[str, Path], browser: Any) -> None:
    page, _ = opened(browser, pages["found"], width=360)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.close()


def test_numbers_of_what_was_tried_stay_in_one_line(pages: dict[str, Path], browser: Any) -> None:
    page, _ = opened(browser, pages["found"])
    cells = page.locator("section[aria-labelledby=coverage] td.number")
    assert all(" of " in text for text in cells.all_inner_texts())
    lines = page.evaluate(
        """() => [...document.querySelectorAll('section[aria-labelledby=coverage] td.number')]
        .map((cell) => { const range = document.createRange(); range.selectNodeContents(cell);
                         return range.getClientRects().length; })"""
    )
    page.close()
    assert set(lines) == {1}
