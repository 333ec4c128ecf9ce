"""A gate over results that somebody has already: what is compared, what is accepted, and what is refused."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from conformance import results
from conformance.errors import Exit, UsageError
from conformance.gate import gate as gates
from conformance.gate.gate import Request, gate
from tests.gate.builders import results_of
from tests.typed import as_record

OLD, NEW = "keras@3.6.0", "keras@3.7.0"


@pytest.fixture(autouse=True)
def nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(gates, "prepared", lambda spec: None)
    monkeypatch.setattr(gates, "_asked_again", lambda *asked: None)


def both(old: str, new: str, file: Path) -> Path:
    """Results of one run in two versions, which answer as these fakes do."""
    one = results_of(old, lane=OLD, versions={"keras": "3.6.0"})
    other = results_of(new, lane=NEW, versions={"keras": "3.7.0"})
    for record, second in zip(one["cases"], other["cases"], strict=True):
        record["lanes"][NEW] = second["lanes"][NEW]
    one["lanes"].append(next(row for row in other["lanes"] if row["name"] == NEW))
    results.write(as_record(one), file)
    return file


def asked(file: Path, **more: object) -> int:
    return gate(Request(OLD, NEW, (), Path("out"), results=file, **{"modes": ("eager",), **more}))


def test_what_somebody_ran_already_is_compared(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert asked(both("always_right", "no_mask", tmp_path / "r.json")) == Exit.DISAGREE
    said = capsys.readouterr().out
    assert "wrong mask of embedded: 11000 11100 -> none" in said
    assert re.search(r"took \d+ s to ask again what moved\n$", said), "what a side computed for was not computed here"
    assert sorted(path.name for path in Path("out").iterdir()) == ["gate.html", "gate.json", "gate.xml"]
    assert asked(both("always_right", "always_right", tmp_path / "r.json")) == Exit.OK


def asked_code(file: Path) -> tuple[int, str]:
    """The exit code, and what stands first in the verdict."""
    code = asked(file)
    told = json.loads(Path("out/gate.json").read_text())["counts"]
    return code, next(f"{count} {section}" for section, count in told.items() if count)


def filled_in(draft: Path) -> str:
    return draft.read_text().replace('who: ""', "who: alice").replace('why: ""', "why: We mask nothing.")


def test_what_is_accepted_passes_until_it_changes_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = both("always_right", "no_mask", tmp_path / "r.json")
    assert asked(file, drafts_accepted=True) == Exit.DISAGREE
    accepted = Path("accepted.yaml")
    accepted.write_text(filled_in(Path("out/accepted.draft.yaml")))
    assert asked(file, accepted=accepted) == Exit.OK
    capsys.readouterr()
    assert asked(both("always_right", "inverted_mask", tmp_path / "r.json"), accepted=accepted) == Exit.DISAGREE
    assert "moved otherwise than alice accepted" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"arguments": ("cases/merge",)}, "cases/merge: with --results nothing is selected"),
        ({"modes": ("eager", "function")}, r"r\.json holds no answers of keras@3\.6\.0\+function"),
        ({"new": "keras@3.8.0"}, r"r\.json holds no answers of keras@3\.8\.0"),
    ],
)
def test_results_that_cannot_answer_are_refused(tmp_path: Path, more: dict[str, object], message: str) -> None:
    file = both("always_right", "no_mask", tmp_path / "r.json")
    request = {"old": OLD, "new": NEW, "arguments": (), "output": Path("out"), "results": file, "modes": ("eager",)}
    with pytest.raises(UsageError, match=message):
        gate(Request(**{**request, **more}))


def test_what_was_asked_again_is_kept_beside_results_and_not_asked_a_third_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[object] = []
    monkeypatch.setattr(gates, "_asked_again", lambda *given: calls.append(given))
    file = both("always_right", "no_mask", tmp_path / "r.json")
    results.write(results.read(both("always_right", "no_mask", tmp_path / "second.json")), tmp_path / gates.AGAIN)
    assert calls == []
    assert asked_code(file) == (Exit.DISAGREE, "2 wrong now")
    assert calls == [], "both sides said the same then"
    both("always_right", "inverted_mask", tmp_path / gates.AGAIN)
    assert asked_code(file) == (Exit.OK, "2 not reproducible")
    again = results_of("no_mask", lane=NEW, versions={"keras": "3.8.0"})
    results.write(as_record(again), tmp_path / gates.AGAIN)
    assert asked_code(file) == (Exit.DISAGREE, "2 wrong now")
    assert len(calls) == 1, "that was another version's"
