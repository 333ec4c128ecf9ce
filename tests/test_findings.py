"""The findings session: what is kept and run again, what is stale and missing, and the tables that it writes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from benchmarks import findings
from benchmarks.findings import findings_of, kept, main, parts, problems_of, ran, spec_of
from benchmarks.findings_page import HEAD, block, row, written
from conformance import results
from conformance.case.load import load_folder
from conformance.errors import ConformanceError
from conformance.gate.deviations import load_folder as load_deviations
from tests.builders import cases_of
from tests.gate.builders import CASE, TWO, results_of
from tests.typed import as_record

LANE = "keras"
LOST = """
schema_version: 1
deviations:
  - id: lost-mask
    cases: [fam/topic.masked, fam/topic.other]
    lanes: [keras]
    aspect: mask
    observed: {node: embedded, got: none}
    when: keras==3.15.1
    kind: upstream
    reason: The mask | is lost.
    link: https://example.org/1
    owner: alice
    added: 2026-11-30
    expires: 2027-05-30
"""
PAGE = f"""before
<!-- lanes: written by nox -s findings -->
{HEAD}| `keras` | Keras 3.14.0 | 2026-01-01 | 1 | 1 | 0 | 0 | 0 | 0 | 0 of 0 |
| `keras-jax` | JAX 0.10.2 | 2026-01-02 | 1 | 1 | 0 | 0 | 0 | 0 | 0 of 0 |
<!-- lanes: end -->
by hand
<!-- listed keras: written by nox -s findings -->
<!-- listed keras: end -->
after
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of two cases and one listed deviation."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "deviations").mkdir()
    (tmp_path / "deviations/all.yaml").write_text(LOST)
    cases_of(TWO, tmp_path / "cases")
    monkeypatch.setattr(findings, "stamp", lambda root: "code")
    return tmp_path


class Runs:
    """In the place of pytest: writes what this fake answers to the items that it is given."""

    def __init__(self, behaviour: str, code: int = 0, only: str | None = None) -> None:
        self.behaviour, self.code, self.only = behaviour, code, only
        self.items: list[list[str]] = []

    def __call__(self, lanes: Sequence[str], items: Sequence[str], file: Path, options: Sequence[str]) -> int:
        assert not list(Path(options[options.index("--deviations") + 1]).iterdir()), "nothing is excused yet"
        self.items.append([item.partition("::")[2] for item in items])
        made = results_of(self.behaviour, lane=LANE, versions={"keras": "3.15.1"}, only=self.only)
        made["cases"] = [record for record in made["cases"] if record["id"] in self.items[-1]]
        made["footer"]["cases"] = len(made["cases"])
        results.write(as_record(made), file)
        return self.code


def run_as(monkeypatch: pytest.MonkeyPatch, behaviour: str, **more: object) -> Runs:
    runs = Runs(behaviour, **more)
    monkeypatch.setattr(findings, "run_cases", runs)
    return runs


def test_what_was_run_is_kept_and_a_stopped_run_goes_on(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = run_as(monkeypatch, "no_mask")
    cases = load_folder(Path("cases"))
    monkeypatch.setattr(findings, "PART", 1)
    assert [len(part) for part in parts(cases, kept(Path("k"), LANE, cases, "code"), 1)] == [1, 1]
    ran(Path("k"), LANE, cases[:1], "code")
    ran(Path("k"), LANE, cases, "code")
    assert runs.items == [[cases[0].id], [cases[1].id]]
    ran(Path("k"), LANE, cases, "code")
    assert len(runs.items) == 2
    ran(Path("k"), LANE, cases, "other code")
    assert len(runs.items) == 3


def test_a_case_that_was_edited_runs_again(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_as(monkeypatch, "no_mask")
    cases = load_folder(Path("cases"))
    held = ran(Path("k"), LANE, cases, "code")
    assert list(parts(cases, held)) == []
    file = Path(cases[0].position.path)
    file.write_text(file.read_text().replace("dim: 3", "dim: 4", 1))
    edited = load_folder(Path("cases"))
    assert sum(map(len, parts(edited, kept(Path("k"), LANE, edited, "code")))) == 2


def test_a_part_without_results_is_an_error(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_as(monkeypatch, "no_mask", code=4)
    with pytest.raises(ConformanceError, match="keras: part 1 ended with exit code 4"):
        ran(Path("k"), LANE, load_folder(Path("cases")), "code")


def test_what_is_listed_and_happens_is_no_problem(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_as(monkeypatch, "no_mask")
    Path("findings.md").write_text(PAGE)
    assert main(["--lane", "keras", "--keep", "k", "-o", "findings.md"]) == 0
    page = Path("findings.md").read_text()
    assert "| `keras` | Keras 3.15.1 | 2026-11-21 | 2 | 0 | 2 | 0 | 0 | 0 | 2 of 2 |\n| `keras-jax` | JAX" in page
    assert "| 2 | `fam/topic.masked` | The mask \\| is lost. |" in page
    assert page.startswith("before\n")
    assert "by hand" in page
    assert page.endswith("after\n")
    assert main(["--lane", "keras", "--keep", "k", "-o", "findings.md", "--kept-only"]) == 0
    assert Path("findings.md").read_text() == page


def test_what_is_stale_fails(here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    run_as(monkeypatch, "no_mask", only=CASE)
    assert main(["--lane", "keras", "--keep", "k"]) == 1
    assert "stale deviation lost-mask: fam/topic.other agrees now" in capsys.readouterr().out


def test_what_nobody_listed_fails_and_is_drafted(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run_as(monkeypatch, "no_mask")
    Path("deviations/all.yaml").write_text("schema_version: 1\ndeviations: []\n")
    assert main(["--lane", "keras", "--keep", "k"]) == 1
    assert "keras: fam/topic.masked: differ, and nobody has listed it" in capsys.readouterr().out
    assert "cases:\n      - fam/topic.masked\n      - fam/topic.other\n" in Path("k/keras.draft.yaml").read_text()


def test_deviations_are_applied_anew_to_what_was_kept(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_as(monkeypatch, "no_mask")
    cases = load_folder(Path("cases"))
    held = ran(Path("k"), LANE, cases, "code")
    listed = load_deviations(Path("deviations"))
    known = findings_of(LANE, held, listed, cases)
    assert (known.counts()["differ"], known.counts()["listed"], problems_of(known)) == (2, 2, [])
    unknown = findings_of(LANE, held, (), cases)
    assert (unknown.counts()["listed"], len(problems_of(unknown))) == (0, 2)


def test_cases_that_did_not_run_are_a_problem_and_write_no_row(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_as(monkeypatch, "no_mask")
    cases = load_folder(Path("cases"))
    ran(Path("k"), LANE, cases[:1], "code")
    Path("findings.md").write_text(PAGE)
    assert main(["--lane", "keras", "--keep", "k", "-o", "findings.md", "--kept-only"]) == 1
    assert Path("findings.md").read_text() == PAGE


def test_a_page_without_a_place_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run_as(monkeypatch, "no_mask")
    cases = load_folder(Path("cases"))
    found = findings_of(LANE, ran(Path("k"), LANE, cases, "code"), load_deviations(Path("deviations")), cases)
    with pytest.raises(ValueError, match="the page has no place for listed keras"):
        written(PAGE.replace("listed keras", "listed other"), found)
    assert row(found) in written(PAGE, found)
    assert block(found) in written(PAGE, found)


def test_every_lane_has_its_place_in_the_page() -> None:
    page = (Path(__file__).parents[1] / "docs/evidence/findings.md").read_text()
    for lane in findings.LANES:
        name = spec_of(lane).name
        assert f"<!-- listed {name}: written by nox -s findings -->\n" in page, name
        assert f"| `{name}` |" in page, name


def test_the_digest_is_of_what_computes(tmp_path: Path) -> None:
    (tmp_path / "conformance/lanes").mkdir(parents=True)
    (tmp_path / "constraints.txt").write_text("keras==3.15.1\n")
    (tmp_path / "conformance/lanes/a.py").write_text("a = 1\n")
    first = findings.stamp(tmp_path)
    (tmp_path / "conformance/lanes/a.py").write_text("a = 2\n")
    assert findings.stamp(tmp_path) != first
