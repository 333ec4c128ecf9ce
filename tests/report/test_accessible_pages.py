"""axe-core finds no barrier on the matrix and on a page of one case, in light, dark and forced colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.gate.asked import diff, gate_page
from tests.gate.test_matrix import several
from tests.report.asked import html, matrix, render_single, with_versions
from tests.report.conftest import COMPLAINTS
from tests.report.factory import results, too_large

pytestmark = pytest.mark.browser

LANES = {
    "tf_keras": "no_mask",
    "keras@3.3.3": "raises",
    "keras@3.4.0": "always_right",
    "keras@3.6.0": "always_right",
    "keras@3.7.0": "always_wrong",
}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The HTML of each kind of page, over lanes that differ, raise and agree."""
    found = several(LANES)
    return {
        "matrix": html(matrix(found, list(LANES)), list(LANES), found),
        "gate": gate_page(diff(found, found, [("keras@3.3.3", "keras@3.4.0")]), found),
        "picture": render_single(results(too_large())),
        "single": render_single(with_versions({**found, "cases": found["cases"][:1]}, found)),
    }


@pytest.mark.parametrize("colours", ["light", "dark", "forced"])
@pytest.mark.parametrize("kind", ["matrix", "gate", "single", "picture"])
def test_no_page_has_a_barrier(
    kind: str, colours: str, pages: dict[str, str], browser: Any, axe: str, tmp_path: Path
) -> None:
    path = tmp_path / "page.html"
    path.write_text(pages[kind], encoding="utf-8")
    page = browser.new_page(
        viewport={"width": 1280, "height": 900},
        color_scheme="dark" if colours == "dark" else "light",
        forced_colors="active" if colours == "forced" else "none",
    )
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("request", lambda request: request.url.startswith("file:") or complaints.append(request.url))
    page.goto(path.as_uri())
    page.evaluate(axe)
    found = page.evaluate(COMPLAINTS, {})
    page.close()
    assert found == []
    assert complaints == []
