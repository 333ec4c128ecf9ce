"""Shapes, ranges and masks of a question: what they become, and the whole message for what means nothing."""

from __future__ import annotations

import pytest

from conformance.ask.question import Options, Question, described, question_of
from conformance.ask.write import case_text
from conformance.errors import Exit, QuestionError


def asked(layer: str, *inputs: str, **options: object) -> Question:
    return question_of(Options(layer, inputs=inputs, **options))


def axes(question: Question) -> list[tuple[str, ...]]:
    return [item.axes for item in question.inputs]


def test_axes_are_named_for_the_layer_and_the_batch_is_added() -> None:
    question = asked("Conv1D(100, 4)", "50,300")
    assert question.dims == {"batch": (2,), "steps": (50,), "channels": (300,)}
    assert axes(question) == [("steps", "channels")]


def test_the_batch_is_a_length_that_no_other_axis_has() -> None:
    assert asked("Dense(7)", "2,3").dims["batch"] == (5,)
    assert asked("Dense(3)", "2,5").dims["batch"] == (7,)
    assert asked("Bidirectional(LSTM(5))", "2,3").dims["batch"] == (7,)


def test_channels_first_turns_the_names_round() -> None:
    assert axes(asked("Conv1D(7, 2, data_format='channels_first')", "300,50")) == [("channels", "steps")]


def test_names_can_be_given() -> None:
    question = asked("Dense(3)", "words=5,dim=7")
    assert question.dims == {"batch": (2,), "words": (5,), "dim": (7,)}


def test_equal_lengths_at_one_place_share_a_name_and_others_do_not() -> None:
    question = asked("Concatenate(axis=1)", "5,3", "4,3")
    assert axes(question) == [("steps", "features"), ("steps_2", "features")]
    assert question.dims["steps_2"] == (4,)


def test_attention_has_queries_and_keys() -> None:
    assert axes(asked("Attention", "5,8", "7,8")) == [("queries", "dim"), ("keys", "dim")]


@pytest.mark.parametrize(
    ("layer", "inputs", "call"),
    [
        ("Dense(3)", ["4"], "layer({})"),
        ("Average", ["4", "4", "4"], "layer([{}, {}, {}])"),
        ("MultiHeadAttention(2, 4)", ["5,8", "7,8"], "layer({}, {})"),
        ("MeanSquaredError", ["4", "4", ""], "layer({}, {}, {})"),
    ],
)
def test_a_layer_is_called_as_it_wants_to_be(layer: str, inputs: list[str], call: str) -> None:
    assert asked(layer, *inputs).call == call


def test_an_embedding_gets_ids_of_its_table() -> None:
    (ids,) = asked("Embedding(30, 7)", "5").inputs
    assert (ids.name, ids.dtype, ids.fill) == ("ids", "int32", {"integers": [0, 30]})


def test_classes_of_a_sparse_loss_are_as_many_as_predicted() -> None:
    truth, predicted = asked("SparseCategoricalCrossentropy", "5", "5,7").inputs
    assert truth.fill == {"integers": [0, 7]}
    assert predicted.fill == {"uniform": [0.05, 0.95]}
    assert predicted.axes == (truth.axes[0], "outputs")


def test_logits_are_not_probabilities() -> None:
    assert asked("SparseCategoricalCrossentropy(from_logits=True)", "", "7").inputs[1].fill is None


def test_a_range_makes_integers_of_integers_and_reals_of_floats() -> None:
    assert asked("Dense(3)", "4", dtypes=("int32",), ranges=("0,30",)).inputs[0].fill == {"integers": [0, 30]}
    assert asked("Dense(3)", "4", ranges=("-1..1",)).inputs[0].fill == {"uniform": [-1.0, 1.0]}


def test_a_mask_is_real_steps_or_the_steps_themselves() -> None:
    question = asked("GRU(3)", "5,2", masks=("3,01101",))
    assert question.inputs[0].mask == ((1, 1, 1, 0, 0), (0, 1, 1, 0, 1))
    assert question.dims["batch"] == (2,)


def test_as_many_rows_as_the_mask_has() -> None:
    assert asked("GRU(3)", "5,2", masks=("3,5,1",)).dims["batch"] == (3,)
    assert asked("GRU(3)", "5,2", masks=("[3, 5, 1]",)).dims["batch"] == (3,)


def test_an_axis_may_be_open_or_have_several_lengths_and_the_batch_several_sizes() -> None:
    question = asked("Conv1D(7, 2)", "steps=?,channels=3", batches="1,4")
    assert question.dims == {"batch": (1, 4), "steps": (5, 8), "channels": (3,)}
    assert question.dynamic == ("steps",)
    assert "dynamic: [steps]" in case_text(question)
    assert described(question).endswith("make of (batch, steps 5 and 8, channels 3) in batches of 1 and 4?")
    assert asked("Dense(3)", "5/9,2").dims["steps"] == (5, 9)


def test_what_the_call_takes_can_be_said() -> None:
    question = asked("MultiHeadAttention(2, 3)", "5,6", "5,6", call="{use_causal_mask: true}")
    assert question.call == "layer({}, {}, use_causal_mask=True)"
    assert described(question).endswith(", called with use_causal_mask=True?")


def test_a_layer_that_does_the_same_while_training_is_asked_all_the_same() -> None:
    assert asked("Dense(3)", "4", is_training=True).call == "layer({})"


def test_one_input_can_have_no_mask() -> None:
    first, second = asked("Average", "5,2", "5,2", masks=("3,5", "none")).inputs
    assert first.mask is not None
    assert second.mask is None


def test_padding_of_an_embedding_is_the_id_zero_and_no_real_id_is() -> None:
    (ids,) = asked("Embedding(30, 7, mask_zero=True)", "5", masks=("3,5",)).inputs
    assert ids.fill == {"integers": [1, 30]}


def test_the_question_in_words() -> None:
    question = asked("Bidirectional(LSTM(3), merge_mode=None)", "5,2", masks=("3,5",))
    words = (
        "What does Bidirectional(layer=LSTM(units=3), merge_mode=None) make of (batch, steps 5, features 2, masked)?"
    )
    assert described(question) == words
    assert described(asked("BatchNormalization", "4", is_training=True)).endswith("(batch, features 4) while training?")
    assert described(asked("Dense(3)", "4", question="How many?")) == "How many?"


MISTAKES = {
    "too few numbers": (
        ("Conv1D(7, 3)", "50"),
        {},
        "Conv1D takes inputs of 2 numbers (steps, channels), not 1\n"
        "   = help: --input steps,channels, as in --input 50,30",
    ),
    "the batch too": (
        ("Conv1D(7, 3)", "2,50,30"),
        {},
        "Conv1D takes inputs of 2 numbers (steps, channels), not 3\n"
        "   = help: --input steps,channels, as in --input 50,30; leave the batch out, it is added",
    ),
    "an open batch": (
        ("Dense(7)", "None,30"),
        {},
        "--input None,30: 'None' is not a length\n"
        "   = help: the batch is added; an axis of any length is a question mark: --input steps=?",
    ),
    "no length": (
        ("Dense(7)", "50x30"),
        {},
        "--input 50x30: '50x30' is not a length\n"
        "   = help: lengths without the batch: --input 50,300 or --input steps=50/80,channels=300; ? is an open one",
    ),
    "no input": (("Dense(7)",), {}, "Dense takes 1 input; none given\n   = help: --input 50,300"),
    "one input of two": (
        ("Average", "5,3"),
        {},
        "Average takes 2 or more inputs; 1 given\n   = help: give --input once for each, in this order",
    ),
    "too many inputs": (
        ("Dense(7)", "5", "5"),
        {},
        "Dense takes 1 input; 2 given\n   = help: give --input once for each, in this order",
    ),
    "inputs by name": (
        ("MultiHeadAttention(2, 4)", "5,8"),
        {},
        "MultiHeadAttention takes 2 to 3 inputs: query, value, key; 1 given\n"
        "   = help: give --input once for each, in this order",
    ),
    "a cell": (
        ("GRUCell(3)", "5"),
        {},
        "GRUCell cannot be asked in one line: a cell is called with its states\n"
        "   = help: write it as a case: CONTRIBUTING.md says how; or ask it inside another: --layer 'RNN(GRUCell(3))'",
    ),
    "one name, two lengths": (
        ("Add", "steps=5", "steps=4"),
        {},
        "the axis steps is 5 and 4\n   = help: one name has one length",
    ),
    "integers without bounds": (
        ("Dense(3)", "4"),
        {"dtypes": ("int32",)},
        "integers of int32 need bounds\n   = help: --range 0,30 draws from 0 to 29; --range 0,30 --dtype int32",
    ),
    "an unknown dtype": (
        ("Dense(3)", "4"),
        {"dtypes": ("int",)},
        "there is no dtype int\n   = help: did you mean ",
    ),
    "one bound": (
        ("Dense(3)", "4"),
        {"ranges": ("3",)},
        "--range 3 is not two bounds\n   = help: the lower first: --range 0,30",
    ),
    "bounds turned round": (
        ("Dense(3)", "4"),
        {"ranges": ("3,1",)},
        "--range 3,1 is not two bounds\n   = help: the lower first: --range 0,30",
    ),
    "half an id": (
        ("Embedding(30, 7)", "4"),
        {"ranges": ("0.5,3",)},
        "--range 0.5,3: int32 needs integers\n   = help: as in --range 0,30",
    ),
    "more real steps than steps": (
        ("GRU(3)", "5,2"),
        {"masks": ("9,3",)},
        "--mask: '9' is not a mask of 5 steps\n"
        "   = help: real steps of each sequence, as in --mask 5,3; or 0 and 1 for each step",
    ),
    "masks of different batches": (
        ("Average", "5,2", "5,2"),
        {"masks": ("3,5", "3,5,1")},
        "the masks have different numbers of rows\n   = help: one entry a sequence, equally many in each",
    ),
    "a mask without steps": (
        ("Dense(3)", "4"),
        {"masks": ("3,2",)},
        "a mask is over steps: an input of 1 numbers has none\n   = help: --input steps,features",
    ),
    "a table without a mask": (
        ("Embedding(30, 7)", "5"),
        {"masks": ("3,5",)},
        "an Embedding makes a mask only with mask_zero\n   = help: add mask_zero: true to its arguments",
    ),
    "two masks for three inputs": (
        ("Add", "5,2", "5,2", "5,2"),
        {"masks": ("3,5", "3,5")},
        "2 times --mask, and 3 inputs\n   = help: give --mask once for all inputs, or once for each",
    ),
    "two masks for one input": (
        ("GRU(3)", "5,2"),
        {"masks": ("3,5", "3,5")},
        "2 times --mask, and 1 input\n   = help: give --mask once for all inputs, or once for each",
    ),
    "a call argument that the layer does not take": (
        ["Softmax", "4"],
        {"call": "{axes: 1}"},
        "the call of Softmax does not take axes\n   = help: it takes mask",
    ),
    "a call argument of a layer that takes none": (
        ["Dense(3)", "4"],
        {"call": "{training: true}"},
        "the call of Dense does not take training\n   = help: it takes no others",
    ),
    "call arguments that are none": (["Softmax", "4"], {"call": "3"}, "--call 3 is not a mapping"),
    "rows that are none": (["Dense(3)", "4"], {"batches": "1,x"}, "--batch 1,x is not a number of rows"),
    "rows that the mask does not have": (
        ["GRU(3)", "5,2"],
        {"masks": ("3,5",), "batches": "3"},
        "--batch and the masks have different numbers of rows\n   = help: leave --batch out: the masks have 2 rows",
    ),
    "a mask of several lengths": (
        ["GRU(3)", "5/8,2"],
        {"masks": ("3,5",)},
        "a mask is of one length, and the steps have several",
    ),
    "random numbers": (
        ("Dropout(0.5)", "4"),
        {"is_training": True},
        "what Dropout gives while training is random, and another in every lane\n   = help: write a case that claims",
    ),
    "random numbers inside": (
        ("Bidirectional(LSTM(3, dropout=0.5))", "5,2"),
        {"is_training": True},
        "what Bidirectional gives while training is random, and another in every lane",
    ),
    "too large": (
        ("Dense(3)", "100000,100000"),
        {},
        "an input of 20000000000 elements; ",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_message_with_a_way_out(name: str) -> None:
    positional, options, message = MISTAKES[name]
    with pytest.raises(QuestionError) as caught:
        asked(*positional, **options)
    assert str(caught.value).startswith(message)
    assert caught.value.exit is Exit.BAD_INPUT


def test_a_layer_that_draws_unasked_is_asked_outside_of_training() -> None:
    question = asked("RandomFlip()", "4,4,3")
    assert question.call == "layer({}, training=False)"
    assert described(question) == (
        "What does RandomFlip() make of (batch, height 4, width 4, channels 3) outside of training?"
    )
    assert asked("RandomBrightness(factor=(0.5, 0.5))", "4,4,3").call == "layer({})"
