"""What the reference gave once is given again, as long as nothing that it depends on has changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from conformance.lanes.worker import sendable
from conformance.oracle import kept
from conformance.oracle.kept import PACKAGE, KeptAnswers, read, surroundings, trim, write
from conformance.oracle.run import message
from conformance.plans.draw import plan_of
from conformance.protocol.plan import Plan, read_only
from tests.builders import POOLED, cases_of

GRU = """
    schema_version: 1
    topic: a layer with gradients
    source: {kind: hand}
    dims: {batch: 2, steps: 3, features: 4}
    cases:
      - id: gru
        question: Is it kept whole?
        inputs: {x: {shape: [batch, steps, features]}}
        layers: {gru: {type: GRU, units: 2}, dense: {type: Dense, units: 2}}
        graph: {y: gru(x), z: dense(y)}
"""


def plan_in(folder: Path, text: str = GRU) -> Plan:
    return plan_of(cases_of(text, folder)[0], policies=("mixed_bfloat16",))


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of the plans that are really computed from here on."""
    computed: list[str] = []

    def answer(plan: Plan) -> dict[str, Any]:
        computed.append(plan.id)
        return message(plan)

    monkeypatch.setattr(kept, "computed", answer)
    return computed


@pytest.mark.parametrize("text", [GRU, POOLED])
def test_a_kept_answer_is_the_answer(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, computed = plan_in(tmp_path, text), counted(monkeypatch)
    first, second = (KeptAnswers(tmp_path / "kept").message(plan) for _ in range(2))
    assert len(computed) == 1
    assert sendable(first) == sendable(second) == sendable(message(plan))


def test_another_name_or_time_limit_is_the_same_question(tmp_path: Path) -> None:
    plan, answers = plan_in(tmp_path), KeptAnswers(tmp_path / "kept")
    assert answers.digest(plan) == answers.digest(replace(plan, id="other", time_limit=1.0))


def test_anything_else_that_a_plan_says_is_another_one(tmp_path: Path) -> None:
    plan, answers = plan_in(tmp_path), KeptAnswers(tmp_path / "kept")
    weights = {**plan.layers["dense"].weights, "bias": read_only([0.5, 0.25])}
    others = (
        replace(plan, runs=({"x": read_only(plan.runs[0]["x"] + 1)},)),
        replace(plan, layers={**plan.layers, "dense": replace(plan.layers["dense"], weights=weights)}),
        replace(plan, policies=()),
        replace(plan, cotangents={}),
        replace(plan, observed=("y",)),
        replace(plan, graph=tuple(reversed(plan.graph))),
    )
    assert len({answers.digest(one) for one in (plan, *others)}) == 1 + len(others)


def test_a_failure_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, computed = plan_in(tmp_path), counted(monkeypatch)
    wrong = replace(plan, graph=(*plan.graph[:1], replace_node(plan, "z", "x @ y")))
    for _ in range(2):
        assert KeptAnswers(tmp_path / "kept").message(wrong)["failure"] is not None
    assert len(computed) == 2


def replace_node(plan: Plan, name: str, text: str) -> Any:
    return next(node for node in plan.graph if node.name == name)._replace(expression=text)


def nothing(raw: bytes) -> bytes:
    return b""


def cut(raw: bytes) -> bytes:
    return raw[:-1]


def flipped(raw: bytes) -> bytes:
    return raw[:-9] + bytes([raw[-9] ^ 1]) + raw[-8:]


def foreign(raw: bytes) -> bytes:
    return b"{}"


@pytest.mark.parametrize("damage", [nothing, cut, flipped, foreign])
def test_what_is_damaged_is_made_again(damage: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, answers = plan_in(tmp_path), KeptAnswers(tmp_path / "kept")
    right = sendable(answers.message(plan))
    (path,) = (tmp_path / "kept").iterdir()
    path.write_bytes(damage(path.read_bytes()))
    computed = counted(monkeypatch)
    assert sendable(answers.message(plan)) == right
    assert sendable(answers.message(plan)) == right
    assert len(computed) == 1


def test_where_nothing_can_be_kept_everything_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "kept").write_text("a file where a folder should be", encoding="utf-8")
    plan, computed = plan_in(tmp_path), counted(monkeypatch)
    answers = KeptAnswers(tmp_path / "kept")
    assert answers.message(plan)["failure"] is None
    assert answers.message(plan)["failure"] is None
    assert len(computed) == 2


def test_a_write_that_breaks_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space"):
        write(tmp_path / "a.answer", {"failure": None})
    assert list(tmp_path.iterdir()) == []


def test_of_too_much_that_goes_which_was_not_asked_for_longest(tmp_path: Path) -> None:
    for number in range(8):
        path = tmp_path / f"{number}.answer"
        write(path, {"data": bytes(100)})
        os.utime(path, (number, number))
    size = path.stat().st_size
    assert read(tmp_path / "0.answer") == {"data": bytes(100)}, "and now it was asked for"
    trim(tmp_path, 8 * size)
    assert len(list(tmp_path.iterdir())) == 8
    trim(tmp_path, 4 * size)
    assert {path.name for path in tmp_path.iterdir()} == {"0.answer", "6.answer", "7.answer"}


RUN = """
import sys
from pathlib import Path
from conformance.case.load import load_file
from conformance.lanes.numpy import start
from conformance.plans.draw import plan_of
from conformance.protocol.wire import unpack
(case,) = load_file(Path(sys.argv[1]))
found = start({"kept_in": sys.argv[2]}).observe(plan_of(case))
print(unpack(found["runs"][0]["z"]["items"][0]["data"]).tolist())
"""


def test_a_changed_formula_is_never_answered_from_what_was_kept(tmp_path: Path) -> None:
    """The whole package is copied, asked, changed in one formula, and asked again."""
    cases_of(GRU, tmp_path)
    shutil.copytree(PACKAGE, tmp_path / "copy" / "conformance", ignore=shutil.ignore_patterns("__pycache__"))
    formula = tmp_path / "copy" / "conformance" / "reference" / "core.py"

    def asked() -> str:
        command = [sys.executable, "-B", "-c", RUN, str(tmp_path / "fam" / "topic.case.yaml"), str(tmp_path / "kept")]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path / "copy")}
        done = subprocess.run(command, env=environment, cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout

    right = asked()
    assert asked() == right
    assert len(list((tmp_path / "kept").iterdir())) == 1
    text = formula.read_text(encoding="utf-8")
    assert "np.dot(x, w.kernel)" in text
    formula.write_text(text.replace("np.dot(x, w.kernel)", "2.0 * np.dot(x, w.kernel)"), encoding="utf-8")
    assert asked() != right
    formula.write_text(text, encoding="utf-8")
    assert asked() == right
    assert len(list((tmp_path / "kept").iterdir())) == 2


def test_the_surroundings_are_the_source_of_all_that_computes(tmp_path: Path) -> None:
    shutil.copytree(PACKAGE, tmp_path / "conformance", ignore=shutil.ignore_patterns("__pycache__"))
    copy = tmp_path / "conformance"
    assert surroundings(copy) == surroundings(PACKAGE)
    for place in ("reference/conv.py", "oracle/rounding.py", "protocol/carried.py", "case/expressions.py"):
        before, path = surroundings(copy), copy / place
        path.write_text(path.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        assert surroundings(copy) != before, place


def test_where_a_source_is_younger_than_the_process_nothing_is_kept_or_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What such a process runs may be older than what stands on the disk, from which the digest is made."""
    package = tmp_path / "conformance"
    (package / "reference").mkdir(parents=True)
    formula = package / "reference" / "dense.py"
    formula.write_text("# a formula\n")
    plan, computed = plan_in(tmp_path), counted(monkeypatch)
    begun = formula.stat().st_mtime + 1
    answers = KeptAnswers(tmp_path / "kept", package=package, begun=begun)
    for _ in range(2):
        answers.message(plan)
    assert len(computed) == 1
    os.utime(formula, (begun + 5, begun + 5))
    for _ in range(2):
        answers.message(plan)
    assert len(computed) == 3
    early = KeptAnswers(tmp_path / "early", package=package, begun=begun)
    early.message(plan)
    assert list((tmp_path / "early").iterdir()) == []
