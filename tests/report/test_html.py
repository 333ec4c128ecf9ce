"""The report as a file: its verdicts in words, its policy, its size, and what hostile text can do in it."""

from __future__ import annotations

import base64
import copy
import hashlib
import json
import re
import string
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from conformance.cli import main
from conformance.report import html, index, view
from conformance.report.blocks import Page, page_lists
from conformance.report.html import render
from conformance.report.pack import PAGES, deflated, inflated, packed
from conformance.report.page import page_of
from tests.report.factory import (
    LANE_ROWS,
    OVER,
    PICTURE,
    agreeing,
    answered,
    differing,
    failure,
    finding,
    lane,
    mask,
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
    assert {attributes["id"] for attributes in hidden} == {"bar", "search", "unknown"}


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
    shown = json.dumps(page, ensure_ascii=False)
    assert "torch: known deviation other-axis (upstream): torch takes the other axis" in shown
    assert (
        "To be looked at again by 2027-05-01, 161 days after this run (ann); listed in deviations/pooling.yaml:3:5"
        in shown
    )
    assert '["link","https://example.org/1"]' in shown.replace(", ", ",")


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


HOSTILE = {
    "script": "</script><script>alert(1)</script>",
    "style": "</style><style>*{display:none}</style>",
    "handler": '"><img src=x onerror="alert(1)">',
    "single": "'><svg onload='alert(1)'>",
    "template": "{{7*7}} {% raw %} ${7*7} {{ report }}",
    "comment": "<!-- --><!--><!--",
    "entity": "&lt;b&gt; &amp;",
    "bidi": "user\u202eexe.txt\u2066\u2069",
    "control": "nul \x00 bell \x07 escape \x1b[2J \x9b31m",
    "surrogate": "lone \ud83d half",
    "separator": "line\u2028and\u2029paragraph",
    "long": "x" * 1_000_000,
    "lines": "a\n" * 20_000,
    "proto": "__proto__",
    "path": "../../etc/passwd#a?b&c=d",
}


def poisoned(text: Any, outcome: Any = "differ") -> Any:
    """A case with this text wherever a text can be."""
    raised = failure(text, text, text, text)
    held = differing(
        "torch", finding("error", "raised", text, got=raised), verdict="error" if outcome != "agree" else outcome
    )
    held = {**held, "failure": raised, "chatter": text, "reason": text, "explanation": text, "gradient_note": text}
    held["native"] = {text: {text: {"shape": [1], "from": text}}}
    held["weights"], held["params"] = {text: {text: [1]}}, {text: 1}
    held["deviation"] = dict.fromkeys(("id", "kind", "reason", "link", "owner", "expires", "position"), text)
    held["picture"] = {**PICTURE, "node": text}
    if outcome == "agree":
        held["findings"] = []
    lanes = {"keras": answered("keras"), "torch": held, "numpy": answered("numpy", dtype=text)}
    fields = dict.fromkeys(("id", "topic", "question", "answer", "remark", "path", "text"), text)
    found = record(
        lanes,
        **fields,
        tags=[text],
        layers=[text],
        kills=[text],
        matrix={text: text},
        outcome=outcome,
        dims=[{"batch": 2, text: 11}],
        source={"kind": text, "reference": text, "note": text},
        tolerance={"rtol": 1e-3, "atol": 1e-3, "reason": text},
    )
    found["lanes"]["numpy"]["runs"][0][text] = copy.deepcopy(found["lanes"]["numpy"]["runs"][0]["pooled"])
    return found


def harmless_keys(reading: Any) -> Any:
    """The attributes that a page has anyway; wide tables have a class that narrow ones have not."""
    return {key for _, attributes in reading.elements for key in attributes} | {"class"}


def poisoned_report(text: Any, outcome: Any) -> Any:
    """A report with this text wherever a text can be."""
    found = results(poisoned(text, outcome), command=text, not_run=[{"id": text, "reason": text}])
    found["lanes"] = [{**LANE_ROWS[0], "versions": {text: text}, "files": {text: text}}, *LANE_ROWS[1:]]
    found["environment"] = {**found["environment"], "variables": {text: text}}
    return render(found)


@pytest.mark.parametrize("outcome", ["error", "agree"])
@pytest.mark.parametrize("name", list(HOSTILE))
def test_hostile_text_stays_text(name: Any, outcome: Any) -> None:
    text = HOSTILE[name]
    page = poisoned_report(text, outcome)
    page.encode("utf-8")
    reading, harmless = Reading(page), Reading(poisoned_report("harmless", outcome))
    assert [tag for tag, _ in reading.elements] == [tag for tag, _ in harmless.elements]
    assert {key for _, attributes in reading.elements for key in attributes} == harmless_keys(harmless)
    assert not set(page) & set("\x00\x07\x1b\x9b\u202e\u2066\u2028\u2029\ud83d")
    assert len(page) < 1_500_000
    assert "{{7*7}}" in reading.text or name != "template"
    json.loads(reading.inside["script"][0])
    assert all(
        re.match(r"#|https?://", attributes["href"]) for attributes in reading.named("a") if attributes.get("href")
    )


def test_a_source_that_is_an_address_is_a_link() -> None:
    source = {"kind": "docs", "reference": "https://keras.io/api/layers/", "note": ""}
    reading = Reading(render(results(wrong_shape(source=source))))
    assert {"href": "https://keras.io/api/layers/", "rel": "noreferrer"} in reading.named("a")


def test_an_outcome_that_this_version_does_not_know_is_shown_first() -> None:
    found = results(agreeing(id="a/a.fine"), agreeing(id="a/a.odd", outcome="puzzled"))
    text = Reading(render(found)).text
    assert "? puzzled a/a.odd" in text
    assert text.index("a/a.odd") < text.index("a/a.fine")


def test_passing_pages_travel_as_data_and_failing_ones_as_html() -> None:
    reading = Reading(render(MIXED))
    articles = [attributes["id"] for attributes in reading.named("article")]
    assert articles == ["rnn/slow.loop", "conv1d/two.error", "pooling/one.shape", "conv1d/two.values"]
    data = json.loads(reading.inside["script"][0])
    assert [name for name, _ in inflated(data["found"])] == ["rnn/three.alone", "pooling/one.fine"]
    assert len(data["parts"]) == 1


def test_failing_pages_beyond_the_limit_are_drawn_on_demand_and_that_is_said(monkeypatch: Any) -> None:
    monkeypatch.setattr(view, "MOST_DRAWN", 2)
    reading = Reading(render(MIXED))
    assert len(reading.named("article")) == 2
    assert "2 failing pages are drawn on demand" in reading.text
    assert "✗ differ conv1d/two.values" in reading.text


def test_packed_pages_stand_in_order_each_in_the_part_of_its_number() -> None:
    pages = [page_of(case, LANE_ROWS) for case in varied(2 * PAGES + 3)]
    data = packed(pages)
    assert [len(inflated(part)) for part in data["parts"]] == [PAGES, PAGES, 3]
    every = [page for part in data["parts"] for page in inflated(part)]
    assert every == [json.loads(json.dumps(page_lists(page))) for page in pages]
    assert inflated(data["found"]) == [[page.id, page.question] for page in pages]


def test_what_is_packed_is_no_markup_and_the_same_each_time() -> None:
    page = Page("</script>", "agree", "p:1", "", "", "", "<!-- \u2028", ())
    assert set(packed([page])["parts"][0]) <= set(string.ascii_letters + string.digits + "+/=")
    assert packed([page]) == packed([page])
    assert inflated(deflated(["\U0001f600", None])) == ["\U0001f600", None]


def varied(count: Any) -> Iterator[Any]:
    """So many passing cases, each with an id, a question, a text, sizes, distances and numbers of its own."""
    for number in range(count):
        steps = 11 + number % 89
        found = agreeing(
            id=f"pooling/global_average.channels_first-steps_{steps}-n_{number}",
            question=f"One number per word, or one vector per sentence, for {number} sentences?",
            dims=[{"batch": 2, "steps": steps, "dim": 7}],
            text=f"id: n_{number}\nquestion: One per word?\ninputs:\n  ids: {{shape: [2, {steps}], seed: {number}}}\n",
        )
        numbers = [[round((7 * number + 13 * row + column) % 97 / 9, 6) for column in range(steps)] for row in range(2)]
        for item in found["pairs"]:
            item["largest"] *= 1 + number / count
            item["used"] = (number % 97) / 97
        for held in found["lanes"].values():
            held["used"] = (number % 83) / 83
            for given in held["runs"][0].values():
                given["shape"] = [steps if length == 11 else length for length in given["shape"]]
                given["values"] = numbers if given["shape"] == [2, steps] and steps <= 32 else None
        yield found


@pytest.mark.parametrize("count", [100, 1_000])  # of 10,000 see test_browser
def test_a_passing_case_costs_at_most_a_kilobyte_in_a_report_of_any_size(count: int) -> None:
    size, empty = (len(render(results(*varied(number))).encode()) for number in (count, 0))
    assert (size - empty) / count <= 1_024


def test_nothing_is_left_out_of_a_page_that_passes() -> None:
    """Arrays, gradients, masks and YAML are there at every size."""
    case = agreeing(text="id: channels_first\nquestion: is this text here?\n")
    case["lanes"]["numpy"]["runs"][0]["pooled"]["mask"] = mask([[1, 0], [1, 1]])
    data = json.loads(Reading(render(results(*varied(300), case))).inside["script"][0])
    *_, (*_, sections) = inflated(data["parts"][-1])
    words = json.dumps(sections)
    for said in ("is this text here?", "pooled (2, 11) in numpy", "mask of pooled in numpy"):
        assert said in words


def test_data_in_a_script_element_cannot_end_it() -> None:
    assert html.island(["</script>", "\u2028", "<!--"]) == '["\\u003c/script>","\\u2028","\\u003c!--"]'


@pytest.mark.parametrize(
    ("largest", "left_out", "pages"),
    [
        (10_000_000, "", 6),
        (FULL - 1, "Arrays, gradients and YAML of passing cases are left out", 6),
        (FULL - 2_000, "Arrays, heat maps, gradients and YAML are left out, of failing cases too", 6),
        (10, "Pages of passing cases are left out, and arrays, heat maps, gradients and YAML of failing ones", 4),
    ],
)
def test_a_report_that_would_be_too_large_leaves_out_more_and_says_so(
    monkeypatch: Any, largest: int, left_out: str, pages: int
) -> None:
    monkeypatch.setattr(html, "LARGEST", largest)
    made = html.rendered(MIXED)
    reading = Reading(made.text)
    assert not left_out or f"{left_out}, to keep this file small" in reading.text
    assert len(inflated(json.loads(reading.inside["script"][0])["found"])) + len(reading.named("article")) == pages
    for case in MIXED["cases"]:
        assert case["id"] in reading.text
    assert "✗ differ conv1d/two.values Not settled: values of pooled" in reading.text
    assert ("it says at its top what is left out" in made.remark) == bool(left_out)
    assert ("split the run with --shard" in made.remark) == (largest == 10)


def test_a_large_report_is_said_to_be_large_where_it_is_written(monkeypatch: Any, tmp_path: Path, capsys: Any) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(MIXED), encoding="utf-8")
    arguments = ["report", str(path), "-o", str(tmp_path / "report.html")]
    assert main(arguments) == 0
    assert capsys.readouterr().err == ""
    monkeypatch.setattr(html, "LARGE", 1_000)
    assert main(arguments) == 0
    assert re.fullmatch(r"conformance: the report has 0\.\d MB\n", capsys.readouterr().err)


def test_the_limits_are_those_that_are_promised() -> None:
    assert (html.LARGE, html.LARGEST) == (10_000_000, 25_000_000)


def test_layers_say_what_the_cases_exercise_of_them() -> None:
    catalog = {"GRU": {"options": ["units", "reset_after", "seed"], "mutants": ["swapped_gates", "no_bias"]}}
    case = agreeing(id="a/a.gru", layers=["GRU"], kills=["GRU.no_bias", "LSTM.swapped_gates"])
    found = results({**case, "options": {"GRU": ["reset_after", "units"]}}, catalog=catalog)
    assert "GRU 2 of 3; not seed 1 of 2 by name 1 agree ✓ a/a.gru" in Reading(render(found)).text
    scored = {**found, "mutants": {"GRU": {"killed": 2, "of": 2}}}
    assert "GRU 2 of 3; not seed 2 of 2 1 agree ✓ a/a.gru" in Reading(render(scored)).text
