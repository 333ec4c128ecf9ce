"""What a case states beforehand: expectations, claims, mutants and the answer's facts, and what is said of mistakes."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.case.model import ExpectedError
from tests.case.casefile import message, only, text_with

Lines = dict[str, str]

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
   = help: keys: same, differ, draws
fam/topic.case.yaml:10:61: error: claims[3] needs exactly one of same, differ, draws
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


@pytest.mark.parametrize("name", STATED)
def test_the_whole_message(name: str, tmp_path: Path) -> None:
    lines, expected = STATED[name]
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
