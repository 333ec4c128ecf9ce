"""Every argument that Keras takes counts, is refused, or cannot change what is judged: a walk over its signatures."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from conformance.case import layers, optimizers
from conformance.case.keras_names import PublicName, recorded
from conformance.case.layers import ACTIVITY
from conformance.case.load import load_file
from conformance.errors import CaseError
from conformance.plans.draw import plan_of
from conformance.reference.base import LayerError, make
from tests.builders import cases_of

ROOT = Path(__file__).parents[2]
EVERYWHERE = {"name", "trainable"}
"""A layer's name chooses its weights, and `trainable` the ones that move: both are in plans."""
CANNOT_CHANGE = {
    "dtype": "it can be float32 alone, which the lane has",
    "seed": "what is drawn in training is never compared number by number",
    "unit_forget_bias": "weights are drawn, whatever fills them",
    "implementation": "another way to the same numbers: Keras gets it, and its numbers are judged",
    "use_cudnn": "as `implementation`",
    "flash_attention": "as `implementation`",
    "synchronized": "statistics over several devices are those over one where there is one, as in every lane",
    "weights": "weights are set after the layer is built",
}
"""Arguments that a case may write and that no formula reads, with the reason; the tests below prove the first two."""
MATHEMATICS = ("_regularizer", "_constraint")
"""Of weights: what a training makes of them."""
FILLED = "_initializer"
"""Weights are drawn; a deterministic initialiser that a case writes is kept. Proved below."""

KINDS: dict[str, Any] = {**layers.types(), **optimizers.types()}
OFFERED = [
    (item, argument.name)
    for item in recorded().names
    if item.form == "class" and item.kind in ("layers", "losses", "optimizers") and item.name in KINDS
    for argument in item.arguments
    if argument.name not in EVERYWHERE
]


def said_of(item: PublicName, argument: str) -> str:
    """How a case file takes an argument: in the mathematics, beside it, or refused."""
    record = layers.record_of(item.name) or optimizers.record_of(item.name)
    assert record is not None
    if argument not in record.fields:
        return "refused"
    fields = {field.name for field in KINDS[item.name].__dataclass_fields__.values()}
    if argument in fields or argument.endswith(MATHEMATICS):
        return "mathematics"
    assert argument.endswith(FILLED) or argument in CANNOT_CHANGE, f"{item.name}.{argument} is accepted and ignored"
    return "beside"


@pytest.mark.parametrize(("item", "argument"), OFFERED, ids=lambda value: getattr(value, "name", value))
def test_every_argument_counts_or_is_refused(item: PublicName, argument: str, tmp_path: Path) -> None:
    if said_of(item, argument) != "refused":
        return
    is_optimizer = item.kind == "optimizers"
    with pytest.raises(CaseError) as caught:
        cases_of(text_with(item.name, argument, is_optimizer), tmp_path)
    message = str(caught.value)
    assert f"Keras takes {argument} of {item.name}; there is no reference for it here" in message


def text_with(kind: str, argument: str, is_optimizer: bool) -> str:
    written = f"{{type: {kind}, {argument}: 1}}"
    training = f"training: {{optimizer: {written}, loss: loss}}" if is_optimizer else ""
    layer = "{type: Dense, units: 3}" if is_optimizer else written
    return dedent(
        f"""\
        schema_version: 1
        topic: t
        cases:
          - id: a
            question: q
            inputs: {{x: {{shape: [2, 3]}}}}
            layers: {{layer: {layer}}}
            graph: {{loss: mean(layer(x))}}
            {training}
        """
    )


def test_something_is_refused_and_something_is_beside() -> None:
    """The walk sees all three; it could not fail where it saw nothing."""
    said = {(item.name, argument): said_of(item, argument) for item, argument in OFFERED}
    assert said["Dense", "lora_rank"] == "refused"
    assert said["Dense", "activity_regularizer"] == "mathematics"
    assert said["MultiHeadAttention", "activity_regularizer"] == "refused"
    assert said["Dense", "kernel_initializer"] == "beside"
    assert said["Dense", "kernel_regularizer"] == "mathematics"
    assert said["Dense", "units"] == "mathematics"


def planned(layer: str, tmp_path: Path, inputs: str = "[2, 5, 3]") -> Any:
    text = f"""
    schema_version: 1
    topic: t
    cases:
      - id: a
        question: q
        inputs: {{x: {{shape: {inputs}}}}}
        layers: {{layer: {layer}}}
        graph: {{y: layer(x)}}
    """
    return plan_of(cases_of(text, tmp_path)[0]).layers["layer"]


@pytest.mark.parametrize(
    ("plain", "written"),
    [
        ("{type: Dense, units: 3}", "{type: Dense, units: 3, kernel_initializer: he_normal}"),
        (
            "{type: LSTM, units: 3}",
            "{type: LSTM, units: 3, unit_forget_bias: false}",
        ),
        (
            "{type: Conv1D, filters: 3, kernel_size: 2}",
            "{type: Conv1D, filters: 3, kernel_size: 2, bias_initializer: normal}",
        ),
    ],
)
def test_what_is_drawn_at_random_in_keras_is_drawn_here(plain: str, written: str, tmp_path: Path) -> None:
    one, other = planned(plain, tmp_path), planned(written, tmp_path)
    assert {key: value.tobytes() for key, value in one.weights.items()} == {
        key: value.tobytes() for key, value in other.weights.items()
    }
    assert other.as_built == ()


def test_what_is_not_random_is_kept(tmp_path: Path) -> None:
    made = planned("{type: Dense, units: 3, kernel_initializer: ones}", tmp_path)
    assert made.as_built == ("kernel",)
    assert (made.weights["kernel"] == 1).all()


def test_a_name_of_keras_without_a_reference_is_told_apart_from_a_slip(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="Keras has TorchModuleWrapper; it has no reference here") as caught:
        planned("{type: TorchModuleWrapper}", tmp_path)
    assert "CONTRIBUTING.md says where one is added" in str(caught.value)
    with pytest.raises(CaseError, match="unknown layer type TorchModuleWrap"):
        planned("{type: TorchModuleWrap}", tmp_path)


@pytest.mark.parametrize("policy", ["bfloat16", "mixed_float16", "int8_from_mixed_bfloat16", "float64"])
def test_a_policy_of_one_layer_is_refused(policy: str, tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="dtype of Dense must be float32, not the text") as caught:
        planned(f"{{type: Dense, units: 3, dtype: {policy}}}", tmp_path)
    assert "--lane 'keras[policy=" in str(caught.value)


REFUSED_SIZE = """
    schema_version: 1
    topic: t
    cases:
      - id: a
        question: q
        inputs: {x: {shape: [2, 3]}}
        layers: {dense: {type: Dense, units: 0}}
        graph: {y: dense(x)}
"""


def test_a_size_that_keras_refuses_can_be_asked_as_a_question_about_an_error(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="units of Dense must be at least 1, not 0"):
        cases_of(REFUSED_SIZE, tmp_path)
    (case,) = cases_of(REFUSED_SIZE + "        expect: {error: {phase: build, lanes: [keras, numpy]}}\n", tmp_path)
    assert case.layers[0].config == {"units": 0}
    with pytest.raises(LayerError, match="units must be at least 1, not 0"):
        make("Dense", {"units": 0})


def test_a_length_of_an_input_may_not_be_negative_even_so(tmp_path: Path) -> None:
    text = REFUSED_SIZE.replace("[2, 3]", "[2, -3]") + "        expect: {error: {phase: build}}\n"
    with pytest.raises(CaseError, match="must be at least 0"):
        cases_of(text, tmp_path)


def test_regularisers_and_constraints_are_read_like_layers(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="unknown argument l3 for L2"):
        planned("{type: Dense, units: 3, kernel_regularizer: {type: L2, l3: 0.1}}", tmp_path)
    with pytest.raises(CaseError, match="unknown constraint type MaxNrm"):
        planned("{type: Dense, units: 3, kernel_constraint: {type: MaxNrm}}", tmp_path)
    with pytest.raises(CaseError, match="unknown regularizer type MaxNorm"):
        planned("{type: Dense, units: 3, kernel_regularizer: {type: MaxNorm}}", tmp_path)
    with pytest.raises(CaseError, match="kernel_regularizer of Dense needs the key type"):
        planned("{type: Dense, units: 3, kernel_regularizer: {class_name: L2, config: {l2: 0.5}}}", tmp_path)


def test_every_layer_that_names_an_activity_regulariser_is_asked_what_it_adds() -> None:
    named = {item.name for item, argument in OFFERED if argument == "activity_regularizer"}
    taken = {
        item.name for item, argument in OFFERED if (argument, said_of(item, argument)) == (ACTIVITY, "mathematics")
    }
    assert named - taken == {"MultiHeadAttention", "GroupQueryAttention"}
    cases = load_file(ROOT / "cases" / "training" / "activity_regularizers.case.yaml")
    assert taken <= {spec.type for case in cases for spec in case.layers if ACTIVITY in spec.config}
