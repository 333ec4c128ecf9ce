"""Other rooms know layers by their traits: how often they still name one is counted, and may only fall."""

from __future__ import annotations

from benchmarks.layer_names import mentions, mentions_in

MOST = 10
AT_COMPARING = 150
"""In the room that compares two models, which pairs the classes of Keras with modules of torch by tables of its own; to
fall as these tables are read off `native` on the layers' classes."""


def is_of_comparing(path: str) -> bool:
    return path.startswith(("compare/", "lanes/compare_"))


def test_at_most_ten_mentions_outside_of_the_layers_own_rooms() -> None:
    found = [mention for mention in mentions() if not is_of_comparing(mention.path)]
    assert len(found) <= MOST, "\n".join(map(str, found))


def test_the_room_that_compares_models_gets_no_further_ones() -> None:
    assert sum(is_of_comparing(mention.path) for mention in mentions()) <= AT_COMPARING


def test_what_counts() -> None:
    source = '''
from conformance.reference.core import Dense
from conformance.reference.activations import Activation
import keras

KINDS = {"GRU", "LSTM"}
MORE = "Conv1D Conv2D".split()
HINT = "as in Conv1D(2)"
made = keras.layers.Dense(3)


def of(kind):
    """Dense is named here in words."""
    match kind:
        case "Dot":
            return "a dot"
'''
    found = [mention.layer for mention in mentions_in(source, "room/file.py")]
    assert sorted(found) == ["Conv1D", "Conv2D", "Dense", "Dot", "GRU", "LSTM"]


def test_a_sentence_and_a_framework_are_no_mentions() -> None:
    assert list(mentions_in('"Dense is a layer"\nkeras.layers.Dense', "room/file.py")) == []
