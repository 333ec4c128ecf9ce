"""What a case says of saving: the form of the file, the lane that wrote it, and the whole of every message."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from conformance.case.load import load_file
from conformance.case.model import Case, Saved
from conformance.case.saving import MAX_BYTES
from conformance.errors import CaseError
from conformance.plans.draw import plan_of
from conformance.protocol.plan import Plan

TEXT = """\
schema_version: 1
topic: t
dims: {batch: 2}
cases:
  - id: a
    question: q
    inputs: {x: {shape: [batch, 3]}}
    layers: {dense: {type: Dense, units: 2}}
    graph: {predicted: dense(x), loss: mean(predicted)}
    saved: SAVED
"""


def load(folder: Path, saved: str, after: str = "") -> Case:
    """The case of the file that says this of saving, on line 10."""
    path = folder / "fam" / "topic.case.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEXT.replace("SAVED", saved) + after, encoding="utf-8")
    return load_file(path, "fam/topic.case.yaml")[0]


def message(folder: Path, saved: str, after: str = "") -> str:
    with pytest.raises(CaseError) as raised:
        load(folder, saved, after)
    return "\n".join(f"{p.position.line}:{p.position.column}: {p.message} | {p.hint}" for p in raised.value.problems)


def written(folder: Path, content: bytes) -> Path:
    """The file of another lane, where the case looks for it."""
    path = folder / "fam" / "saved" / "topic.a-keras@3.6.0.h5"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return path


def test_each_lane_writes_its_own_where_none_is_named(tmp_path: Path) -> None:
    assert load(tmp_path, "{as: weights, kept: 0.5}").saved == Saved("weights", "", "", "", 0.5)


def test_the_file_of_another_lane_stands_beside_the_case_and_decides_its_digest(tmp_path: Path) -> None:
    path = written(tmp_path, b"a model")
    case = load(tmp_path, "{as: h5, in: keras@3.6.0}")
    assert case.saved == Saved("h5", "keras@3.6.0", str(path), hashlib.sha256(b"a model").hexdigest(), 1.0)
    plan = plan_of(case, with_gradients=False)
    assert plan.saved is not None
    assert (plan.saved.file, plan.saved.suffix) == (b"a model", ".h5")
    assert Plan.from_wire(plan.to_wire()).saved == plan.saved
    path.write_bytes(b"another")
    assert load(tmp_path, "{as: h5, in: keras@3.6.0}").digest != case.digest


def test_a_file_that_nobody_wrote_yet_costs_the_case_and_the_command_is_named(tmp_path: Path) -> None:
    case = load(tmp_path, "{as: h5, in: keras@3.6.0}")
    with pytest.raises(CaseError) as raised:
        plan_of(case)
    (problem,) = raised.value.problems
    assert problem.message == "there is no file that keras@3.6.0 wrote"
    assert problem.hint == "conformance save fam/topic.a"


FIT = """\
    training:
      {through: fit, optimizer: {type: Adam}, loss: {predicted: mse}, y: {predicted: y}, batch_size: 1, epochs: 3}
"""
BOTH = """\
    training:
      - {through: fit, optimizer: {type: Adam}, loss: {predicted: mse}, y: {predicted: y}, batch_size: 1, epochs: 3}
      - {through: evaluate, loss: {predicted: mse}, y: {predicted: y}, batch_size: 1}
"""


def trained(folder: Path, saved: str, after: str = FIT) -> Case:
    """The case of the file with a loss, labels and this training."""
    text = TEXT.replace("units: 2}}", "units: 2}, mse: {type: MeanSquaredError}}")
    text = text.replace("{x: {shape: [batch, 3]}}", "{x: {shape: [batch, 3]}, y: {shape: [batch, 2]}}")
    path = folder / "topic.case.yaml"
    path.write_text(text.replace("SAVED", saved) + after, encoding="utf-8")
    return load_file(path, "fam/topic.case.yaml")[0]


def test_a_model_is_saved_after_an_epoch_of_fit_that_is_not_the_last(tmp_path: Path) -> None:
    case = trained(tmp_path, "{as: keras, after: 2}")
    assert case.saved == Saved("keras", "", "", "", 1.0, 2)
    plan = plan_of(case, with_gradients=False)
    assert plan.saved is not None
    assert plan.saved.after == 2
    assert Plan.from_wire(plan.to_wire()).saved == plan.saved
    assert trained(tmp_path, "{as: keras, after: 1}").digest != case.digest
    with pytest.raises(CaseError) as raised:
        trained(tmp_path, "{as: keras, after: 3}")
    (problem,) = raised.value.problems
    assert problem.message == "after epoch 3 there is none: epochs is 3"
    with pytest.raises(CaseError) as raised:
        trained(tmp_path, "{as: keras, after: 0}")
    assert [one.position.line for one in raised.value.problems] == [10]
    with pytest.raises(CaseError) as raised:
        trained(tmp_path, "{as: keras, after: 1}", BOTH)
    assert [one.message for one in raised.value.problems] == ["a case that is saved has one training"]


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    assert message(tmp_path, "{as: keras, kept: 2}") == (
        "10:30: kept is a share above 0 and at most 1, not 2 | 0.5: half of the file"
    )
    after = "    training: {optimizer: {type: SGD}, loss: loss}\n"
    assert message(tmp_path, "{as: keras}", after) == (
        "10:12: a case is saved or trained | say after which epoch of fit, as in saved: {as: keras, after: 1}; "
        "or ask it in a case of its own"
    )
    assert message(tmp_path, "{as: keras, after: 1}", after) == (
        "10:31: after is an epoch of a training through fit, and there is none | "
        "say `training: {through: fit, ...}` with a later epoch, or leave out `after`"
    )
    written(tmp_path, b"0" * (MAX_BYTES + 1))
    assert message(tmp_path, "{as: h5, in: keras@3.6.0}") == (
        f"10:25: topic.a-keras@3.6.0.h5 has {MAX_BYTES + 1} bytes; {MAX_BYTES} are allowed | save a smaller model"
    )
