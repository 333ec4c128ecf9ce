"""Hostile text in a report: it stays text, wherever a text can be."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

import pytest

from tests.report.asked import render
from tests.report.factory import (
    LANE_ROWS,
    PICTURE,
    answered,
    differing,
    failure,
    finding,
    record,
    results,
)
from tests.report.test_html import Reading

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
    raised = failure(text, text, "call", text)
    held = differing(
        "torch", finding("error", "raised", text, got=raised), verdict="error" if outcome != "agree" else outcome
    )
    held = {**held, "failure": raised, "chatter": text, "reason": text, "explanation": text, "gradient_note": text}
    held["gradient_failure"] = {**raised, "phase": "backward"}
    held["native"] = {text: {text: {"shape": [1], "from": text}}}
    held["weights"], held["params"] = {text: {text: [1]}}, {text: 1}
    held["deviation"] = dict.fromkeys(("id", "kind", "reason", "link", "owner", "position"), text)
    held["deviation"]["expires"] = "2027-05-01"
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
        source={"kind": "docs", "reference": text, "note": text},
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
