"""Names in a case: what the graph, the models, the claims, the mutants and the answer speak of."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.case.graph import parsed
from conformance.case.model import ExpectedError
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

STATED: dict[str, tuple[Lines, str]] = {
    "nodes": (
        {
            "graph": "    graph: {yes_: dense(x), _h: x}",
            "expect": '    expect: {yes: {dtype: float32}, _h: {}, x: {}, "yes_[1]": {}, parms: {}}',
        },
        """\
fam/topic.case.yaml:10:14: error: unknown node yes
   |
10 |     expect: {yes: {dtype: float32}, _h: {}, x: {}, "yes_[1]": {}, parms: {}}
   |              ^
   = help: did you mean yes_?
fam/topic.case.yaml:10:37: error: _h is not observed
   |
10 |     expect: {yes: {dtype: float32}, _h: {}, x: {}, "yes_[1]": {}, parms: {}}
   |                                     ^
   = help: names that start with an underscore are computed, not observed
fam/topic.case.yaml:10:45: error: x is an input, not a node
   |
10 |     expect: {yes: {dtype: float32}, _h: {}, x: {}, "yes_[1]": {}, parms: {}}
   |                                             ^
   = help: an input is given, not observed; a node can repeat it: `copy: x`
fam/topic.case.yaml:10:67: error: unknown node parms
   |
10 |     expect: {yes: {dtype: float32}, _h: {}, x: {}, "yes_[1]": {}, parms: {}}
   |                                                                   ^
   = help: did you mean params?""",
    ),
    "shapes and dtypes": (
        {"expect": "    expect: {y: {shape: [batch, step], dtype: float, symbolic: [None, units]}}"},
        """\
fam/topic.case.yaml:10:33: error: unknown axis step
   |
10 |     expect: {y: {shape: [batch, step], dtype: float, symbolic: [None, units]}}
   |                                 ^
   = help: did you mean steps?
fam/topic.case.yaml:10:47: error: dtype must be one of float32, float64, float16, int32, int64, int8, int16, \
uint8, bool, not the text 'float'
   |
10 |     expect: {y: {shape: [batch, step], dtype: float, symbolic: [None, units]}}
   |                                               ^
   = help: did you mean float64?
fam/topic.case.yaml:10:65: error: symbolic[0] must be null or a length, not the text 'None'
   |
10 |     expect: {y: {shape: [batch, step], dtype: float, symbolic: [None, units]}}
   |                                                                 ^
   = help: write null""",
    ),
    "an unknown symbolic axis": (
        {"expect": "    expect: {y: {symbolic: [null, stepz]}}"},
        """\
fam/topic.case.yaml:10:35: error: unknown axis stepz
   |
10 |     expect: {y: {symbolic: [null, stepz]}}
   |                                   ^
   = help: did you mean steps?""",
    ),
    "values": (
        {"expect": "    expect: {y: {shape: [2, 2], values: [[1, 2, 3], [4, 5, 6]], mask: [[1, 0], [2]]}}"},
        """\
fam/topic.case.yaml:10:41: error: values has shape (2, 3), the expected shape is (2, 2)
   |
10 |     expect: {y: {shape: [2, 2], values: [[1, 2, 3], [4, 5, 6]], mask: [[1, 0], [2]]}}
   |                                         ^
fam/topic.case.yaml:10:80: error: row mask[1] has 1 entry, row mask[0] has 2 entries
   |
10 |     expect: {y: {shape: [2, 2], values: [[1, 2, 3], [4, 5, 6]], mask: [[1, 0], [2]]}}
   |                                                                                ^
   = help: pad the rows, or use the fill `ragged`
fam/topic.case.yaml:10:81: error: mask[1][0] must be 0 or 1, not 2
   |
10 |     expect: {y: {shape: [2, 2], values: [[1, 2, 3], [4, 5, 6]], mask: [[1, 0], [2]]}}
   |                                                                                 ^""",
    ),
    "words for numbers": (
        {"expect": "    expect: {y: {values: [1, .nan, nan, NaN, None], mask: alll}}"},
        """\
fam/topic.case.yaml:10:41: error: values must be a number, not the text 'NaN'
   |
10 |     expect: {y: {values: [1, .nan, nan, NaN, None], mask: alll}}
   |                                         ^
   = help: write nan
fam/topic.case.yaml:10:46: error: values must be a number, not the text 'None'
   |
10 |     expect: {y: {values: [1, .nan, nan, NaN, None], mask: alll}}
   |                                              ^
   = help: write nan where there is no number
fam/topic.case.yaml:10:59: error: mask must be one of none, all or numbers in nested lists, not the text 'alll'
   |
10 |     expect: {y: {values: [1, .nan, nan, NaN, None], mask: alll}}
   |                                                           ^
   = help: did you mean all?""",
    ),
    "layers": (
        {
            "expect": "    expect: {params: {dens: 1, dense: dim *}, weights: {den: {k: [3]}, dense: {k: [dims]}}}",
        },
        """\
fam/topic.case.yaml:10:23: error: unknown layer dens
   |
10 |     expect: {params: {dens: 1, dense: dim *}, weights: {den: {k: [3]}, dense: {k: [dims]}}}
   |                       ^
   = help: did you mean dense?
fam/topic.case.yaml:10:39: error: dense must be an integer from 0, not the text 'dim *': not a length
   |
10 |     expect: {params: {dens: 1, dense: dim *}, weights: {den: {k: [3]}, dense: {k: [dims]}}}
   |                                       ^
   = help: write a number, a named axis, or arithmetic such as ceil(steps / 2)
fam/topic.case.yaml:10:57: error: unknown layer den
   |
10 |     expect: {params: {dens: 1, dense: dim *}, weights: {den: {k: [3]}, dense: {k: [dims]}}}
   |                                                         ^
   = help: did you mean dense?
fam/topic.case.yaml:10:84: error: unknown axis dims
   |
10 |     expect: {params: {dens: 1, dense: dim *}, weights: {den: {k: [3]}, dense: {k: [dims]}}}
   |                                                                                    ^
   = help: did you mean dim?""",
    ),
    "lanes that do not run": (
        {
            "lanes": "    lanes: [keras]",
            "expect": "    expect: {error: [{lanes: [keras@3.3.3]}, {lanes: [torch]}], native_weights: {torch: {}}}",
        },
        """\
fam/topic.case.yaml:11:55: error: the lane torch does not run this case
   |
11 |     expect: {error: [{lanes: [keras@3.3.3]}, {lanes: [torch]}], native_weights: {torch: {}}}
   |                                                       ^
   = help: its lanes are keras
fam/topic.case.yaml:11:82: error: the lane torch does not run this case
   |
11 |     expect: {error: [{lanes: [keras@3.3.3]}, {lanes: [torch]}], native_weights: {torch: {}}}
   |                                                                                  ^
   = help: its lanes are keras""",
    ),
    "an error in another phase": (
        {"expect": "    expect: {error: {phase: built, containz: x}}"},
        """\
fam/topic.case.yaml:10:29: error: phase must be one of build, call, any, not the text 'built'
   |
10 |     expect: {error: {phase: built, containz: x}}
   |                             ^
   = help: did you mean build?
fam/topic.case.yaml:10:36: error: unknown key containz in the expected error
   |
10 |     expect: {error: {phase: built, containz: x}}
   |                                    ^
   = help: did you mean contains?""",
    ),
    "claims": (
        {
            "graph": "    graph: {y: dense(x), z: y}",
            "claims": "    claims: [{same: [y, zz]}, {same: [y]}, {alike: [y, z]}, {same: [y, z], differ: [y, z]}]",
        },
        """\
fam/topic.case.yaml:10:38: error: same needs at least 2 entries, not 1
   |
10 |     claims: [{same: [y, zz]}, {same: [y]}, {alike: [y, z]}, {same: [y, z], differ: [y, z]}]
   |                                      ^
fam/topic.case.yaml:10:45: error: unknown key alike in the claim
   |
10 |     claims: [{same: [y, zz]}, {same: [y]}, {alike: [y, z]}, {same: [y, z], differ: [y, z]}]
   |                                             ^
   = help: keys: same, differ
fam/topic.case.yaml:10:61: error: claims[3] needs exactly one of same, differ
   |
10 |     claims: [{same: [y, zz]}, {same: [y]}, {alike: [y, z]}, {same: [y, z], differ: [y, z]}]
   |                                                             ^""",
    ),
    "names in claims": (
        {"claims": "    claims: [{same: [y, yy]}, {differ: [y, x]}, {differ: [y, y]}]"},
        """\
fam/topic.case.yaml:10:25: error: unknown node yy
   |
10 |     claims: [{same: [y, yy]}, {differ: [y, x]}, {differ: [y, y]}]
   |                         ^
   = help: did you mean y?
fam/topic.case.yaml:10:44: error: x is an input, not a node
   |
10 |     claims: [{same: [y, yy]}, {differ: [y, x]}, {differ: [y, y]}]
   |                                            ^
   = help: an input is given, not observed; a node can repeat it: `copy: x`
fam/topic.case.yaml:10:62: error: y stands twice in this claim
   |
10 |     claims: [{same: [y, yy]}, {differ: [y, x]}, {differ: [y, y]}]
   |                                                              ^""",
    ),
    "mutants": (
        {"kills": "    kills: [Dense.no_bais, Dens.no_bias, Window.x, Dense]"},
        """\
fam/topic.case.yaml:10:52: error: kills[3] must be Layer.mutant, not the text 'Dense'
   |
10 |     kills: [Dense.no_bais, Dens.no_bias, Window.x, Dense]
   |                                                    ^""",
    ),
    "unknown mutants": (
        {"kills": "    kills: [Dense.no_bais, Dens.no_bias, Window.x]"},
        """\
fam/topic.case.yaml:10:13: error: Dense has no mutant no_bais
   |
10 |     kills: [Dense.no_bais, Dens.no_bias, Window.x]
   |             ^
   = help: did you mean no_bias?
fam/topic.case.yaml:10:28: error: unknown layer type Dens
   |
10 |     kills: [Dense.no_bais, Dens.no_bias, Window.x]
   |                            ^
   = help: did you mean Dense?
fam/topic.case.yaml:10:42: error: Window has no mutant x
   |
10 |     kills: [Dense.no_bais, Dens.no_bias, Window.x]
   |                                          ^
   = help: it has none""",
    ),
    "a mutant of another layer": (
        {"layers": "    layers: {dense: {type: Window, size: 1}}", "kills": "    kills: [Dense.no_bias]"},
        """\
fam/topic.case.yaml:10:13: error: the case does not use Dense
   |
10 |     kills: [Dense.no_bias]
   |             ^
   = help: it uses Window""",
    ),
    "facts in the answer": (
        {"answer": '    answer: "{z.shape} {y.form} {y} {params.dens} {weights.dense} {} {"'},
        """\
fam/topic.case.yaml:10:13: error: a brace without its partner in the answer
   |
10 |     answer: "{z.shape} {y.form} {y} {params.dens} {weights.dense} {} {"
   |             ^
   = help: facts stand in braces: {pooled.shape}
fam/topic.case.yaml:10:13: error: unknown node z
   |
10 |     answer: "{z.shape} {y.form} {y} {params.dens} {weights.dense} {} {"
   |             ^
   = help: nodes here: y
fam/topic.case.yaml:10:13: error: {y.form} is not a fact
   |
10 |     answer: "{z.shape} {y.form} {y} {params.dens} {weights.dense} {} {"
   |             ^
   = help: facts: {node.shape|symbolic|dtype|mask|values}, {params.layer}, {weights.layer.kernel}, {error.lane}, \
{versions}
fam/topic.case.yaml:10:13: error: {y} is not a fact
   |
10 |     answer: "{z.shape} {y.form} {y} {params.dens} {weights.dense} {} {"
   |             ^
   = help: facts: {node.shape|symbolic|dtype|mask|values}, {params.layer}, {weights.layer.kernel}, {error.lane}, \
{versions}
fam/topic.case.yaml:10:13: error: unknown layer dens
   |
10 |     answer: "{z.shape} {y.form} {y} {params.dens} {weights.dense} {} {"
   |             ^
   = help: did you mean dense?
fam/topic.case.yaml:10:13: error: {weights.dense} names no weight
   |
10 |     answer: "{z.shape} {y.form} {y} {params.dens} {weights.dense} {} {"
   |             ^
   = help: as in {weights.dense.kernel}
fam/topic.case.yaml:10:13: error: {} is not a fact
   |
10 |     answer: "{z.shape} {y.form} {y} {params.dens} {weights.dense} {} {"
   |             ^
   = help: facts: {node.shape|symbolic|dtype|mask|values}, {params.layer}, {weights.layer.kernel}, {error.lane}, \
{versions}""",
    ),
}

ALL = {**GRAPH, **STATED}


@pytest.mark.parametrize("name", ALL)
def test_the_whole_message(name: str, tmp_path: Path) -> None:
    lines, expected = ALL[name]
    assert message(tmp_path, text_with(**lines)) == expected


def test_everything_that_can_be_stated(tmp_path: Path) -> None:
    case = only(
        tmp_path,
        graph="    graph: {y: dense(x), z: dense(y), two: '[y, z]', _h: z}",
        models="    models: {m: {inputs: [x, y], outputs: [_h]}}",
        call="    # a model may stay uncalled: building it is a question of its own",
        answer='    answer: "{y.shape} {two[0].values} {params.dense} {weights.dense.kernel} {error.keras} {versions}"',
        expect=(
            '    expect: {y: {shape: [batch, "steps - 1", 4], symbolic: [null, dim], dtype: float32, mask: none},'
            ' "two[1]": {mask: [[1, 0], [1, 1]], values: [1, nan, -inf, -0.0]},'
            " params: {dense: 4 * dim + 4}, weights: {dense: {kernel: [dim, 4], bias: [4]}},"
            " native_weights: {torch: {dense: {weight: [4, dim]}}}, error: {phase: call, contains: text}}"
        ),
        claims="    claims: [{same: [y, z]}, {differ: ['two[0]', 'two[1]']}]",
        kills="    kills: [Dense.no_bias]",
    )
    expect = case.expect
    assert list(expect.nodes) == ["y", "two[1]"]
    assert (expect.nodes["y"].shape, expect.nodes["y"].symbolic) == (("batch", "steps - 1", 4), (None, "dim"))
    assert (expect.nodes["y"].dtype, expect.nodes["y"].mask) == ("float32", "none")
    assert expect.nodes["two[1]"].mask == [[1, 0], [1, 1]]
    assert str(expect.nodes["two[1]"].values) == "[1, nan, -inf, -0.0]"
    assert expect.params == {"dense": 16}
    assert expect.weights == {"dense": {"kernel": ("dim", 4), "bias": (4,)}}
    assert expect.native_weights == {"torch": {"dense": {"weight": (4, "dim")}}}
    assert expect.errors == (ExpectedError(expect.errors[0].position, "call", (), "text"),)
    assert [(claim.kind, claim.nodes) for claim in case.claims] == [
        ("same", ("y", "z")),
        ("differ", ("two[0]", "two[1]")),
    ]
    assert [(model.inputs, model.outputs) for model in case.models] == [(("x", "y"), ("_h",))]
    assert [node.is_observed for node in case.graph] == [True, True, True, False]


def test_a_node_may_be_called_like_an_operation(tmp_path: Path) -> None:
    assert only(tmp_path, graph="    graph: {mean: 'mean(dense(x), axis=-1)'}").graph[0].name == "mean"


def test_reading_a_weight_uses_the_layer(tmp_path: Path) -> None:
    assert only(tmp_path, graph="    graph: {y: x @ dense.kernel}").layers[0].name == "dense"


def test_a_deep_expression_is_an_error_not_a_crash() -> None:
    assert type(parsed("-" * 499 + "x")).__name__ in ("Expression", "ExpressionError")
    assert type(parsed("(" * 250 + "x" + ")" * 249)).__name__ == "ExpressionError"
