"""Text, markdown, JSON and the page say the same; what a model is called reaches a page escaped."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from conformance.comparison.judging import Share
from conformance.comparison.markdown import markdown
from conformance.comparison.page import page
from conformance.comparison.plain import to_json
from conformance.comparison.proof import Proof
from conformance.comparison.result import Cause, Comparison, Output, Row, Start
from conformance.comparison.text import text, times, verdict

EVIL = '<script>alert("x")</script>'
WRONG = Share(3400.0, 2, 12, (1, 2), 0.5, 0.25, 1e-6, "float64", relative=0.1)
RIGHT = Share(0.7, 0, 12, (0, 0), 0.5, 0.5, 1e-6, "reference")


def comparison(**changed: object) -> Comparison:
    cause = Cause("Dense.bias_twice", "adds the bias twice (Dense.bias_twice)", ("F.linear(x, w, b)",))
    values: dict[str, object] = {
        "model": "clf.keras",
        "port": f"port.py:{EVIL}",
        "versions": {"model: keras": "3.15.1"},
        "rows": (
            Row(EVIL, "Dense", 0, 0, "start", "fc", "Linear", "weights", (4, 3), (4, 3), whole=WRONG, alone=WRONG),
            Row("next", "Dense", 0, 1, "follows", "fc2", "Linear", "order", (4, 3), (4, 3), whole=WRONG, alone=RIGHT),
        ),
        "starts": (Start("layer", EVIL, "fc", (EVIL,), WRONG, "", cause, ("Dense",)),),
        "outputs": (Output("result", "result", WRONG),),
        "weights": (Proof(EVIL, "kernel", "stale", "fc.weight", "", ("port.fc.weight.copy_(k)",), (3, 3)),),
        **changed,
    }
    return Comparison(**values)


@pytest.mark.parametrize("form", [text, markdown, page, to_json])
def test_every_form_says_the_answer_the_place_and_the_cause(form: object) -> None:
    assert callable(form)
    made = form(comparison())
    for words in (
        "differ in one place",
        "3,400 times what rounding explains",
        "adds the bias twice",
        "F.linear(x, w, b)",
    ):
        assert words in made.replace("\\_", "_"), words


def test_a_page_escapes_what_it_is_given_and_allows_no_script() -> None:
    made = page(comparison())
    assert EVIL not in made
    assert "&lt;script&gt;" in made
    assert "script-src" not in made
    assert "default-src &#39;none&#39;" in made
    assert made.count('<details class="start" open>') == 1


def test_agreement_says_its_share_and_what_was_not_measured() -> None:
    agreeing = comparison(starts=(), rows=(), weights=(), outputs=(Output("result", "result", RIGHT),))
    assert verdict(agreeing).endswith("agree within rounding: the result uses 0.7 of what rounding explains")
    unmeasured = comparison(starts=(), outputs=(Output("result", "result", RIGHT),), rounding="it was not asked for")
    assert verdict(unmeasured).endswith("agree; rounding was not measured")
    assert unmeasured.used is None


def test_an_output_that_differs_without_a_start_is_no_agreement() -> None:
    found = comparison(starts=())
    assert not found.agrees
    assert "differ in the result, and start in no layer: the result is off by 3,400 times" in verdict(found)


@pytest.mark.parametrize(
    ("rounding", "relative", "agrees"), [("no", 0.009, True), ("no", 0.011, False), ("", 0.009, False)]
)
def test_a_result_rests_on_its_layers_only_near_and_where_rounding_was_not_measured(
    rounding: str, relative: float, agrees: bool
) -> None:
    near = (Output("result", "result", replace(WRONG, allowed=1e-6, relative=relative)),)
    found = comparison(starts=(), outputs=near, rounding=rounding)
    assert found.agrees is agrees
    assert ("agree in every layer; the results lie 0.009 of their largest number apart" in verdict(found)) is agrees
    assert not comparison(outputs=near, rounding=rounding).agrees


def test_json_is_json_with_infinities_as_text() -> None:
    endless = Share(math.inf, 1, 1, (0,), math.nan, 1.0, 0.0, "plain")
    found = json.loads(to_json(comparison(outputs=(Output("result", "result", endless),))))
    assert found["outputs"][0]["share"]["used"] == "inf"
    assert found["schema_version"] == 1


def test_shares_in_words() -> None:
    assert [times(used) for used in (0.71, 3.4, 3400.0, math.inf)] == [
        "0.71",
        "3.4 times",
        "3,400 times",
        "infinitely often",
    ]
