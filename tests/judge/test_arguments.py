"""Other arguments are tried like mistakes: one at a time, by the type of the argument."""

from __future__ import annotations

from conformance.judge.arguments import NUMBERS, other_arguments
from conformance.mutants.layer import broken
from conformance.reference.conv import Conv1D
from conformance.reference.normalization import GroupNormalization
from conformance.reference.optimizers import SGD


def test_every_word_truth_and_usual_number_of_an_argument_is_tried() -> None:
    names = [mutant.name for mutant in other_arguments(GroupNormalization)]
    assert [name for name in names if name.startswith("center")] == ["center=true", "center=false"]
    assert len([name for name in names if name.startswith("epsilon")]) == len(NUMBERS)
    assert [name for name in names if name.startswith("groups")] == ["groups=1", "groups=-1", "groups=0"]
    words = [mutant.name for mutant in other_arguments(Conv1D) if mutant.name.startswith("padding")]
    assert words == ["padding=valid", "padding=same", "padding=causal"]
    assert "clipnorm=null" in [mutant.name for mutant in other_arguments(SGD)]


def test_it_replaces_this_argument_and_no_other() -> None:
    layer = Conv1D(filters=3, kernel_size=2, strides=2)
    (mutant,) = (one for one in other_arguments(Conv1D) if one.name == "strides=1")
    assert mutant.mistake == "takes strides=1"
    assert broken(layer, mutant) == Conv1D(filters=3, kernel_size=2, strides=1)
    assert broken(Conv1D(filters=3, kernel_size=2), mutant) == Conv1D(filters=3, kernel_size=2)


def test_a_truth_is_not_taken_for_the_number_that_it_equals() -> None:
    (mutant,) = (one for one in other_arguments(GroupNormalization) if one.name == "groups=1")
    assert mutant.config is not None
    assert mutant.config(GroupNormalization(groups=1)) == {}
    assert mutant.config(GroupNormalization(groups=2)) == {"groups": 1}
