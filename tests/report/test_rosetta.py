"""Keras and torch beside each other in a report: words from the file, verdicts from the run; narrow and dark too."""

from __future__ import annotations

from typing import Any

import pytest

from conformance.form import from_json
from conformance.record.run import Results
from conformance.report import rosetta
from conformance.report.blocks import Cell, Fold, Table
from conformance.report.html import render
from tests.report.factory import LANE_ROWS, OVER, agreeing, answered, differing, record, results

DEVIATION = {
    "id": "eps-of-torch",
    "kind": "by design",
    "reason": "nn.LayerNorm adds <1e-5>. Pass eps=1e-3.",
    "link": "",
    "owner": "maintainers",
    "expires": "2027-05-29",
    "position": "deviations/torch-native.yaml:1:1",
}
NATIVE = {**LANE_ROWS[1], "name": "torch-native", "mode": "native"}


def run_of_native(*more: Any) -> dict[str, Any]:
    """Two cases: torch's own call agrees in one, and answers otherwise, as is listed, in the other."""
    fine = {**agreeing(), "id": "pooling/one.fine", "layers": ["Embedding"]}
    fine["lanes"] = {**fine["lanes"], "torch-native": answered("torch")}
    other = record({"torch-native": differing("torch", OVER, verdict="known"), "numpy": answered("numpy")})
    other = {**other, "id": "porting/layers.other", "layers": ["LayerNormalization"], "outcome": "known"}
    other["lanes"]["torch-native"]["deviation"] = DEVIATION
    found = results(fine, other, *more)
    return {**found, "lanes": [*found["lanes"], {**NATIVE, "selected": 2, "ran": 2}]}


def sections(found: dict[str, Any]) -> dict[str, Any]:
    return {one.title: one.blocks for one in rosetta.sections_of(from_json(Results, found))}


def row(blocks: Any, name: str) -> tuple[Cell, ...]:
    (table,) = (block for block in blocks if isinstance(block, Table))
    (found,) = (cells for cells in table.rows if cells[0].text == name)
    return found


def test_a_line_says_what_torch_calls_it_and_what_its_own_call_gave_in_this_run() -> None:
    layers = sections(run_of_native())["Layers"]
    name, call, _, arguments, _, counts, proof = row(layers, "LayerNormalization")
    assert (name.text, call.text, arguments.text) == ("LayerNormalization", "nn.LayerNorm", "epsilon: eps")
    assert (counts.text, proof.text) == ("1 known", "")
    *_, counts, proof = row(layers, "Embedding")
    assert (counts.text, proof.text, proof.href) == ("1 agree", "pooling/one.fine", "#pooling/one.fine")


def test_a_listed_difference_stands_with_what_mends_it_and_leads_to_its_case() -> None:
    *_, reason, count, case = row(sections(run_of_native())["Where the two answer otherwise"], "eps-of-torch")
    assert (reason.text, count.text, case.href) == (DEVIATION["reason"], "1", "#porting/layers.other")


def test_both_directions_the_way_of_weights_and_what_is_missing_are_there() -> None:
    found = sections(run_of_native())
    assert row(found["From torch to Keras"], "nn.Linear")[1].text == "Dense"
    assert row(found["What torch has no call for"], "Lion")[1].text == "torch has no Lion"
    folds = {block.title: block.text for block in found["How weights move over"] if isinstance(block, Fold)}
    assert any(title.startswith("GRU(") and "torch.cat" in text for title, text in folds.items())


def test_without_a_lane_of_torch_there_is_nothing_of_it() -> None:
    found = results(agreeing())
    assert rosetta.sections_of(from_json(Results, {**found, "lanes": [LANE_ROWS[0], LANE_ROWS[2]]})) == ()
    assert "Where the two answer otherwise" not in sections(found), "no native lane ran"


def test_the_page_has_it_escaped_and_in_its_contents() -> None:
    html = render(from_json(Results, run_of_native()))
    assert '<a href="#rosetta-title">Keras and torch</a>' in html
    assert "adds &lt;1e-5&gt;. Pass eps=1e-3." in html
    assert "<1e-5>" not in html
    assert "torch, made to compute Keras&#39; formula" in html
    assert "torch as its users call it" in html


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(400, "light"), (400, "dark"), (1400, "dark")])
def test_it_is_read_on_a_narrow_and_on_a_dark_screen(visit: Any, width: int, scheme: str) -> None:
    page = visit(run_of_native(), "#rosetta-title", (width, 900))
    page.emulate_media(color_scheme=scheme)
    page.evaluate("document.querySelectorAll('.rosetta details').forEach((one) => { one.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), "tables scroll, not the page"
    assert page.locator("#rosetta-layers").get_by_text("nn.LayerNorm", exact=True).is_visible()
    background, ink = page.evaluate(
        "(() => { const found = getComputedStyle(document.body); return [found.backgroundColor, found.color] })()"
    )
    dark = [sum(map(int, text[text.index("(") + 1 : -1].split(",")[:3])) < 384 for text in (background, ink)]
    assert dark == [scheme == "dark", scheme != "dark"]


@pytest.mark.browser
def test_a_proof_leads_to_its_case(visit: Any) -> None:
    page = visit(run_of_native(), "#rosetta-title")
    page.locator("#rosetta-layers summary").first.click()
    page.locator("#rosetta-layers a", has_text="pooling/one.fine").first.click()
    page.wait_for_selector("article[id='pooling/one.fine']")
