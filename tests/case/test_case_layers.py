"""Layers and their arguments in a case file: what is refused, with the whole message, and what is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.case.casefile import message, only, text_with

Lines = dict[str, str]

LAYERS: dict[str, tuple[Lines, str]] = {
    "unknown type": (
        {"layers": "    layers: {dense: {type: Dens, units: 4}}"},
        """\
fam/topic.case.yaml:8:28: error: unknown layer type Dens
  |
8 |     layers: {dense: {type: Dens, units: 4}}
  |                            ^
   = help: did you mean Dense?""",
    ),
    "unknown type with nothing near": (
        {"layers": "    layers: {dense: {type: Conv9D, units: 4}}"},
        """\
fam/topic.case.yaml:8:28: error: unknown layer type Conv9D
  |
8 |     layers: {dense: {type: Conv9D, units: 4}}
  |                            ^
   = help: there are Dense, Window, Wrapper""",
    ),
    "no type": (
        {"layers": "    layers: {dense: {units: 4}}"},
        """\
fam/topic.case.yaml:8:21: error: dense needs the key type
  |
8 |     layers: {dense: {units: 4}}
  |                     ^
   = help: the class name in Keras: {type: Dense, units: 3}""",
    ),
    "a type that is none": (
        {"layers": "    layers: {dense: {type: [Dense]}, d: Dense}"},
        """\
fam/topic.case.yaml:8:28: error: type of dense must be text, not a list of 1
  |
8 |     layers: {dense: {type: [Dense]}, d: Dense}
  |                            ^
fam/topic.case.yaml:8:38: error: the layer d is never called
  |
8 |     layers: {dense: {type: [Dense]}, d: Dense}
  |                                      ^
   = help: use it in `graph`, or remove the layer
fam/topic.case.yaml:8:41: error: d must be a layer, not the text 'Dense'
  |
8 |     layers: {dense: {type: [Dense]}, d: Dense}
  |                                         ^""",
    ),
    "unknown argument": (
        {"layers": "    layers: {dense: {type: Window, size: 2, dataformat: channels_first}}"},
        """\
fam/topic.case.yaml:8:45: error: unknown argument dataformat for Window
  |
8 |     layers: {dense: {type: Window, size: 2, dataformat: channels_first}}
  |                                             ^
   = help: did you mean data_format?""",
    ),
    "missing argument": (
        {"layers": "    layers: {dense: {type: Dense, unit: 4}}"},
        """\
fam/topic.case.yaml:8:21: error: Dense needs the argument units
  |
8 |     layers: {dense: {type: Dense, unit: 4}}
  |                     ^
   = help: units: Length of the output.
fam/topic.case.yaml:8:35: error: unknown argument unit for Dense
  |
8 |     layers: {dense: {type: Dense, unit: 4}}
  |                                   ^
   = help: did you mean units?""",
    ),
    "float for int": (
        {"layers": "    layers: {dense: {type: Dense, units: 3.0}}"},
        """\
fam/topic.case.yaml:8:42: error: units of Dense must be an integer from 1, not the number 3.0
  |
8 |     layers: {dense: {type: Dense, units: 3.0}}
  |                                          ^
   = help: write 3""",
    ),
    "truth for int and for float": (
        {"layers": "    layers: {dense: {type: Dense, units: true, rate: false}}"},
        """\
fam/topic.case.yaml:8:42: error: units of Dense must be an integer from 1, not true
  |
8 |     layers: {dense: {type: Dense, units: true, rate: false}}
  |                                          ^
   = help: write 1
fam/topic.case.yaml:8:54: error: rate of Dense must be a number, not false
  |
8 |     layers: {dense: {type: Dense, units: true, rate: false}}
  |                                                      ^
   = help: write 0""",
    ),
    "yes for truth": (
        {"layers": "    layers: {dense: {type: Dense, units: 1, use_bias: no}}"},
        """\
fam/topic.case.yaml:8:55: error: use_bias of Dense must be true or false, not the text 'no'
  |
8 |     layers: {dense: {type: Dense, units: 1, use_bias: no}}
  |                                                       ^
   = help: write false""",
    ),
    "None for null": (
        {"layers": "    layers: {dense: {type: Dense, units: 1, activation: None}}"},
        """\
fam/topic.case.yaml:8:57: error: activation of Dense must be one of relu, tanh, null, not the text 'None'
  |
8 |     layers: {dense: {type: Dense, units: 1, activation: None}}
  |                                                         ^
   = help: write null""",
    ),
    "a word near another": (
        {"layers": "    layers: {dense: {type: Dense, units: 1, activation: rellu}}"},
        """\
fam/topic.case.yaml:8:57: error: activation of Dense must be one of relu, tanh, null, not the text 'rellu'
  |
8 |     layers: {dense: {type: Dense, units: 1, activation: rellu}}
  |                                                         ^
   = help: did you mean relu?""",
    ),
    "nan as a word": (
        {"layers": "    layers: {dense: {type: Dense, units: 1, rate: nan}}"},
        """\
fam/topic.case.yaml:8:51: error: rate of Dense must be a number, not the text 'nan'
  |
8 |     layers: {dense: {type: Dense, units: 1, rate: nan}}
  |                                                   ^
   = help: write .nan""",
    ),
    "too small": (
        {"layers": "    layers: {dense: {type: Window, size: 0}}"},
        """\
fam/topic.case.yaml:8:42: error: size of Window must be at least 1, not 0
  |
8 |     layers: {dense: {type: Window, size: 0}}
  |                                          ^""",
    ),
    "too long a list": (
        {"layers": "    layers: {dense: {type: Window, size: [1, 2]}}"},
        """\
fam/topic.case.yaml:8:42: error: size of Window must be a list of 1, not a list of 2
  |
8 |     layers: {dense: {type: Window, size: [1, 2]}}
  |                                          ^""",
    ),
    "a value of none of several kinds": (
        {"layers": "    layers: {dense: {type: Window, size: 1, axis: 1.5, pads: {a: 1}}}"},
        """\
fam/topic.case.yaml:8:51: error: axis of Window must be an integer, a list or null, not the number 1.5
  |
8 |     layers: {dense: {type: Window, size: 1, axis: 1.5, pads: {a: 1}}}
  |                                                   ^
fam/topic.case.yaml:8:62: error: pads of Window must be an integer, a list of 2 or a list, not a mapping
  |
8 |     layers: {dense: {type: Window, size: 1, axis: 1.5, pads: {a: 1}}}
  |                                                              ^""",
    ),
    "an axis that does not exist": (
        {"layers": "    layers: {dense: {type: Dense, units: dims}}"},
        """\
fam/topic.case.yaml:8:42: error: units of Dense must be an integer from 1, not the text 'dims': unknown axis dims
  |
8 |     layers: {dense: {type: Dense, units: dims}}
  |                                          ^
   = help: did you mean dim?""",
    ),
    "an axis with several sizes": (
        {
            "dims": "dims: {batch: 2, steps: [5, 7], dim: 3}",
            "layers": "    layers: {dense: {type: Dense, units: steps + 1}}",
        },
        """\
fam/topic.case.yaml:8:42: error: units of Dense cannot depend on steps, which has the sizes 5, 7
  |
8 |     layers: {dense: {type: Dense, units: steps + 1}}
  |                                          ^
   = help: use an axis with one size, or `matrix:` for a layer of its own at each size""",
    ),
    "inside a wrapped layer": (
        {"layers": "    layers: {dense: {type: Wrapper, layer: {type: Dense, units: x}, cells: [{type: Densee}]}}"},
        """\
fam/topic.case.yaml:8:65: error: units of Dense must be an integer from 1, not the text 'x': unknown axis x
  |
8 |     layers: {dense: {type: Wrapper, layer: {type: Dense, units: x}, cells: [{type: Densee}]}}
  |                                                                 ^
   = help: named axes here: batch, steps, dim
fam/topic.case.yaml:8:84: error: unknown layer type Densee
  |
8 |     layers: {dense: {type: Wrapper, layer: {type: Dense, units: x}, cells: [{type: Densee}]}}
  |                                                                                    ^
   = help: did you mean Dense?""",
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_whole_message(name: str, tmp_path: Path) -> None:
    lines, expected = LAYERS[name]
    assert message(tmp_path, text_with(**lines)) == expected


def test_a_long_list_of_another_kind_is_still_named(tmp_path: Path) -> None:
    words = ", ".join(["a"] * 300)
    text = text_with(layers=f"    layers: {{dense: {{type: Window, size: 1, axis: [{words}]}}}}")
    assert "axis[0] of Window must be an integer, not the text 'a': unknown axis a" in message(tmp_path, text)


ACCEPTED = {
    "an integer where a float is meant": ("{type: Dense, units: 1, rate: 1}", {"units": 1, "rate": 1.0}),
    "null": ("{type: Dense, units: 1, activation: null}", {"units": 1, "activation": None}),
    "an axis": ("{type: Dense, units: dim}", {"units": 3}),
    "arithmetic": ("{type: Dense, units: 2 * dim - 1}", {"units": 5}),
    "what every layer has": (
        "{type: Dense, units: 1, name: d, dtype: float32, trainable: false}",
        {"units": 1, "name": "d", "dtype": "float32", "trainable": False},
    ),
    "what Keras alone reads": (
        "{type: Dense, units: 1, seed: 3, kernel_initializer: {type: Constant, value: 2}}",
        {"units": 1, "seed": 3, "kernel_initializer": {"type": "Constant", "value": 2}},
    ),
    "one of several forms": ("{type: Window, size: [dim], pads: [1, 2]}", {"size": [3], "pads": [1, 2]}),
    "another of them": ("{type: Window, size: 1, pads: [[1, 2], [0, 0]]}", {"size": 1, "pads": [[1, 2], [0, 0]]}),
    "layers inside": (
        "{type: Wrapper, layer: {type: Dense, units: dim}, cells: [{type: Dense, units: 2}]}",
        {"layer": {"type": "Dense", "units": 3}, "cells": [{"type": "Dense", "units": 2}]},
    ),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_arguments_that_are_taken(name: str, tmp_path: Path) -> None:
    written, expected = ACCEPTED[name]
    (layer,) = only(tmp_path, layers=f"    layers: {{dense: {written}}}").layers
    assert layer.config == expected
    assert [type(value) for value in layer.config.values()] == [type(value) for value in expected.values()]


def test_a_metric_is_asked_under_its_module() -> None:
    from conformance.case.elsewhere import unknown_type

    assert unknown_type("layer", "Recall") == ("Recall is a metric", "write type: metrics.Recall")
    assert unknown_type("layer", "metrics.Recal") is None
    assert unknown_type("layer", "MeanMetricWrapper") is not None
