"""Other arguments are tried like mistakes: one at a time, by the type of the argument."""

from __future__ import annotations

from contextlib import suppress

from conformance.case.load import load_folder
from conformance.diagnose.arguments import NUMBERS, derived_arguments, forgotten_arguments, other_arguments
from conformance.mutants.layer import broken
from conformance.oracle.arrays import make_layers
from conformance.plans.draw import plan_of
from conformance.reference.activation_layers import LeakyReLU
from conformance.reference.base import DoesNotApply, LayerError
from conformance.reference.conv import Conv1D, Conv2D
from conformance.reference.core import Dense
from conformance.reference.normalization import GroupNormalization
from conformance.reference.optimizers import SGD
from tests.plugin.conftest import ROOT


def test_every_word_truth_and_usual_number_of_an_argument_is_tried() -> None:
    names = [mutant.name for mutant in other_arguments(GroupNormalization)]
    assert [name for name in names if name.startswith("center")] == ["center=true", "center=false"]
    assert len([name for name in names if name.startswith("epsilon")]) == 2 * len(NUMBERS)
    assert [name for name in names if name.startswith("groups")] == ["groups=1", "groups=-1", "groups=0"] * 2
    words = [mutant.name for mutant in other_arguments(Conv1D) if mutant.name.startswith("padding")]
    assert words == ["padding=valid", "padding=same", "padding=causal"] * 2, "for all layers, and where it is given"
    assert "clipnorm=null" in [mutant.name for mutant in other_arguments(SGD)]


def test_it_replaces_this_argument_and_no_other() -> None:
    layer = Conv1D(filters=3, kernel_size=2, strides=2)
    mutant, _ = (one for one in other_arguments(Conv1D) if one.name == "strides=1")
    assert mutant.mistake == "takes strides=1"
    assert broken(layer, mutant) == Conv1D(filters=3, kernel_size=2, strides=1)
    assert broken(Conv1D(filters=3, kernel_size=2), mutant) == Conv1D(filters=3, kernel_size=2)


def test_a_truth_is_not_taken_for_the_number_that_it_equals() -> None:
    mutant, _ = (one for one in other_arguments(GroupNormalization) if one.name == "groups=1")
    assert mutant.config is not None
    assert mutant.config(GroupNormalization(groups=1)) == {}
    assert mutant.config(GroupNormalization(groups=2)) == {"groups": 1}


def test_where_layers_of_a_kind_differ_only_those_that_say_something_are_told_otherwise() -> None:
    _, mutant = (one for one in other_arguments(Dense) if one.name == "activation=sigmoid")
    assert mutant.mistake == "takes activation=sigmoid where activation is given"
    assert broken(Dense(units=3, activation="tanh"), mutant) == Dense(units=3, activation="sigmoid")
    assert broken(Dense(units=3), mutant) == Dense(units=3)


def test_the_numbers_are_those_that_libraries_take() -> None:
    """Keras and torch: epsilons, slopes of leaky_relu, LeakyReLU and PReLU, momenta of statistics, betas and rho."""
    assert {1e-3, 1e-7, 1e-6, 1e-12} <= set(NUMBERS), "Keras' epsilons"
    assert {1e-5, 1e-8, 1e-6, 1e-12} <= set(NUMBERS), "torch's"
    assert {0.2, 0.3, 0.01, 0.25, 0.5} <= set(NUMBERS), "slopes and rates"
    assert {0.99, 0.1, 0.9, 0.999, 1e-4} <= set(NUMBERS), "momenta, betas, rates"
    assert {0.0, 1.0} <= set(NUMBERS), "left out, and whole"
    assert len(NUMBERS) == 18


def test_what_is_forgotten_is_at_its_default_and_needs_one() -> None:
    names = {mutant.name: mutant for mutant in forgotten_arguments(Conv1D)}
    assert "filters=default" not in names, "there is none"
    layer = Conv1D(filters=3, kernel_size=2, strides=2, padding="same")
    assert names["strides=default"].mistake == "forgets strides"
    assert broken(layer, names["strides=default"]) == Conv1D(filters=3, kernel_size=2, padding="same")
    assert broken(layer, names["dilation_rate=default"]) == layer


def test_numbers_of_one_argument_are_tried_in_the_other_order() -> None:
    (mutant,) = (one for one in other_arguments(Conv2D) if one.name == "strides=reversed")
    assert mutant.mistake == "takes strides in the other order"
    layer = Conv2D(filters=3, kernel_size=2, strides=(1, 2))
    assert broken(layer, mutant) == Conv2D(filters=3, kernel_size=2, strides=(2, 1))
    assert broken(Conv2D(filters=3, kernel_size=2, strides=2), mutant) == Conv2D(filters=3, kernel_size=2, strides=2)
    assert "use_bias=reversed" not in [one.name for one in other_arguments(Conv2D)]


def test_an_argument_that_a_layer_cannot_take_is_refused_and_loses_no_case() -> None:
    """Whether zero heads divide the features raised ZeroDivisionError while a difference was explained."""
    one_of_each_file = {case.id.partition(".")[0]: case for case in load_folder(ROOT / "cases")}
    refused, kinds = set(), set()
    for case in one_of_each_file.values():
        layers = {}
        with suppress(LayerError):
            layers = make_layers(plan_of(case))
        for layer in layers.values():
            kinds.add(type(layer).__name__)
            for mutant in other_arguments(type(layer)):
                try:
                    broken(layer, mutant)
                except DoesNotApply:
                    refused.add((type(layer).__name__, mutant.name))
    assert len(kinds) > 50
    assert ("BertModel", "num_attention_heads=0") in refused


def test_numbers_are_tried_that_come_from_the_one_that_was_asked_for() -> None:
    tried = {one.mistake: broken(LeakyReLU(negative_slope=0.25), one) for one in derived_arguments(LeakyReLU)}
    by_hand = {
        "takes 1 - negative_slope for negative_slope": 0.75,
        "takes twice the negative_slope for negative_slope": 0.5,
        "takes half the negative_slope for negative_slope": 0.125,
        "takes the square of negative_slope for negative_slope": 0.0625,
        "takes the root of negative_slope for negative_slope": 0.5,
        "takes 1 over negative_slope for negative_slope": 4.0,
    }
    assert {words: vars(tried[words])["negative_slope"] for words in by_hand} == by_hand
    (inverted,) = (one for one in derived_arguments(LeakyReLU) if one.name == "negative_slope=1 over")
    assert broken(LeakyReLU(negative_slope=0.0), inverted) == LeakyReLU(negative_slope=0.0)
