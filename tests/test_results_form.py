"""A results file damaged at any one place is refused by name or reported; it never ends in a traceback."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conformance import cli
from conformance.errors import Exit, ResultsError
from tests.asked import assemble, lane_row, read
from tests.builders import POOLED, cases_of, fake, records_of

JUNK: tuple[Any, ...] = (None, "x", -7, 0.5, [], {}, [{}], True)


def results_in(folder: Path) -> dict[str, Any]:
    """Three lanes that differ and one that raises, so that most fields of a record are filled."""
    specs = [fake(name) for name in ("always_wrong", "gives_nan", "raises", "raises_on_the_way_back")]
    records = records_of(cases_of(POOLED, folder), *specs)
    rows = [lane_row(spec, None, len(records), records) for spec in specs]
    return assemble(
        records=records,
        lanes=rows,
        started="2026-01-01T00:00:00Z",
        seconds=1.0,
        command="pytest cases",
        not_run={},
        is_complete=True,
    )


def places(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of everything that stands in nested JSON."""
    steps = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, inner in steps:
        yield (*at, step)
        yield from places(inner, (*at, step))


def damaged(whole: dict[str, Any], place: tuple[Any, ...], junk: Any) -> dict[str, Any]:
    copied = copy.deepcopy(whole)
    inner: Any = copied
    for step in place[:-1]:
        inner = inner[step]
    if junk == "nothing":
        del inner[place[-1]]
    else:
        inner[place[-1]] = junk
    return copied


def test_what_a_run_wrote_has_the_form(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps(results_in(tmp_path)), encoding="utf-8")
    assert read(path)["footer"]["complete"]


def test_results_from_before_a_way_back_could_fail_are_read(tmp_path: Path) -> None:
    path, older = tmp_path / "results.json", results_in(tmp_path)
    assert {held["gradient_failure"] is None for held in older["cases"][0]["lanes"].values()} == {True, False}
    for held in older["cases"][0]["lanes"].values():
        del held["gradient_failure"]
    path.write_text(json.dumps(older), encoding="utf-8")
    assert read(path)["footer"]["complete"]


def test_any_one_damage_is_refused_or_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """120 places drawn at a fixed seed, each with one kind of junk; about half a minute would try all."""
    whole, path = results_in(tmp_path), tmp_path / "results.json"
    generator = random.Random(20)
    every = list(places(whole))
    outcomes = []
    for place in generator.sample(every, 120):
        path.write_text(json.dumps(damaged(whole, place, generator.choice((*JUNK, "nothing")))), encoding="utf-8")
        outcomes.append((cli.main(["report", str(path), "-o", str(tmp_path / "report.html")]), place))
    assert [place for code, place in outcomes if code not in (Exit.OK, Exit.BAD_INPUT)] == []
    assert sum(code is Exit.BAD_INPUT for code, _ in outcomes) > 60
    assert "Traceback" not in capsys.readouterr().err


def test_numbers_that_lie_otherwise_than_their_shape_says_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    whole = results_in(tmp_path)
    whole["cases"][0]["lanes"]["numpy"]["runs"][0]["embedded"]["shape"][0] += 1
    path.write_text(json.dumps(whole), encoding="utf-8")
    with pytest.raises(ResultsError, match=r"runs\.0\.embedded\.values: must have shape"):
        read(path)


def test_lists_in_lists_without_end_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    whole = results_in(tmp_path)
    path.write_text(json.dumps(whole).replace('"command": "pytest cases"', '"command": ' + "[" * 900 + "]" * 900))
    with pytest.raises(ResultsError):
        read(path)
    deep = json.dumps(whole["cases"][0]["lanes"]["numpy"]["runs"][0]["embedded"]["values"])
    path.write_text(json.dumps(whole).replace(deep, "[" * 960 + "1" + "]" * 960))
    with pytest.raises(ResultsError, match=r"must have shape|nested too deeply"):
        read(path)


def test_the_message_names_case_and_place(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    whole = results_in(tmp_path)
    whole["cases"][0]["lanes"] = ["\x1b[31mred\x1b[0m" * 100]
    path.write_text(json.dumps(whole), encoding="utf-8")
    with pytest.raises(ResultsError) as caught:
        read(path)
    message = str(caught.value)
    assert "cases[0] " in message
    assert " lanes: should be a" in message
    assert "\x1b" not in message
    assert "run the cases again" in str(caught.value.hint)
