"""The report as a file: its verdicts in words, its policy, its size."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from conformance.report import index
from conformance.report.pack import inflated
from tests.report.asked import render
from tests.report.factory import (
    LANE_ROWS,
    OVER,
    agreeing,
    answered,
    differing,
    failure,
    finding,
    lane,
    odd,
    record,
    results,
    wrong_shape,
)


class Reading(HTMLParser):
    """What a browser would make of a page: elements with their attributes, and the text outside style and script."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.shown: list[str] = []
        self.inside: dict[str, list[str]] = {"style": [], "script": []}
        self._open = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: Any, attrs: Any) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in self.inside:
            self._open = tag
            self.inside[tag].append("")

    def handle_endtag(self, tag: Any) -> None:
        self._open = "" if tag == self._open else self._open

    def handle_data(self, data: Any) -> None:
        if self._open:
            self.inside[self._open][-1] += data
        else:
            self.shown.append(data)

    @property
    def text(self) -> Any:
        return re.sub(r"\s+", " ", " ".join(self.shown))

    def named(self, tag: Any) -> Any:
        return [attributes for name, attributes in self.elements if name == tag]


LOST = odd("keras", lane(verdict="timeout", reason="no answer within 60 s"), finding("error"), id="rnn/slow.loop")
RAISED = differing("torch", finding("error", "raised", got=failure(message="no axis 3")), verdict="error")
MIXED = results(
    agreeing(id="pooling/one.fine", remark="It was otherwise in Keras 2."),
    wrong_shape(id="pooling/one.shape"),
    odd("keras", differing("keras", OVER), OVER, id="conv1d/two.values", questions=[10, 11]),
    odd("torch", RAISED, RAISED["findings"][0], id="conv1d/two.error"),
    LOST,
    record(
        {"torch": lane(verdict="unsupported", reason="no port"), "numpy": answered("numpy")},
        id="rnn/three.alone",
        layers=["GRU"],
    ),
)


FULL = len(render(MIXED).encode())
"""Bytes of the report of every kind of case."""


@pytest.mark.parametrize(
    ("found", "title", "headline"),
    [
        (results(), "NOTHING COMPARED: no case ran - ", "– no case ran"),
        (
            results(agreeing()),
            "PASS: the one case agrees - Keras 3.15.1 (TensorFlow 2.21.0) and torch 2.13.0",
            "✓ the one",
        ),
        (results(agreeing(id="a/a.a"), agreeing(id="a/a.b")), "PASS: all 2 cases agree - ", "✓ all 2 cases agree"),
        (results(wrong_shape()), "FAIL: 1 of 1 case fails - ", "✗ 1 of 1 case fails"),
        (MIXED, "FAIL: 4 of 6 cases fail - ", "✗ 4 of 6 cases fail"),
        (
            results(MIXED["cases"][5]),
            "NOTHING COMPARED: none of 1 case was compared - ",
            "– none of 1 case was compared",
        ),
        (
            results(agreeing(id="a/a.a"), MIXED["cases"][5]),
            "PASS: 1 of 2 cases agree, none fails - ",
            "✓ 1 of 2 cases agree, none fails",
        ),
        (
            results(
                agreeing(),
                not_run=[{"id": "a/b.c", "reason": "interrupted"}],
                footer={"complete": False, "stopped": "interrupted", "cases": 1},
            ),
            "INCOMPLETE: only 1 of 2 selected cases have a result - ",
            "! only 1 of 2 selected cases have a result",
        ),
        (
            results(agreeing(), deviations=[{"id": "D", "kind": "bug", "state": "unmatched", "is_expired": False}]),
            "FAIL: 1 listed deviation no longer holds - ",
            "✗ 1 listed deviation no longer holds",
        ),
    ],
)
def test_the_verdict_comes_first_with_its_denominator(found: Any, title: Any, headline: Any) -> None:
    reading = Reading(render(found))
    start = reading.text.strip()
    assert start.startswith(title)
    assert start.index(headline) < start.index("Lanes")


def test_an_incomplete_run_says_why_and_what_is_missing() -> None:
    found = results(
        wrong_shape(),
        not_run=[{"id": "conv1d/late.one", "reason": "lane keras cannot start"}],
        footer={"complete": False, "stopped": "lane keras cannot start", "cases": 1},
    )
    text = Reading(render(found)).text
    assert "only 1 of 2 selected cases have a result, and 1 of them fail" in text
    assert "The run did not reach its end (lane keras cannot start). What is missing is not known to agree." in text
    assert "Did not run conv1d/late.one lane keras cannot start" in text


def test_a_part_is_called_a_part() -> None:
    shard = {"index": 2, "count": 5, "cases": 640, "digest": "0" * 16, "is_full": True}
    assert "This is part 2 of 5 of a run of 640 cases." in Reading(render(results(agreeing(), shard=shard))).text
    assert "asked for a part of the project's cases" in Reading(render(results(agreeing(), is_full=False))).text


def test_a_lane_that_ran_nothing_is_named() -> None:
    rows = [{**LANE_ROWS[0], "selected": 5, "ran": 0, "versions": {}, "files": {}, "verdicts": {}}, *LANE_ROWS[1:]]
    text = Reading(render(results(agreeing(), lanes=rows))).text
    assert "The lane keras ran none of 5 cases." in text
    assert "0 of 5" in text
    assert "did not start" in text


def test_the_bare_page_says_every_verdict_answer_and_failure() -> None:
    reading = Reading(render(MIXED))
    text = reading.text
    for words in (
        "Of 6 cases: 1 agree, 1 unsupported, 2 differ, 1 error, 1 timeout.",
        "keras 6 of 6",
        "✓ agree pooling/one.fine One per word: (2, 11).",
        "– unsupported rnn/three.alone Only the NumPy reference answers: torch 2.13.0 cannot do this (no port).",
        "✗ differ pooling/one.shape Not settled: shape of pooled: torch (2, 7), expected",
        "! timeout rnn/slow.loop Not settled: timeout: keras: no answer within 60 s.",
        "1 case: torch differs in shape in pooling",
        "1 case: timeout of keras in rnn",
        "1 case: torch: ValueError in call in conv1d: no axis N",
        "✗ 7, not 11",
        "worst at [0, 3]: |0.5726 - 1.0| = 0.4274 > 3.1e-06",
        "One number per word, or one vector per sentence?",
        'pytest "cases/pooling/global_average.case.yaml::pooling/one.shape"',
        "pytest cases --results reports/results.json",
        "keras 3.15.1, torch 2.13.0",
    ):
        assert words in text, words
    hidden = [attributes for _, attributes in reading.elements if "hidden" in attributes]
    assert {attributes["id"] for attributes in hidden} == {"bar", "search", "nothing", "unknown"}


def test_the_index_is_ordered_by_severity_and_keeps_the_order_of_cases() -> None:
    page = render(MIXED)
    rows = page[page.index('<div id="index">') :]
    ids = re.findall(r'<a href="#([^"?]+)">', rows[: rows.index("</section>")])
    assert ids == [
        "rnn/slow.loop",
        "conv1d/two.error",
        "pooling/one.shape",
        "conv1d/two.values",
        "rnn/three.alone",
        "pooling/one.fine",
    ]


def test_the_index_is_parted_by_outcome_and_family_and_each_part_says_what_it_holds(monkeypatch: Any) -> None:
    monkeypatch.setattr(index, "PART", 2)
    cases = [agreeing(id=f"{family}/a.{number}") for family, count in (("a", 5), ("b", 1)) for number in range(count)]
    page = render(results(wrong_shape(id="z/z.z"), *cases))
    captions = re.findall(r"<caption>([^<]*)", page[page.index('<div id="index">') :])
    assert captions[:5] == [
        "differ: 1",
        "a: 1 to 2 of 5 agree",
        "a: 3 to 4 of 5 agree",
        "a: 5 of 5 agree",
        "b: 1 agrees",
    ]


def test_questions_and_layers_lead_to_their_cases() -> None:
    reading = Reading(render(MIXED))
    links = [attributes["href"] for attributes in reading.named("a")]
    assert "#?q=question:5" in links
    assert "#?q=layer:GRU" in links
    assert "2 questions" not in reading.text
    assert "3 questions and their cases" in reading.text
    assert "11 GlobalAveragePooling1D on an embedding 1 differ ✗ conv1d/two.values" in reading.text


def test_listed_deviations_are_counted_named_and_lead_to_their_cases() -> None:
    about = {
        "kind": "upstream",
        "reason": "torch takes the other axis",
        "link": "https://example.org/1",
        "owner": "ann",
    }
    entry = {"id": "other-axis", **about, "expires": "2027-05-01", "position": "deviations/pooling.yaml:3:5"}
    known = {**differing("torch", finding("shape", wanted=[2, 11], got=[2, 7])), "verdict": "known", "deviation": entry}
    found = results(
        odd("torch", known, outcome="known", answer="One per word: {pooled.shape}."),
        deviations=[
            {"id": "other-axis", "kind": "upstream", "state": "active", "is_expired": True},
            {"id": "gone", "kind": "bug", "state": "unused", "is_expired": False},
        ],
    )
    reading = Reading(render(found))
    assert "Of 2 listed deviations: 1 active, 1 unused. Other-axis has expired." in reading.text
    assert (
        "other-axis upstream: torch takes the other axis 1 known ≈ pooling/global_average.channels_first"
        in reading.text
    )
    assert "One per word: (2, 11). Torch differs, a known deviation (other-axis)." in reading.text
    (page,) = inflated(json.loads(reading.inside["script"][0])["parts"][0])
    shown = Reading(page).text
    assert "torch: known deviation other-axis (upstream): torch takes the other axis" in shown
    assert (
        "To be looked at again by 2027-05-01, 161 days after this run (ann); listed in deviations/pooling.yaml:3:5"
        in shown
    )
    assert {"href": "https://example.org/1", "rel": "noreferrer"} in Reading(page).named("a")


def test_the_policy_allows_this_style_and_this_script_and_nothing_else() -> Any:
    reading = Reading(render(MIXED))
    (policy,) = [item["content"] for item in reading.named("meta") if item.get("http-equiv")]
    (style,) = reading.inside["style"]
    island, script = reading.inside["script"]

    def digest(text: Any) -> Any:
        return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    assert policy == (
        f"default-src 'none'; style-src '{digest(style)}'; script-src '{digest(script)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert json.loads(island)["parts"]
    assert not [attributes for _, attributes in reading.elements if "style" in attributes]
    assert not [name for _, attributes in reading.elements for name in attributes if name.startswith("on")]


def test_the_policy_stands_before_what_it_judges() -> None:
    page = render(results())
    assert page.index("Content-Security-Policy") < page.index("<style>") < page.index("<script")


def test_nothing_is_fetched_from_elsewhere() -> None:
    reading = Reading(render(MIXED))
    for tag, attributes in reading.elements:
        assert "src" not in attributes, tag
        if tag != "a":
            assert "href" not in attributes, tag
    assert not re.search(r"url\(|@import", reading.inside["style"][0])


def test_the_same_results_give_the_same_bytes() -> None:
    assert render(MIXED) == render(json.loads(json.dumps(MIXED)))


def test_ids_are_unique_and_every_permanent_link_has_its_place() -> None:
    reading = Reading(render(MIXED))
    ids = [attributes["id"] for _, attributes in reading.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {case["id"] for case in MIXED["cases"]} <= set(ids)


def test_a_source_that_is_an_address_is_a_link() -> None:
    source = {"kind": "docs", "reference": "https://keras.io/api/layers/", "note": ""}
    reading = Reading(render(results(wrong_shape(source=source))))
    assert {"href": "https://keras.io/api/layers/", "rel": "noreferrer"} in reading.named("a")


def test_layers_say_what_the_cases_exercise_of_them() -> None:
    catalog = {"GRU": {"options": ["units", "reset_after", "seed"], "mutants": ["swapped_gates", "no_bias"]}}
    case = agreeing(id="a/a.gru", layers=["GRU"], kills=["GRU.no_bias", "LSTM.swapped_gates"])
    found = results({**case, "options": {"GRU": ["reset_after", "units"]}}, catalog=catalog)
    assert "GRU 2 of 3; not seed 1 of 2 by name 1 agree ✓ a/a.gru" in Reading(render(found)).text
    scored = {**found, "mutants": {"GRU": {"killed": 2, "of": 2}}}
    assert "GRU 2 of 3; not seed 2 of 2 1 agree ✓ a/a.gru" in Reading(render(scored)).text
