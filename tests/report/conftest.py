"""A headless Chromium for the tests of the report."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.report.asked import render

COMPLAINTS = """
async (only) => (await axe.run(document, {resultTypes: ['violations'], ...only})).violations
  .map((found) => `${found.id}: ${found.help}: ${found.nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`)
"""
"""What axe-core complains of on a page; its argument narrows the rules."""

READY = "#search:not([hidden])"
"""What is there once the script has shown the place that the address asks for."""


def unavailable(what: str) -> None:
    """A missing browser fails where it was promised, and is said elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}; CI must have it")
    pytest.skip(what)


@pytest.fixture(scope="session")
def browser() -> Iterator[object]:
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        unavailable("there is no chromium: apt-get install chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        unavailable("there is no playwright: pip install playwright")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield started
        started.close()


@pytest.fixture
def visit(browser: Any, tmp_path: Any) -> Iterator[Any]:
    """Opens results as a page; afterwards nothing may have been complained of or fetched."""
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.on("console", lambda message: complaints.append(f"console: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
    page.on("request", lambda request: request.url.startswith("file:") or complaints.append(request.url))

    def open_page(found: Any, hash: Any = "", size: Any = None) -> Any:
        path = tmp_path / "report.html"
        path.write_text(render(found), encoding="utf-8")
        if size:
            page.set_viewport_size({"width": size[0], "height": size[1]})
        page.goto("about:blank")
        page.goto(f"{path.as_uri()}{hash}")
        page.wait_for_selector(READY, state="attached")
        return page

    yield open_page
    context.close()
    assert complaints == []


@pytest.fixture(scope="session")
def axe() -> str:
    """The text of axe-core, which comes with a package: nothing is fetched."""
    try:
        import axe_playwright_python
    except ImportError:
        unavailable("there is no axe-core: pip install axe-playwright-python")
    return (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
