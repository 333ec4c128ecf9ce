"""A layer as somebody types it: what is understood, and the whole message for what is not."""

from __future__ import annotations

import pytest

from conformance.ask.layer import AskedLayer, read_layer
from conformance.errors import CaseError, ConformanceError, Exit, QuestionError

CONV = AskedLayer("Conv1D", {"filters": 100, "kernel_size": 4, "padding": "same"})


@pytest.mark.parametrize(
    ("layer", "config"),
    [
        ("Conv1D", "{filters: 100, kernel_size: 4, padding: same}"),
        ("Conv1D", "filters: 100\nkernel_size: 4\npadding: same"),
        ("Conv1D(filters=100, kernel_size=4, padding='same')", None),
        ('Conv1D(100, 4, padding="same")', None),
        ("layers.Conv1D(100, 4, padding='same')", None),
        ("keras.layers.Conv1D(100,\n  4, padding='same')", None),
        ("Conv1D()", "{filters: 100, kernel_size: 4, padding: same}"),
    ],
)
def test_one_layer_in_seven_ways(layer: str, config: str | None) -> None:
    assert read_layer(layer, config) == CONV


def test_a_layer_inside_a_layer() -> None:
    wanted = {"layer": {"type": "LSTM", "units": 3, "return_sequences": True}, "merge_mode": None}
    assert read_layer("Bidirectional(LSTM(3, return_sequences=True), merge_mode=None)", None).config == wanted
    yaml = "{layer: {type: LSTM, units: 3, return_sequences: true}, merge_mode: null}"
    assert read_layer("Bidirectional", yaml).config == wanted


def test_arguments_without_names_stand_in_the_order_of_keras() -> None:
    assert read_layer("SeparableConv1D(7, 3)", None).config == {"filters": 7, "kernel_size": 3}
    assert read_layer("Embedding(30, 7)", None).config == {"input_dim": 30, "output_dim": 7}
    assert read_layer("Cropping1D((1, 2))", None).config == {"cropping": [1, 2]}
    assert read_layer("MaxPooling1D(3)", None).config == {"pool_size": 3}
    with pytest.raises(CaseError, match="which argument is this"):
        read_layer("BinaryCrossentropy(True)", None)
    with pytest.raises(CaseError, match="unknown argument"):
        read_layer("Add(nothing=1)", None)


def test_what_is_like_no_layer_is_told_some_of_them_and_where_all_are() -> None:
    with pytest.raises(QuestionError) as caught:
        read_layer("MyOwn(3)", None)
    hint = caught.value.hint or ""
    assert hint.startswith("there are Activation, ")
    assert hint.endswith(" in all); docs/evidence/mutants.md lists them")
    assert len(hint) < 300


def test_a_layer_in_the_dtype_that_it_has_anyway_is_asked() -> None:
    assert read_layer('Dense(3, dtype="float32")', None).config == {"units": 3, "dtype": "float32"}


def test_lists_and_signs_in_a_call() -> None:
    assert read_layer("ZeroPadding1D(padding=(1, 2))", None).config == {"padding": [1, 2]}
    assert read_layer("Softmax(axis=-1)", None).config == {"axis": -1}


MISTAKES = {
    "an unknown layer": ("Conv1", None, "there is no layer Conv1\n   = help: did you mean Conv1D?"),
    "letters of another case": ("lstm(3)", None, "there is no layer lstm\n   = help: did you mean LSTM?"),
    "a layer of torch": ("Linear", None, "there is no layer Linear\n   = help: did you mean Dense or nn.Linear?"),
    "a module that torch has not": (
        "nn.Conv2D(3, 4, 3)",
        None,
        "there is no nn.Conv2D to be asked in torch's words\n   = help: did you mean nn.Conv2d?",
    ),
    "a layer of Keras among torch's": (
        "torch.nn.Dense(3)",
        None,
        "there is no nn.Dense to be asked in torch's words\n   = help: ",
    ),
    "an argument that torch has not": (
        "nn.MaxPool2d(kernel=3)",
        None,
        "--layer:1:1: error: nn.MaxPool2d needs the argument kernel_size",
    ),
    "an argument of the wrong kind": (
        "nn.Linear('a', 3)",
        None,
        "--layer:1:11: error: in_features of nn.Linear must be an integer from 1, not the text 'a'",
    ),
    "an argument of another module": (
        "nn.LSTM(3, 4, nonlinearity='relu')",
        None,
        "--layer:1:15: error: nn.LSTM takes no nonlinearity, which is for nn.RNN, nn.RNNCell",
    ),
    "Keras' word for an argument of torch": (
        "nn.Conv1d(3, 4, 2, strides=2)",
        None,
        "--layer:1:20: error: strides is Keras' word\n  |\n1 | nn.Conv1d(3, 4, 2, strides=2)\n"
        "  |                    ^\n   = help: nn.Conv1d says stride",
    ),
    "where torch computes": (
        "nn.Linear(3, 4, device='cpu')",
        None,
        "--layer:1:17: error: nn.Linear is not asked with device",
    ),
    "an argument that torch has and nobody can ask": (
        "nn.Embedding(3, 4, sparse=True)",
        None,
        "--layer:1:20: error: nn.Embedding is not asked with sparse: it changes how gradients are kept, and no number",
    ),
    "an argument of other modules": (
        "nn.Linear(5, 3, momentum=0.1)",
        None,
        "--layer:1:17: error: nn.Linear takes no momentum, which is for nn.BatchNorm1d, nn.BatchNorm2d",
    ),
    "a value of the wrong type": (
        "nn.Linear(5, 3, bias='yes')",
        None,
        "--layer:1:22: error: bias of nn.Linear must be true or false, not the text 'yes'",
    ),
    "a place and no module": (
        "nn.functional(3)",
        None,
        "nn.functional is a place where torch has other names, and no module\n   = help: functions are asked as F.relu",
    ),
    "a weight and no module": ("nn.Parameter(3)", None, "nn.Parameter is no module: it is a weight, which a module"),
    "a module that is none": (
        "nn.Linaer(5, 3)",
        None,
        "there is no nn.Linaer to be asked in torch's words",
    ),
    "an optimizer": ("Adam(0.1)", None, "Adam is an optimizer\n   = help: a case trains with it: see docs/training.md"),
    "a layer in another precision": (
        'Dense(3, dtype="float16")',
        None,
        "the dtype of a layer is a policy, which a lane has and a question has not\n"
        "   = help: ask lanes that run in it: --lane 'keras[policy=mixed_float16]' --lane 'torch[policy=float16]'",
    ),
    "several layers": (
        "keras.Sequential([Dense(3)])",
        None,
        "Sequential is not a layer but several\n"
        "   = help: a question is about one layer; several in a row are a case: see CONTRIBUTING.md",
    ),
    "an unknown argument": (
        "Conv1D",
        "{filters: 100, kernel_size: 4, pading: same}",
        """\
--config:1:32: error: unknown argument pading for Conv1D
  |
1 | {filters: 100, kernel_size: 4, pading: same}
  |                                ^
   = help: did you mean padding?""",
    ),
    "an unknown argument in a call": (
        "Conv1D(100, 4, pading='same')",
        None,
        """\
--layer:1:16: error: unknown argument pading for Conv1D
  |
1 | Conv1D(100, 4, pading='same')
  |                ^
   = help: did you mean padding?""",
    ),
    "a value of another kind": (
        "Dense",
        "{units: three}",
        """\
--config:1:9: error: units of Dense must be an integer from 1, not the text 'three'""",
    ),
    "a missing argument": (
        "Dense",
        None,
        """\
--layer:1:1: error: Dense needs the argument units
  |
1 | Dense
  | ^
   = help: units: """,
    ),
    "no YAML": (
        "Dense",
        "{units: 3",
        """\
--config:1:10: error: not YAML: """,
    ),
    "no braces": (
        "Dense",
        "units: 3, use_bias: false",
        """\
--config:1:19: error: not YAML: mapping values are not allowed here
  |
1 | units: 3, use_bias: false
  |                   ^
   = help: arguments as YAML in braces: --config '{filters: 100, padding: same}'""",
    ),
    "no mapping": (
        "Dense",
        "units=3",
        """\
--config:1:1: error: not a mapping of arguments to values
  |
1 | units=3
  | ^
   = help: arguments as YAML in braces: --config '{filters: 100, padding: same}'""",
    ),
    "an open call": (
        "Dense(3",
        None,
        """\
--layer 'Dense(3' cannot be read
   = help: a name or a call: --layer Conv1D, --layer 'Conv1D(100, 4, padding="same")'""",
    ),
    "an argument without a name": (
        "Conv1D(100, 4, 'same')",
        None,
        """\
--layer:1:16: error: which argument is this?
  |
1 | Conv1D(100, 4, 'same')
  |                ^
   = help: write its name before it: padding='same'""",
    ),
    "an argument twice": (
        "Dense(3, units=4)",
        None,
        """\
--layer:1:10: error: units is given twice
  |
1 | Dense(3, units=4)
  |          ^""",
    ),
    "a variable": (
        "Dense(n)",
        None,
        """\
--layer:1:7: error: not a value that a case can hold
  |
1 | Dense(n)
  |       ^
   = help: numbers, text in quotes, True, False, None, lists, and layers: LSTM(3)""",
    ),
    "arguments in two places": (
        "Dense(3)",
        "{use_bias: false}",
        "arguments stand in --layer and in --config\n   = help: put all of them into one of the two",
    ),
    "the type again": (
        "Dense",
        "{type: Dense, units: 3}",
        """\
--config:1:2: error: the type stands in --layer
  |
1 | {type: Dense, units: 3}
  |  ^
   = help: leave it out here""",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_message_with_a_way_out(name: str) -> None:
    layer, config, message = MISTAKES[name]
    with pytest.raises((QuestionError, CaseError)) as caught:
        read_layer(layer, config)
    assert str(caught.value).startswith(message)
    assert caught.value.exit is Exit.BAD_INPUT


@pytest.mark.parametrize(
    "text",
    ["", "()", "1", "lambda: 0", "Dense(" * 200, "Dense(**x)", "Dense(*x)", "Dense({1: 2})", "Dense(3)(x)", "\0"],
)
def test_no_text_makes_a_traceback(text: str) -> None:
    with pytest.raises(ConformanceError):
        read_layer(text, None)
