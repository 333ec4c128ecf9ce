"""The case file of a question: read by the loader as it stands, for every layer that can be asked."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conformance.ask.meaning import input_names
from conformance.ask.question import Options, question_of
from conformance.ask.write import case_text, load, save, scalar, schema_of, snake
from conformance.case.layers import types
from conformance.case.model import Case
from conformance.case.yaml import parse
from conformance.errors import CaseError, QuestionError, UsageError
from tests.builders import records_of

EXAMPLES = {
    kind: layer.example for kind, layer in types().items() if not layer.written_as_case and not kind.startswith("_")
}
"""Every layer that can be asked, with inputs that it takes, as its class says."""

DRAWING = {"AugMix", "RandAugment", "RandomCrop"}
"""Layers that draw in training whatever their arguments are, and whose draws the reference has no distribution of."""


def case_of(layer: str, *inputs: str, **options: Any) -> Case:
    return load(case_text(question_of(Options(layer, inputs=inputs, **options))), None)


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_reference_answers_a_question_about_each_layer(kind: str) -> None:
    example = EXAMPLES[kind]
    assert example.layer.partition("(")[0] == kind
    (record,) = records_of((case_of(example.layer, *example.inputs),))
    lane = record["lanes"]["numpy"]
    if lane["failure"] is not None:
        assert kind in DRAWING, lane["failure"]
        assert "there is no single answer" in lane["failure"]["message"]
        return
    assert kind not in DRAWING
    assert any(label.startswith("result") for label in lane["runs"][0])


@pytest.mark.parametrize("kind", [kind for kind, layer in types().items() if layer.written_as_case])
def test_a_layer_that_cannot_be_asked_says_why(kind: str) -> None:
    with pytest.raises(QuestionError, match="cannot be asked in one line"):
        input_names(kind, 1)


def test_the_whole_file() -> None:
    text = case_text(
        question_of(Options("Average", inputs=("5,3", "5,3"), masks=("3,01101", "none"), question="Which mask?")),
        "../../schemas/x.json",
    )
    assert text == dedent(
        """\
        # yaml-language-server: $schema=../../schemas/x.json
        schema_version: 1
        topic: Average
        dims: {batch: 2, steps: 5, features: 3}
        source: {kind: question}  # asked on the command line; a claim of your own needs another kind
        cases:
          - id: average
            question: "Which mask?"
            inputs:
              a: {shape: [batch, steps, features]}
              real_a:  # 1 where a step is real, 0 where it is padding
                shape: [batch, steps]
                fill:
                  values:
                    - [1, 1, 1, 0, 0]
                    - [0, 1, 1, 0, 1]
              b: {shape: [batch, steps, features]}
            layers:
              layer: {type: Average}
              masking: {type: Masking}  # makes a mask of steps that are zero
            graph:
              _masked_a: masking(a * expand_dims(real_a, -1))
              result: layer([_masked_a, b])
            # Nothing is expected beforehand: every lane is held to the NumPy reference. What documentation or your
            # own calculation says of the outcome goes below, and its source above; do not copy a lane's answer.
            # expect:
            #   result: {shape: [batch, ...]}
        """
    )


def test_a_mask_reaches_the_layer() -> None:
    """3 of 5 steps are real in the first row: the mean is over these, by hand from what was drawn."""
    case = case_of("GlobalAveragePooling1D", "5,3", masks=("3,5",))
    (masked,) = records_of((case,))
    (plain,) = records_of((case_of("GlobalAveragePooling1D", "5,3"),))
    first, second = masked["lanes"]["numpy"]["runs"][0]["result"]["values"]
    whole = plain["lanes"]["numpy"]["runs"][0]["result"]["values"]
    assert second == pytest.approx(whole[1])
    assert first != pytest.approx(whole[0])


def test_nothing_is_expected_and_the_source_is_a_question() -> None:
    case = case_of("Dense(3)", "4")
    assert case.expect.nodes == {}
    assert case.expect.errors == ()
    assert case.source.kind == "question"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first text builds tables of all characters
@given(value=VALUES)
def test_a_value_is_read_back_as_it_was_written(value: Any) -> None:
    try:
        assert parse(scalar({"key": value}), "").root.plain() == {"key": value}
    except CaseError as error:
        assert "is not allowed" in str(error)  # noqa: PT017  # invisible characters, which no case may hold


@pytest.mark.parametrize("word", ["no", "null", "true", "1e-5", "0x1f", ".nan", "~", "", "-", "a: b", "# c", "[x"])
def test_words_that_mean_something_else_are_quoted(word: str) -> None:
    assert parse(scalar([word]), "").root.plain() == [word]


def test_ids_are_words() -> None:
    assert [snake(kind) for kind in ("Conv1D", "LSTM", "GlobalAveragePooling1D", "RMSNormalization", "PReLU")] == [
        "conv1d",
        "lstm",
        "global_average_pooling1d",
        "rmsnormalization",
        "prelu",
    ]


def test_a_saved_case_has_the_id_of_its_place(tmp_path: Path) -> None:
    path = tmp_path / "mine" / "topic.case.yaml"
    text = case_text(question_of(Options("Dense(3)", inputs=("4",))))
    assert load(text, path).id == "mine/topic.dense"
    assert not path.exists()
    save(text, path)
    assert path.read_text(encoding="utf-8") == text


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "topic.case.yaml"
    path.write_text("mine", encoding="utf-8")
    with pytest.raises(UsageError, match="is there already\n   = help: add the case to it by hand"):
        save("other", path)
    assert path.read_text(encoding="utf-8") == "mine"


def test_a_place_that_no_case_can_have(tmp_path: Path) -> None:
    text = case_text(question_of(Options("Dense(3)", inputs=("4",))))
    with pytest.raises(QuestionError, match=r"case files end in \.case\.yaml: topic\.case\.yaml"):
        load(text, tmp_path / "mine" / "topic.yaml")
    with pytest.raises(CaseError, match="the folder name 'My cases' cannot be part of an id"):
        load(text, tmp_path / "My cases" / "topic.case.yaml")


def test_the_schema_is_found_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "cases" / "mine" / "topic.case.yaml"
    assert schema_of(path) is None
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "case-v1.schema.json").write_text("{}", encoding="utf-8")
    assert schema_of(path) == "../../schemas/case-v1.schema.json"
