"""Written cases with one or two things changed: asked, found and made small like any other draft."""

from __future__ import annotations

import json
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import pytest

from conformance.campaign.campaign import Campaign
from conformance.campaign.draft import Draft, case_lines, described, file_text
from conformance.campaign.folder import Folder, opened
from conformance.campaign.like import Like, like
from conformance.campaign.triage import calls_of
from conformance.case.load import load_parts
from conformance.errors import UsageError
from tests.campaign.asked import about, asking
from tests.campaign.lane import planted

TRAINED = """\
    schema_version: 1
    topic: A training
    dims: {batch: 2, features: 3}
    source: {kind: docs, reference: "https://keras.io"}
    cases:
      - id: dense
        question: What does a step make of the kernel?
        inputs:
          x: {shape: [batch, features]}
        layers:
          dense: {type: Dense, units: 2}
        graph:
          y: dense(x)
          loss: mean(y * y)
        training: {optimizer: {type: SGD, learning_rate: 0.1}, loss: loss, steps: 1}
        expect:
          y: {shape: [batch, 2]}
      - id: only_for_itself
        question: Is it left as it is?
        tolerance: {rtol: 0.1, atol: 0.1, reason: a test}
        inputs: {x: {shape: [batch, features]}}
        graph: {y: x + 1}
"""


@pytest.fixture
def trained(tmp_path: Path) -> Like:
    file = tmp_path / "training" / "steps.case.yaml"
    file.parent.mkdir()
    file.write_text(dedent(TRAINED), encoding="utf-8")
    return like([file.parent])


def test_one_or_two_things_are_changed_and_the_same_seed_changes_the_same(trained: Like) -> None:
    drafts = trained.drafts(3, 12)
    assert [one.digest for one in drafts] == [one.digest for one in trained.drafts(3, 12)]
    assert {len(one.changes) for one in drafts} == {1, 2}
    roots = {path.split("/")[0] for one in trained.drafts(1, 40) for path, _ in one.changes}
    assert roots == {"layers", "dims", "inputs", "training"}
    assert {one.written["id"] for one in drafts if one.written is not None} == {"dense"}


def test_what_is_changed_is_a_case_that_reads(trained: Like, tmp_path: Path) -> None:
    drafts = trained.drafts(0, 20)
    texts = [case_lines(one, f"d{number}", described(one)) for number, one in enumerate(drafts)]
    file = tmp_path / "campaign" / "drawn.case.yaml"
    file.parent.mkdir()
    file.write_text(file_text("drawn", texts), encoding="utf-8")
    loaded = load_parts(file)
    assert len(loaded.cases) >= 15
    assert all(case.trainings for case in loaded.cases)
    assert not any(case.expect.nodes for case in loaded.cases)


def test_its_calls_are_those_of_its_text(trained: Like) -> None:
    (draft,) = trained.drafts(0, 1)
    assert calls_of(draft) == {"y": "Dense"}
    assert draft.types == ("Dense",)


@dataclass(frozen=True)
class Showing(Like):
    """Draws only what shows the fault, after one or two that do not."""

    def drafts(self, seed: int, count: int) -> list[Draft]:
        every = [one for seed in range(30) for one in super(Showing, self).drafts(seed, 24)]
        return [*every[:2], *[one for one in every if ("layers/dense/use_bias", False) in one.changes][:2]]


def found(path: Path, made: Like) -> Folder:
    with asking(planted("Dense", {"use_bias": False})) as asker, opened(path, about(("Dense",))) as folder:
        like = Showing(made.cases, made.spaces, made.digest)
        campaign = Campaign(folder, asker, ("Dense",), lambda _: (), lambda _: None, a_seed=4, like=like)
        campaign.run(range(1), time.monotonic() + 60)
    return folder


def test_a_fault_beside_a_written_case_is_found_with_the_change_that_shows_it(trained: Like, tmp_path: Path) -> None:
    (finding,) = found(tmp_path / "c", trained).kept
    assert finding.draft.changes == (("layers/dense/use_bias", False),)
    assert "layers/dense/use_bias False" in described(finding.draft)


def test_a_saved_model_gives_its_layers(tmp_path: Path) -> None:
    config = {"class_name": "Sequential", "config": {"layers": [dense("sigmoid")]}}
    with zipfile.ZipFile(tmp_path / "clf.keras", "w") as archive:
        archive.writestr("config.json", json.dumps(config))
    made = like([tmp_path / "clf.keras"])
    assert [(space.type, space.config["activation"]) for space in made.spaces] == [("Dense", "sigmoid")]
    drafts = made.drafts(0, 8)
    assert {one.types for one in drafts} == {("Dense",)}


def dense(activation: str) -> dict[str, object]:
    return {"class_name": "Dense", "config": {"name": "d", "units": 7, "activation": activation}}


@pytest.mark.parametrize("name", ["nothing.case.yaml", "broken.keras", "empty"])
def test_what_cannot_be_changed_is_one_message(name: str, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken.keras").write_text("no archive", encoding="utf-8")
    with pytest.raises(UsageError, match="--like"):
        like([tmp_path / name])


MASKED = """\
    schema_version: 1
    topic: A mask, and weights that are given
    dims: {batch: 2, steps: 3}
    source: {kind: docs, reference: "https://keras.io"}
    cases:
      - id: masked
        question: What does a mask leave out?
        inputs:
          x: {shape: [2, 3, 4]}
          real: {shape: [batch, steps], dtype: bool, fill: {values: [[1, 1, 0], [1, 0, 0]]}}
        layers:
          held: {type: Dense, units: 1}
          softmax: {type: Softmax, axis: 1}
        weights:
          held: {kernel: [[1], [2], [3], [4]], bias: [0]}
        graph:
          h: held(x)
          y: softmax(h, mask=real)
"""


def test_dtypes_lengths_and_the_rows_of_a_mask_are_changed_and_given_weights_stay(tmp_path: Path) -> None:
    file = tmp_path / "masks.case.yaml"
    file.write_text(dedent(MASKED), encoding="utf-8")
    made = like([file])
    changed = [change for seed in range(30) for one in made.drafts(seed, 8) for change in one.changes]
    assert not any(path.startswith("layers/held") for path, _ in changed)
    assert all((one.written or {})["weights"] for one in made.drafts(0, 8))
    inputs = [value for path, value in changed if path == "inputs/x"]
    assert {value.get("dtype", "float32") for value in inputs} == {"float32", "int32"}
    assert [0, 3, 4] in [value["shape"] for value in inputs]
    rows = [value["fill"]["values"] for path, value in changed if path == "inputs/real"]
    assert [[0, 1, 1], [0, 0, 1]] in rows
    assert [[0, 0, 0], [0, 0, 0]] in rows
