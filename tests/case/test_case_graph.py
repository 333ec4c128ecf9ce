"""Names in the graph and the models of a case: what is refused, with the whole message, and what may be called so."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.case.graph import parsed
from tests.case.casefile import message, only, text_with

Lines = dict[str, str]

GRAPH: dict[str, tuple[Lines, str]] = {
    "unknown name": (
        {"graph": "    graph: {y: dense(x) + xx}"},
        """\
fam/topic.case.yaml:9:27: error: unknown node or input xx
  |
9 |     graph: {y: dense(x) + xx}
  |                           ^
   = help: did you mean x?""",
    ),
    "unknown callee": (
        {"graph": "    graph: {y: dense(x), z: maen(y), v: foo(y)}"},
        """\
fam/topic.case.yaml:9:29: error: unknown layer, model or operation maen
  |
9 |     graph: {y: dense(x), z: maen(y), v: foo(y)}
  |                             ^
   = help: did you mean mean?
fam/topic.case.yaml:9:41: error: unknown layer, model or operation foo
  |
9 |     graph: {y: dense(x), z: maen(y), v: foo(y)}
  |                                         ^
   = help: layers here: dense; operations: mean, sum, max, min, concatenate, stack, transpose, reshape, \
expand_dims, squeeze, ... (25 in all)""",
    ),
    "half an expression": (
        {"graph": "    graph: {y: dense(x) +}"},
        """\
fam/topic.case.yaml:9:26: error: not an expression: it ends too early
  |
9 |     graph: {y: dense(x) +}
  |                          ^""",
    ),
    "a node below": (
        {"graph": "    graph: {y: dense(z), z: x}"},
        """\
fam/topic.case.yaml:9:22: error: z is used before it is defined
  |
9 |     graph: {y: dense(z), z: x}
  |                      ^
   = help: put it below the nodes that it reads""",
    ),
    "a node of itself": (
        {"graph": "    graph: {y: dense(x) + y}"},
        """\
fam/topic.case.yaml:9:27: error: y refers to itself
  |
9 |     graph: {y: dense(x) + y}
  |                           ^
   = help: a node is made of inputs and of nodes above it""",
    ),
    "a layer that is read": (
        {"graph": "    graph: {y: x + dense}"},
        """\
fam/topic.case.yaml:9:20: error: dense is called, not read
  |
9 |     graph: {y: x + dense}
  |                    ^
   = help: write dense(...), or dense.kernel for a weight""",
    ),
    "an input that is called": (
        {"graph": "    graph: {y: x(dense(x))}"},
        """\
fam/topic.case.yaml:9:16: error: x is an array, not a layer
  |
9 |     graph: {y: x(dense(x))}
  |                ^
   = help: arrays are read: x, x[0], x + y""",
    ),
    "a weight of nothing": (
        {"graph": "    graph: {y: dense(x) + densee.kernel + x.T}"},
        """\
fam/topic.case.yaml:9:27: error: unknown layer densee
  |
9 |     graph: {y: dense(x) + densee.kernel + x.T}
  |                           ^
   = help: did you mean dense?
fam/topic.case.yaml:9:43: error: x.T is not a weight, x is an array
  |
9 |     graph: {y: dense(x) + densee.kernel + x.T}
  |                                           ^
   = help: arrays have no attributes; there are operations, as transpose(x, axes)""",
    ),
    "not the language": (
        {"graph": "    graph: {y: dense(x) if x else x}"},
        """\
fam/topic.case.yaml:9:16: error: IfExp is not part of the graph language
  |
9 |     graph: {y: dense(x) if x else x}
  |                ^
   = help: use names, calls, lists, [subscripts] and + - * / @""",
    ),
    "in quotes": (
        {"graph": '    graph: {y: "dense(x)[:, z]"}'},
        """\
fam/topic.case.yaml:9:29: error: a subscript that is not an integer
  |
9 |     graph: {y: "dense(x)[:, z]"}
  |                             ^
   = help: use integers and slices""",
    ),
    "folded over lines": (
        {"graph": "    graph:", "y": "      y: dense(x)", "rest": "         + zz"},
        """\
fam/topic.case.yaml:10:10: error: unknown node or input zz
   |
10 |       y: dense(x)
   |          ^
   = help: known here: x""",
    ),
    "left over": (
        {
            "inputs": "    inputs: {x: {shape: [2]}, z: {shape: [2]}}",
            "layers": "    layers: {dense: {type: Dense, units: 4}, d: {type: Dense, units: 4}}",
        },
        """\
fam/topic.case.yaml:7:31: error: the input z is never read
  |
7 |     inputs: {x: {shape: [2]}, z: {shape: [2]}}
  |                               ^
   = help: use it in `graph`, or remove the input
fam/topic.case.yaml:8:46: error: the layer d is never called
  |
8 |     layers: {dense: {type: Dense, units: 4}, d: {type: Dense, units: 4}}
  |                                              ^
   = help: use it in `graph`, or remove the layer""",
    ),
    "shadows": (
        {
            "layers": "    layers: {x: {type: Dense, units: 4}, mean: {type: Dense, units: 4}}",
            "graph": "    graph: {x: mean(x), lambda: x(x), params: x}",
        },
        """\
fam/topic.case.yaml:8:14: error: x is already an input
  |
8 |     layers: {x: {type: Dense, units: 4}, mean: {type: Dense, units: 4}}
  |              ^
   = help: give it a name of its own
fam/topic.case.yaml:8:42: error: mean is an operation of the graph language
  |
8 |     layers: {x: {type: Dense, units: 4}, mean: {type: Dense, units: 4}}
  |                                          ^
   = help: as in mean(x, axis=None, keepdims=False)
fam/topic.case.yaml:9:13: error: x is already an input
  |
9 |     graph: {x: mean(x), lambda: x(x), params: x}
  |             ^
   = help: give it a name of its own
fam/topic.case.yaml:9:25: error: lambda cannot be a name
  |
9 |     graph: {x: mean(x), lambda: x(x), params: x}
  |                         ^
   = help: it is a word of the expression language
fam/topic.case.yaml:9:39: error: params cannot be a node
  |
9 |     graph: {x: mean(x), lambda: x(x), params: x}
  |                                       ^
   = help: `expect` has another use for this key""",
    ),
    "nothing to see": (
        {"graph": "    graph: {_y: dense(x)}"},
        """\
fam/topic.case.yaml:9:5: error: no node of the graph is observed
  |
9 |     graph: {_y: dense(x)}
  |     ^
   = help: names that start with an underscore are not observed""",
    ),
    "models": (
        {
            "graph": "    graph: {y: dense(x), z: m(x), v: dense(z)}",
            "models": "    models: {m: {inputs: [xx], outputs: [v]}, n: {inputs: [x], outputs: [x]}}",
        },
        """\
fam/topic.case.yaml:9:29: error: the model m is called before its output v is defined
  |
9 |     graph: {y: dense(x), z: m(x), v: dense(z)}
  |                             ^
   = help: a model can be called below the nodes that it is made of
fam/topic.case.yaml:10:27: error: unknown node or input xx in the model m
   |
10 |     models: {m: {inputs: [xx], outputs: [v]}, n: {inputs: [x], outputs: [x]}}
   |                           ^
   = help: did you mean x?
fam/topic.case.yaml:10:74: error: unknown node x in the model n
   |
10 |     models: {m: {inputs: [xx], outputs: [v]}, n: {inputs: [x], outputs: [x]}}
   |                                                                          ^
   = help: known: y, z, v""",
    ),
}


@pytest.mark.parametrize("name", GRAPH)
def test_the_whole_message(name: str, tmp_path: Path) -> None:
    lines, expected = GRAPH[name]
    assert message(tmp_path, text_with(**lines)) == expected


def test_a_node_may_be_called_like_an_operation(tmp_path: Path) -> None:
    assert only(tmp_path, graph="    graph: {mean: 'mean(dense(x), axis=-1)'}").graph[0].name == "mean"


def test_reading_a_weight_uses_the_layer(tmp_path: Path) -> None:
    assert only(tmp_path, graph="    graph: {y: x @ dense.kernel}").layers[0].name == "dense"


def test_a_deep_expression_is_an_error_not_a_crash() -> None:
    assert type(parsed("-" * 499 + "x")).__name__ in ("Expression", "ExpressionError")
    assert type(parsed("(" * 250 + "x" + ")" * 249)).__name__ == "ExpressionError"
