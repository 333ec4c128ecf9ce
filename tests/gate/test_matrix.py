"""The matrix: which lanes say the same, in what words answers are told apart, and every form of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from conformance.case import load
from conformance.case.load import load_folder
from conformance.case.model import Case
from conformance.cli import main
from conformance.cli.matrix import chosen
from conformance.errors import UsageError
from conformance.gate import asking, releases
from conformance.gate.matrix import Cell, Line, Span, changes, ends, grouped, labels, spans
from conformance.gate.matrix_text import markdown, text
from conformance.gate.selection import selected
from tests.builders import POOLED, cases_of
from tests.gate.asked import html, json_text, matrix, rendered, shown_cases, write
from tests.gate.builders import CASE, OTHER, TWO, results_of

LANES = ("keras@3.3.3", "keras@3.4.0", "keras@3.6.0")


def several(behaviours: Mapping[str, str]) -> dict[str, Any]:
    """Results of one lane for each behaviour, over two cases; the behaviour befalls the first of them."""
    whole: dict[str, Any] = {}
    for lane, behaviour in behaviours.items():
        found = results_of(behaviour, only=CASE, lane=lane, text=TWO, versions={"keras": lane[-5:]})
        if not whole:
            whole = found
            continue
        for record, other in zip(whole["cases"], found["cases"], strict=True):
            record["lanes"][lane] = other["lanes"][lane]
        whole["lanes"].append(next(row for row in found["lanes"] if row["name"] == lane))
    return whole


@pytest.fixture
def masks() -> dict[str, Any]:
    """Three versions, the first of which loses the mask."""
    return several(dict(zip(LANES, ("no_mask", "always_right", "always_right"), strict=True)))


def test_lanes_of_one_answer_share_a_letter_and_a_change_is_marked(masks: dict[str, Any]) -> None:
    first, second = matrix(masks, LANES)
    assert first.cells == (Cell("A", "differ", False), Cell("B", "agree", True), Cell("B", "agree", False))
    assert second.cells == tuple(Cell("A", "agree", False) for _ in LANES)


def test_words_name_what_tells_an_answer_from_the_others(masks: dict[str, Any]) -> None:
    """Written out from POOLED: 2 and 3 of 5 ids are not 0."""
    first, second = matrix(masks, LANES)
    assert first.answers == {"A": "mask of embedded none", "B": "mask of embedded 11000 11100"}
    assert second.answers == {"A": "pooled (2, 3)"}


def test_every_difference_between_answers_is_in_their_words() -> None:
    found = several(dict(zip(LANES, ("no_mask", "always_wrong", "always_right"), strict=True)))
    answers = matrix(found, LANES)[0].answers
    assert answers["A"].startswith("mask of embedded none")
    assert answers["B"].startswith("mask of embedded 11000 11100; embedded ")
    assert answers["C"].startswith("mask of embedded 11000 11100; embedded ")
    assert len(set(answers.values())) == 3


def test_a_lane_that_raised_says_so() -> None:
    found = several({"keras@3.3.3": "raises", "keras@3.4.0": "always_right"})
    assert matrix(found, LANES[:2])[0].answers["A"].startswith("raises RuntimeError in ")


def test_a_lane_that_did_not_have_the_case_has_no_cell(masks: dict[str, Any]) -> None:
    del masks["cases"][0]["lanes"]["keras@3.4.0"]
    line = matrix(masks, LANES)[0]
    assert line.cells[1] is None
    assert line.cells[2] == Cell("B", "agree", True)
    assert spans(line) == [Span(0, 0, line.cells[0]), Span(1, 1, None), Span(2, 2, line.cells[2])]


def test_neighbours_of_one_answer_make_a_span(masks: dict[str, Any]) -> None:
    line = matrix(masks, LANES)[0]
    assert [(span.first, span.last) for span in spans(line)] == [(0, 0), (1, 2)]


def test_a_span_names_its_ends_package_by_package() -> None:
    lanes = ["tf_keras", *LANES, "torch"]
    assert ends(Span(0, 2, None), lanes, labels(lanes)) == "tf_keras and 3.3.3 to 3.4.0"
    assert ends(Span(3, 4, None), lanes, labels(lanes)) == "3.6.0 and torch"
    assert ends(Span(1, 1, None), lanes, labels(lanes)) == "3.3.3"


def test_another_verdict_is_another_span() -> None:
    line = Line("a", "", (Cell("A", "known", False), Cell("A", "differ", False)), {"A": "x"})
    assert len(spans(line)) == 2


def test_cases_that_read_the_same_are_one_group_and_others_are_not() -> None:
    cells = (Cell("A", "differ", False), Cell("B", "agree", True))
    lines = [Line(name, "", cells, {"A": "x", "B": words}) for name, words in (("a", "y"), ("b", "z"), ("c", "y"))]
    assert [[line.case for line in group.lines] for group in grouped(lines)] == [["a", "c"], ["b"]]


def test_changes_are_counted_in_the_lane_where_they_appear(masks: dict[str, Any]) -> None:
    assert list(changes(matrix(masks, LANES), LANES)) == [("keras@3.4.0", [CASE])]


@pytest.mark.parametrize(
    ("lanes", "short"),
    [
        (LANES, ["3.3.3", "3.4.0", "3.6.0"]),
        (("tf_keras", *LANES), ["tf_keras", "3.3.3", "3.4.0", "3.6.0"]),
        (("keras@3.3.3", "torch@2.1.0"), ["keras@3.3.3", "torch@2.1.0"]),
        (("keras", "torch"), ["keras", "torch"]),
    ],
)
def test_columns_have_the_version_alone_where_that_is_enough(lanes: Sequence[str], short: list[str]) -> None:
    assert labels(lanes) == short


def test_of_one_lane_there_is_one(masks: dict[str, Any]) -> None:
    assert text(matrix(masks, LANES[:1]), LANES[:1]).startswith(
        "0 of 2 cases have more than one answer in 1 lane, of keras"
    )


def test_the_whole_text(masks: dict[str, Any]) -> None:
    assert text(matrix(masks, LANES), LANES) == (
        "1 of 2 cases has more than one answer in 3 lanes, of keras\n"
        "✓ as the reference, ✗ otherwise, ! raised or was lost, ≈ known deviation, – cannot do it; ▸ another answer\n"
        "\n"
        "case              3.3.3  3.4.0  3.6.0\n"
        "fam/topic.masked   A✗    ▸B✓     B✓\n"
        "    A: mask of embedded none\n"
        "    B: mask of embedded 11000 11100\n"
        "\n"
        "answers that changed, by lane:\n"
        "  3.4.0  1\n"
    )


def test_every_case_on_request(masks: dict[str, Any]) -> None:
    assert OTHER not in text(matrix(masks, LANES), LANES)
    assert OTHER in text(matrix(masks, LANES), LANES, every=True)


def test_the_whole_markdown(masks: dict[str, Any]) -> None:
    assert markdown(matrix(masks, LANES), LANES) == (
        "**1 of 2 cases has more than one answer in 3 lanes, of keras.** ✓ as the reference, ✗ otherwise, ! raised or "
        "was lost, ≈ known deviation, – cannot do it; ▸ another answer.\n"
        "\n"
        "| case | answers |\n"
        "|---|---|\n"
        "| `fam/topic.masked` | A ✗ 3.3.3: mask of embedded none<br>"
        "▸ B ✓ 3.4.0 to 3.6.0: mask of embedded 11000 11100 |\n"
        "\n"
        "| answers changed in | cases |\n"
        "|---|---|\n"
        "| 3.4.0 | 1: `fam/topic.masked` |\n"
    )


def test_markdown_keeps_its_table(masks: dict[str, Any]) -> None:
    masks["cases"][0]["lanes"]["keras@3.3.3"]["failure"] = {
        "type": "ValueError",
        "phase": "build",
        "node": "x",
        "message": "a | b <script> @team",
    }
    written = markdown(matrix(masks, LANES), LANES)
    (row,) = [line for line in written.splitlines() if line.startswith("| `fam/topic.masked`")]
    assert row.replace("\\|", "").count("|") == 3
    assert "\\<script\\>" in row
    assert "@team" not in row


def test_cases_of_one_matrix_are_named_by_their_ends() -> None:
    cells = (Cell("A", "differ", False), Cell("B", "agree", True))
    ids = ["f/t.one-kind_Add", "f/t.one-kind_Average", "f/t.two"]
    lines = [Line(case, "", cells, {"A": "x", "B": "y"}) for case in ids]
    assert "| `f/t.one-kind_Add`<br>and so `-kind_Average`, `f/t.two` |" in markdown(lines, LANES[:2])


def test_json_has_every_case_and_every_cell(masks: dict[str, Any]) -> None:
    whole = json.loads(json_text(matrix(masks, LANES), LANES, masks["lanes"]))
    assert [case["id"] for case in whole["cases"]] == [CASE, OTHER]
    assert whole["cases"][0]["cells"][1] == {
        "lane": "keras@3.4.0",
        "answer": "B",
        "verdict": "agree",
        "is_change": True,
    }
    assert whole["lanes"][0] == {"name": "keras@3.3.3", "versions": {"keras": "3.3.3"}}
    assert whole["changes"] == {"keras@3.4.0": [CASE]}


def test_an_answer_is_as_wide_as_its_versions(masks: dict[str, Any]) -> None:
    page = html(matrix(masks, LANES), LANES, masks)
    assert '<td colspan="2" class="moved">' in page
    assert "3.4.0 to 3.6.0" in page
    assert "mask of embedded 11000 11100 (as the reference)" in page
    assert f'<th scope="row" id="{CASE}">' in page
    assert page == html(matrix(masks, LANES), LANES, masks)


def test_nothing_in_a_field_is_obeyed(masks: dict[str, Any]) -> None:
    hostile = "</style><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}\u202e"
    masks["cases"][0].update(question=hostile, id="f/t." + hostile)
    masks["command"] = hostile
    page = html(matrix(masks, LANES), LANES, masks)
    assert "<script" not in page
    assert "<img" not in page
    assert ">49" not in page
    assert "\u202e" not in page
    assert "script-src" not in page


def test_a_range_is_the_last_patch_of_each_minor_and_others_stand_as_written(monkeypatch: pytest.MonkeyPatch) -> None:
    known = ["3.3.2", "3.3.3", "3.4.0", "3.4.1", "3.5.0", "3.6.0"]
    monkeypatch.setattr(releases, "published", lambda package: known)
    assert chosen("3.3..3.5", "keras") == ["3.3.3", "3.4.1", "3.5.0"]
    assert chosen("3.6.0, 3.4.0,3.3..3.4", "keras") == ["3.3.3", "3.4.0", "3.4.1", "3.6.0"]


def test_a_list_of_versions_asks_no_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(releases, "published", lambda package: pytest.fail("the index was asked"))
    assert chosen("3.15.1,3.3.3,3.15.1", "keras") == ["3.3.3", "3.15.1"]


@pytest.mark.parametrize(
    ("versions", "message"),
    [
        ("three", "--versions three: 'three' is not a version\n   = help: a version or a range: 3.3.3 or 3.0..3.15"),
        ("3.0..", "--versions 3.0..: '' is not a version"),
        (",", "--versions names none\n   = help: as in --versions 3.0..3.15"),
    ],
)
def test_what_is_no_version_is_named(versions: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        chosen(versions, "keras")
    assert str(caught.value).startswith(message)


def test_ids_become_items_and_files_and_options_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cases_of(POOLED, tmp_path / "cases")
    file = "cases/fam/topic.case.yaml"
    given = ["fam/topic.masked", file, f"{file}::x", "-k", "a/b", "-q"]
    assert selected(given) == [f"{file}::fam/topic.masked", file, f"{file}::x", "-k", "a/b", "-q"]
    with pytest.raises(UsageError, match=r"did you mean fam/topic\.masked\?"):
        selected(["fam/topic.maskd"])


def test_cases_that_a_command_made_are_named_as_written_ones_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cases_of(POOLED, tmp_path / "cases")
    (tmp_path / "kinds").mkdir()
    made = (tmp_path / "cases" / "fam" / "topic.case.yaml").read_text(encoding="utf-8")
    (tmp_path / "kinds" / "topic.case.yaml").write_text(made, encoding="utf-8")
    assert selected(["kinds/topic.masked"]) == ["kinds/topic.case.yaml::kinds/topic.masked"]
    with pytest.raises(UsageError, match=r"kinds/topic\.maskd: no such file or folder"):
        selected(["kinds/topic.maskd"])


def test_a_folder_is_read_once_for_all_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    cases_of(POOLED, tmp_path / "cases")
    read: list[Path] = []

    def counted(path: Path) -> tuple[Case, ...]:
        read.append(path)
        return load_folder(path)

    monkeypatch.setattr(load, "load_folder", counted)
    selected(["fam/topic.masked", "fam/topic.masked", "topic.masked"])
    assert read == [Path("cases")]


MISTAKES = {
    "nothing": ([], "a matrix of what?"),
    "both": (["--versions", "3.0.5", "--results", "r.json"], "--versions runs cases, --results shows a run"),
    "no lane": (["--results", "r.json", "--lane", "x"], "there is no lane x in r.json\n   = help: lanes: "),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_a_message_with_a_way_out(
    name: str,
    tmp_path: Path,
    masks: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(masks, tmp_path / "r.json")
    arguments, words = MISTAKES[name]
    assert main(["matrix", *arguments]) == 4
    assert words in capsys.readouterr().err


def test_versions_are_run_as_lanes_after_those_that_were_added(
    tmp_path: Path, masks: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[list[str], list[str]]] = []

    def run_cases(lanes: list[str], arguments: list[str], path: Path) -> int:
        asked.append((lanes, arguments))
        write(masks, path)
        return 1

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(asking, "run_cases", run_cases)
    cases_of(POOLED, tmp_path / "cases")
    assert main(["matrix", "--versions", "3.6.0,3.4.0", "--lane", "tf_keras", CASE, "--", "-n", "2"]) == 0
    lanes, arguments = asked[0]
    assert lanes == ["tf_keras", "keras@3.4.0", "keras@3.6.0"]
    assert arguments == [f"cases/fam/topic.case.yaml::{CASE}", "-n", "2"]
    printed = capsys.readouterr()
    assert printed.err.startswith("conformance: asking tf_keras, keras 3.4.0, 3.6.0")
    assert printed.out.startswith("1 of 2 cases has more than one answer in 3 lanes")
    assert [path.name for path in (tmp_path / "reports").iterdir()] == ["matrix.json"]


def test_a_file_that_is_asked_for_is_all_that_is_written(
    tmp_path: Path, masks: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(asking, "run_cases", lambda _, __, path: write(masks, path) or 0)
    cases_of(POOLED, tmp_path / "cases")
    assert main(["matrix", "--versions", "3.6.0", "-o", "m.html"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases", "m.html"]
    assert main(["matrix", "--versions", "3.6.0", "-o", "m.html", "--keep", "kept.json"]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cases", "kept.json", "m.html"]


def test_a_run_that_could_not_be_made_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(asking, "run_cases", lambda *_: 5)
    cases_of(POOLED, tmp_path / "cases")
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "matrix.json").write_text("of an earlier run", encoding="utf-8")
    assert main(["matrix", "--versions", "3.6.0"]) == 5
    assert (tmp_path / "reports" / "matrix.json").read_text(encoding="utf-8") == "of an earlier run"


@pytest.mark.parametrize(
    ("wanted", "kept"),
    [
        ([], [CASE, OTHER]),
        ([CASE], [CASE]),
        (["other"], [OTHER]),
        (["cases/fam/topic.case.yaml"], [CASE, OTHER]),
        (["cases/"], [CASE, OTHER]),
    ],
)
def test_cases_of_a_run_can_be_chosen(wanted: list[str], kept: list[str], masks: dict[str, Any]) -> None:
    for record in masks["cases"]:
        record["path"] = "cases/fam/topic.case.yaml"
    assert [record["id"] for record in shown_cases(masks, wanted, "r.json")["cases"]] == kept


def test_a_case_that_a_run_does_not_hold_is_named(masks: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=r"no case is called fam/topic\.maskd in r\.json"):
        shown_cases(masks, ["fam/topic.maskd"], "r.json")


@pytest.mark.parametrize("form", ["text", "markdown", "json", "html"])
def test_the_command_writes_each_form(form: str, tmp_path: Path, masks: dict[str, Any]) -> None:
    path = tmp_path / "r.json"
    write(masks, path)
    output = tmp_path / "out"
    assert main(["matrix", "--results", str(path), "--format", form, "-o", str(output)]) == 0
    written = output.read_text(encoding="utf-8")
    assert written.endswith(rendered(masks, list(LANES), form, every=False))
    assert written.startswith("# Answers by version\n") is (form == "markdown")


def test_the_name_of_the_file_says_the_form(tmp_path: Path, masks: dict[str, Any]) -> None:
    path = tmp_path / "r.json"
    write(masks, path)
    assert main(["matrix", "--results", str(path), "-o", str(tmp_path / "m.html")]) == 0
    assert (tmp_path / "m.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
