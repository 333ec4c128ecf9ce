"""Other rooms know layers by their traits: how often they still name one is counted, and may only fall."""

from __future__ import annotations

from benchmarks.layer_names import mentions, mentions_in

MOST = 8


def test_at_most_so_many_mentions_outside_of_the_layers_own_rooms() -> None:
    found = list(mentions())
    assert len(found) <= MOST, "\n".join(map(str, found))


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
