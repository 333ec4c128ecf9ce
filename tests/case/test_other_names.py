"""Other names of Keras' for a class, as `MaxPool1D`: taken wherever a type is read, and told as the class's own."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from conformance.ask.layer import read_layer
from conformance.case import layers
from conformance.case.jsonschema import schema
from conformance.case.keras_names import recorded
from conformance.cli.campaign_options import layers_of
from conformance.errors import CaseError
from conformance.plans.draw import plan_of
from tests.builders import cases_of

OTHERS = {other: one.name for one in recorded().names if one.kind == "layers" for other in one.aliases}
ASKED = """
    schema_version: 1
    topic: t
    cases:
      - id: a
        question: q
        inputs: {x: {shape: [2, 6, 3]}}
        layers: {layer: LAYER}
        graph: {y: layer(x)}
        kills: [MUTANT]
"""


def asked(layer: str, mutant: str, tmp_path: Path) -> str:
    return ASKED.replace("LAYER", layer).replace("MUTANT", mutant)


def test_keras_has_such_names_and_every_one_is_of_a_layer_that_is_here() -> None:
    assert OTHERS["MaxPool1D"] == "MaxPooling1D"
    assert OTHERS["Convolution2D"] == "Conv2D"
    assert len(OTHERS) >= 20
    assert set(OTHERS.values()) <= set(layers.types())


@pytest.mark.parametrize("other", sorted(OTHERS))
def test_a_question_takes_the_name_and_tells_the_class_s_own(other: str) -> None:
    example = layers.types()[OTHERS[other]].example.layer
    written = re.sub(rf"^{OTHERS[other]}\b", other, example)
    assert written.startswith(other)
    assert read_layer(written, None) == read_layer(example, None)
    assert read_layer(f"keras.layers.{written}", None).type == OTHERS[other]


def test_a_case_takes_the_name_and_its_plan_holds_the_class_s_own(tmp_path: Path) -> None:
    case = cases_of(asked("{type: MaxPool1D, pool_size: 2}", "MaxPool1D.takes_the_rest", tmp_path), tmp_path)[0]
    own = cases_of(asked("{type: MaxPooling1D, pool_size: 2}", "MaxPooling1D.takes_the_rest", tmp_path), tmp_path)[0]
    assert plan_of(case).layers["layer"] == plan_of(own).layers["layer"]
    assert case.layers[0].type == "MaxPooling1D"
    assert case.kills == own.kills == ("MaxPooling1D.takes_the_rest",)


def test_so_does_a_layer_inside_a_layer_and_a_regulariser(tmp_path: Path) -> None:
    inner = "{type: Convolution1D, filters: 2, kernel_size: 2, kernel_regularizer: {type: l2, l2: 0.1}}"
    case = cases_of(
        asked(f"{{type: TimeDistributed, layer: {inner}}}", "Conv1D.flipped_kernel", tmp_path).replace(
            "6, 3", "6, 3, 4"
        ),
        tmp_path,
    )[0]
    held = case.layers[0].config["layer"]
    assert held["type"] == "Conv1D"
    assert held["kernel_regularizer"]["type"] == "L2"


def test_its_mistakes_are_told_where_they_stand(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="unknown argument pool for MaxPooling1D") as caught:
        cases_of(asked("{type: MaxPool1D, pool: 2}", "MaxPool1D.takes_the_rest", tmp_path), tmp_path)
    assert caught.value.problems[0].position.line == 7
    with pytest.raises(CaseError, match="unknown layer type MaxPooled1D"):
        cases_of(asked("{type: MaxPooled1D}", "MaxPool1D.takes_the_rest", tmp_path), tmp_path)


def test_a_campaign_and_an_editor_take_it_too() -> None:
    assert layers_of("AvgPool2D,AveragePooling2D") == ("AveragePooling2D",)
    definitions = schema()["definitions"]
    assert "GlobalMaxPool1D" in words(definitions["layer"]["properties"]["type"])
    assert words(definitions["layer GlobalMaxPooling1D"]["properties"]["type"]) == [
        "GlobalMaxPooling1D",
        "GlobalMaxPool1D",
    ]


def words(kind: Any) -> list[str]:
    """The words that a schema takes, beside a variable."""
    return next(one["enum"] for one in (kind, *kind.get("anyOf", ())) if "enum" in one)
