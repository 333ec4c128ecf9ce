"""Cases as one page without an index: everything is there at once, and nothing in a field's text is obeyed."""

from __future__ import annotations

from tests.report.asked import render_single
from tests.report.factory import agreeing, results, wrong_shape

HOSTILE = "</title></style><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}\u202e"


def test_a_passing_case_is_written_out() -> None:
    page = render_single(results(agreeing(question="One number a word?")))
    assert '<p class="question">One number a word?<' in page
    assert page.count('<article class="case') == 1


def test_there_is_no_script_and_no_policy_for_one() -> None:
    page = render_single(results(agreeing()))
    assert "<script" not in page
    assert "default-src &#39;none&#39;; style-src &#39;sha256-" in page
    assert "script-src" not in page


def test_text_of_a_case_is_text() -> None:
    page = render_single(results(wrong_shape(question=HOSTILE, id="f/t." + HOSTILE)))
    assert "<script" not in page
    assert "<img" not in page
    assert "49" not in page.partition("</style>")[2].partition("Aspects")[0]
    assert "\u202e" not in page


def test_several_cases_stand_on_one_page() -> None:
    page = render_single(results(agreeing(id="f/t.one"), wrong_shape(id="f/t.two")))
    assert page.count('<article class="case') == 2
