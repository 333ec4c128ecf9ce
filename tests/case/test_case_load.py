"""Files and folders of cases: ids, places, texts and digests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from conformance.case.load import load_file, load_folder
from conformance.case.model import Demands, Source
from conformance.errors import CaseError, Exit, UsageError
from tests.case.casefile import layers_of_tests, load, message, only, text_with

ROOT = Path(__file__).parents[2]

COMMENTED = """\
schema_version: 1
topic: t
tags: [slow]
questions: [3]
source: {kind: docs, reference: page}
cases:
  # about a
  - id: a
    question: >
      q
      r
    dims: {batch: 2}
    inputs: {x: {shape: [batch]}}
    graph:
      y: x + 1
      # belongs to a

  # about b
  - id: b   # b
    question: q
    tags: [slow, odd]
    questions: [4]
    source: {kind: hand}
    inputs: {x: {shape: [1]}}
    graph: {y: x,
      z: y}
"""


@pytest.fixture(autouse=True)
def _only_layers_of_tests() -> Iterator[None]:
    with layers_of_tests():
        yield


def test_places_and_texts_are_those_of_the_file(tmp_path: Path) -> None:
    first, second = load(tmp_path, COMMENTED)
    lines = COMMENTED.splitlines()
    assert (str(first.position), str(second.position)) == ("fam/topic.case.yaml:8:5", "fam/topic.case.yaml:19:5")
    assert first.text == "\n".join(lines[7:15])
    assert second.text == "\n".join(lines[18:26])
    assert str(first.graph[0].position) == "fam/topic.case.yaml:15:7"
    assert str(second.graph[1].position) == "fam/topic.case.yaml:26:7"
    assert first.question == "q r\n"


def test_what_a_case_takes_from_its_file(tmp_path: Path) -> None:
    first, second = load(tmp_path, COMMENTED)
    assert (first.tags, first.questions, first.source) == (("slow",), (3,), Source("docs", "page"))
    assert (second.tags, second.questions, second.source) == (("slow", "odd"), (4,), Source("hand"))
    assert first.topic == second.topic == "t"
    assert first.family == "fam"


def test_axes_of_a_case_lie_over_those_of_the_file(tmp_path: Path) -> None:
    case = only(tmp_path, own="    dims: {steps: [7, 9], new: 1}", dynamic="    dynamic: [steps]")
    assert case.dims == {"batch": (2,), "steps": (7, 9), "dim": (3,), "new": (1,)}
    assert case.dynamic == ("batch", "steps")
    assert case.sizes == (
        {"batch": 2, "steps": 7, "dim": 3, "new": 1},
        {"batch": 2, "steps": 9, "dim": 3, "new": 1},
    )


def test_a_case_without_a_source_asks(tmp_path: Path) -> None:
    assert only(tmp_path).source == Source("question")


def test_the_rest_of_a_case(tmp_path: Path) -> None:
    case = only(
        tmp_path,
        lanes="    lanes: [keras, torch, keras@3.3.3, keras-jax]",
        tolerance="    tolerance: {rtol: 1e-5, atol: 0, reason: r}",
        limit="    time_limit: 2",
        kinks="    no_gradients: a tie",
        remark="    remark: m",
    )
    assert case.lanes == ("keras", "torch", "keras@3.3.3", "keras-jax")
    assert case.tolerance is not None
    assert (case.tolerance.rtol, case.tolerance.atol, case.tolerance.reason) == (1e-5, 0.0, "r")
    assert (case.time_limit, case.no_gradients, case.remark) == (2.0, "a tie", "m")


def test_a_case_may_be_judged_more_strictly(tmp_path: Path) -> None:
    case = only(tmp_path, budget="    budget: {scale: 0.5}", exact="    exact: [y]")
    assert (case.budget_scale, case.exact) == (0.5, ("y",))
    assert case.demands == Demands(None, 0.5, frozenset({"y"}))
    assert only(tmp_path).demands == Demands()


SAME_OUTCOME = {
    "question": {"question": "    question: something else"},
    "answer": {"answer": "    answer: '{y.shape}'"},
    "remark": {"remark": "    remark: r"},
    "tags": {"tags": "    tags: [slow]"},
    "kills": {"kills": "    kills: [Dense.no_bias]"},
    "comments": {"comment": "    # a comment"},
    "order of keys": {"layers": "    layers: {dense: {units: 4, type: Dense}}"},
    "spelling": {"layers": "    layers: {dense: {type: 'Dense', units: 0x4}}"},
    "an axis by its name": {"layers": "    layers: {dense: {type: Dense, units: dim + 1}}"},
    "topic": {"topic": "topic: another"},
}
OTHER_OUTCOME = {
    "id": {"id": "  - id: b"},
    "dims": {"dims": "dims: {batch: 2, steps: 6, dim: 3}"},
    "dynamic": {"dynamic": "    dynamic: [steps]"},
    "fill": {"inputs": "    inputs: {x: {shape: [batch, steps, dim], fill: {uniform: [0, 1]}}}"},
    "layer": {"layers": "    layers: {dense: {type: Dense, units: 5}}"},
    "graph": {"graph": "    graph: {y: dense(x), z: y}"},
    "expect": {"expect": "    expect: {y: {dtype: float32}}"},
    "claims": {"graph": "    graph: {y: dense(x), z: y}", "claims": "    claims: [{same: [y, z]}]"},
    "lanes": {"lanes": "    lanes: [keras]"},
    "budget": {"budget": "    budget: {scale: 0.5}"},
    "exact": {"exact": "    exact: [y]"},
    "tolerance": {"tolerance": "    tolerance: {rtol: 1, atol: 0, reason: r}"},
    "gradients": {"gradients": "    no_gradients: a tie"},
}


@pytest.mark.parametrize("name", SAME_OUTCOME)
def test_the_digest_is_that_of_the_outcome(name: str, tmp_path: Path) -> None:
    assert only(tmp_path, **SAME_OUTCOME[name]).digest == only(tmp_path).digest


def test_everything_that_decides_is_in_the_digest(tmp_path: Path) -> None:
    digests = [only(tmp_path).digest] + [only(tmp_path, **lines).digest for lines in OTHER_OUTCOME.values()]
    assert len(set(digests)) == len(digests)


def test_a_data_file_is_in_the_digest_and_its_place_is_not(tmp_path: Path) -> None:
    digests = []
    for folder, numbers in (("one", [1.0, 2.0]), ("two", [1.0, 2.0]), ("three", [1.0, 3.0])):
        (tmp_path / folder / "fam").mkdir(parents=True)
        np.save(tmp_path / folder / "fam" / "x.npy", np.array(numbers))
        digests.append(only(tmp_path / folder, inputs="    inputs: {x: {fill: {file: {path: x.npy}}}}").digest)
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def folder_with(tmp_path: Path, **files: str) -> Path:
    for path, text in files.items():
        file = tmp_path / "cases" / path.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return tmp_path / "cases"


def test_a_folder_in_the_order_of_its_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folder = folder_with(
        tmp_path, **{"b__x.case.yaml": text_with(), "a__y.case.yaml": COMMENTED, "a__data.yaml": "no: case", "a__b": ""}
    )
    cases = load_folder(folder)
    assert [case.id for case in cases] == ["a/y.a", "a/y.b", "b/x.a"]
    assert str(cases[0].position) == "cases/a/y.case.yaml:8:5"


def test_problems_of_all_files(tmp_path: Path) -> None:
    folder = folder_with(
        tmp_path,
        **{
            "a__x.case.yaml": text_with(graph="    graph: {y: dense(z)}"),
            "a__y.case.yaml": "a: [",
            "b__x.case.yaml": text_with(topic="topic: 3"),
            "c__x.case.yml": text_with(),
            "d__Two Words.case.yaml": text_with(),
            "e__x.case.yaml": text_with(),
        },
    )
    with pytest.raises(CaseError) as raised:
        load_folder(folder)
    found = [str(problem).split("\n")[0].removeprefix(f"{folder}/") for problem in raised.value.problems]
    assert found == [
        "a/x.case.yaml:7:14: error: the input x is never read",
        "a/x.case.yaml:9:22: error: unknown node or input z",
        "a/y.case.yaml:1:5: error: not YAML: expected the node content, but found '<stream end>'",
        "b/x.case.yaml:2:8: error: topic must be text, not the integer 3",
        "c/x.case.yml:1:1: error: not the name of a case file",
        "d/Two Words.case.yaml:1:1: error: the file name 'Two Words' cannot be part of an id",
    ]
    assert raised.value.exit == Exit.BAD_INPUT


def test_ids_are_unique_in_a_folder(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, **{"one__fam__x.case.yaml": text_with(), "two__fam__x.case.yaml": text_with()})
    with pytest.raises(CaseError) as raised:
        load_folder(folder)
    assert str(raised.value) == (
        f"{folder}/two/fam/x.case.yaml:5:5: error: a second case has the id fam/x.a\n"
        f"   = help: the first is at {folder}/one/fam/x.case.yaml:5:5"
    )


def test_a_folder_without_cases_and_no_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as raised:
        load_folder(tmp_path)
    assert str(raised.value) == f"there is no case file in {tmp_path}\n   = help: case files end in .case.yaml"
    with pytest.raises(UsageError) as raised:
        load_folder(tmp_path / "none")
    assert str(raised.value) == f"{tmp_path / 'none'} is not a folder\n   = help: name a folder that holds case files"


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CaseError) as raised:
        load_file(tmp_path / "fam" / "x.case.yaml", "x")
    assert str(raised.value) == "x:1:1: error: cannot be read: No such file or directory"


NO_CASE_FILE = {
    "a scalar": "just text\n",
    "a list": "- id: a\n",
    "nothing": "",
    "no cases": "schema_version: 1\ntopic: t\n",
    "cases that are none": "schema_version: 1\ntopic: t\ncases: {a: b}\n",
    "keys without values": "schema_version:\ntopic:\ncases:\n",
    "empty parts": text_with(inputs="    inputs: {}", layers="    layers: {}", graph="    graph: {}"),
    "parts of another kind": text_with(
        dims="dims: [1]", inputs="    inputs: 1", layers="    layers: [1]", graph="    graph: x", more="    matrix: x"
    ),
    "parts of nulls": text_with(
        dims="dims:", inputs="    inputs: {x: }", layers="    layers: {dense: }", graph="    graph: {y: }"
    ),
    "lists of another kind": text_with(
        claims="    claims: [1, {}]", kills="    kills: {a: 1}", expect="    expect: {error: [1], params: 1, y: 1}"
    ),
}


@pytest.mark.parametrize("name", NO_CASE_FILE)
def test_anything_else_is_a_case_error(name: str, tmp_path: Path) -> None:
    assert message(tmp_path, NO_CASE_FILE[name]).startswith("fam/topic.case.yaml:")


def test_2000_cases_and_no_more(tmp_path: Path) -> None:
    head = "schema_version: 1\ntopic: t\ncases:\n"
    case = "  - {{id: c{}, question: q, inputs: {{x: {{shape: [1]}}}}, graph: {{y: x}}}}\n"
    assert len(load(tmp_path, head + "".join(case.format(n) for n in range(2000)))) == 2000
    assert message(tmp_path, head + "".join(case.format(n) for n in range(2001))) == (
        "fam/topic.case.yaml:4:3: error: 2001 cases in one file; 2000 are allowed\n"
        "  |\n4 |   - {id: c0, question: q, inputs: {x: {shape: [1]}}, graph: {y: x}}\n  |   ^\n"
        "   = help: split the file"
    )


def test_variants_count_as_cases(tmp_path: Path) -> None:
    head = "schema_version: 1\ntopic: t\ncases:\n"
    numbers = ", ".join(str(n) for n in range(1, 1001))
    case = (
        "  - {{id: c{}, question: q, matrix: {{n: ["
        + numbers
        + "]}}, inputs: {{x: {{shape: [n]}}}}, graph: {{y: x}}}}\n"
    )
    shown = message(tmp_path, head + "".join(case.format(n) for n in range(3)))
    assert shown.startswith("fam/topic.case.yaml:6:5: error: more than 2000 cases in one file")


def test_collecting_cases_imports_no_framework(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, **{"a__x.case.yaml": text_with()})
    code = (
        "import sys\n"
        "from conformance.case.load import load_folder\n"
        "assert 'autograd' not in sys.modules, 'the reference is imported before a case needs it'\n"
        f"load_folder({str(folder)!r})\n"
        "print([name for name in ('tensorflow', 'keras', 'torch', 'jax') if name in sys.modules])\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
