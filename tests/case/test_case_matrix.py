"""One case for each combination of values, with ids that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.case.matrix import id_text
from tests.case.casefile import load, message, text_with

Lines = dict[str, str]

WINDOWS: Lines = {
    "question": "    question: A window of $k?",
    "layers": "    layers: {dense: {type: Window, size: $k, padding: $padding}}",
    "graph": '    graph: {y: "dense(x)[:, :$k]"}',
    "matrix": "    matrix: {k: [1, 3], padding: [valid, same]}",
    "expect": '    expect: {y: {shape: [batch, "min(k, steps)", dim]}}',
}


def test_the_product_in_order(tmp_path: Path) -> None:
    cases = load(tmp_path, text_with(**WINDOWS))
    assert [case.id for case in cases] == [
        "fam/topic.a-k_1-padding_valid",
        "fam/topic.a-k_1-padding_same",
        "fam/topic.a-k_3-padding_valid",
        "fam/topic.a-k_3-padding_same",
    ]
    last = cases[-1]
    assert last.layers[0].config == {"size": 3, "padding": "same"}
    assert last.graph[0].expression == "dense(x)[:, :3]"
    assert last.question == "A window of 3?"
    assert last.matrix == {"k": 3, "padding": "same"}
    assert last.expect.nodes["y"].shape == ("batch", "min(k, steps)", "dim")
    assert len({case.digest for case in cases}) == 4


def test_an_id_does_not_depend_on_the_other_values(tmp_path: Path) -> None:
    longer = {**WINDOWS, "matrix": "    matrix: {k: [0x5, 1, 3], padding: [same]}"}
    assert "fam/topic.a-k_3-padding_same" in [case.id for case in load(tmp_path, text_with(**longer))]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, "3"),
        (-1, "-1"),
        (0.5, "0.5"),
        (1e-5, "1e-05"),
        (True, "true"),
        (None, "null"),
        ("channels_first", "channels_first"),
        ("a b/c", "a_b_c"),
        ("", "empty"),
        ([2, 3], "2x3"),
        ([], "empty"),
    ],
)
def test_values_in_ids(value: object, expected: str) -> None:
    assert id_text(value) == expected


def test_values_become_literals_in_the_graph(tmp_path: Path) -> None:
    lines: Lines = {
        "matrix": "    matrix: {v: [3, 0.5, same, true, null, [1, -2]]}",
        "graph": '    graph: {y: "dense(x, mode=$v)"}',
        "remark": "    remark: $v costs $5",
    }
    cases = load(tmp_path, text_with(**lines))
    assert [case.graph[0].expression for case in cases] == [
        "dense(x, mode=3)",
        "dense(x, mode=0.5)",
        "dense(x, mode='same')",
        "dense(x, mode=True)",
        "dense(x, mode=None)",
        "dense(x, mode=[1, -2])",
    ]
    assert [case.remark for case in cases][3:] == ["true costs $5", "null costs $5", "[1, -2] costs $5"]


def test_mutants_of_a_type_that_varies(tmp_path: Path) -> None:
    lines: Lines = {
        "matrix": "    matrix: {kind: [Dense]}",
        "layers": "    layers: {dense: {type: $kind, units: 1}}",
        "kills": "    kills: [$kind.no_bias]",
    }
    (case,) = load(tmp_path, text_with(**lines))
    assert case.kills == ("Dense.no_bias",)


def test_whole_scalars_anywhere(tmp_path: Path) -> None:
    lines: Lines = {
        "matrix": "    matrix: {n: [2, 4], t: [int32, int64], fill: [[0, 9], [1, 3]]}",
        "dims": "dims: {steps: 5, dim: 3}",
        "own": "    dims: {batch: $n}",
        "inputs": "    inputs: {x: {shape: [batch, $n], dtype: $t, fill: {integers: $fill}}}",
        "expect": "    expect: {y: {shape: [$n, n]}, params: {dense: $n}}",
    }
    case = load(tmp_path, text_with(**lines))[-1]
    assert case.id == "fam/topic.a-n_4-t_int64-fill_1x3"
    assert case.dims["batch"] == (4,)
    assert (case.inputs[0].shape, case.inputs[0].dtype, case.inputs[0].fill) == (
        ("batch", 4),
        "int64",
        {"integers": [1, 3]},
    )
    assert case.expect.nodes["y"].shape == (4, "n")
    assert case.expect.params == {"dense": 4}


MISTAKES: dict[str, tuple[Lines, str]] = {
    "not used": (
        {"matrix": "    matrix: {k: [1, 2]}"},
        """\
fam/topic.case.yaml:10:14: error: the matrix variable k is not used
   |
10 |     matrix: {k: [1, 2]}
   |              ^
   = help: write $k where it belongs""",
    ),
    "unknown variable": (
        {"matrix": "    matrix: {units: [1, 2]}", "layers": "    layers: {dense: {type: Dense, units: $unit}}"},
        """\
fam/topic.case.yaml:8:42: error: there is no matrix variable unit
  |
8 |     layers: {dense: {type: Dense, units: $unit}}
  |                                          ^
   = help: did you mean units?
fam/topic.case.yaml:10:14: error: the matrix variable units is not used
   |
10 |     matrix: {units: [1, 2]}
   |              ^
   = help: write $units where it belongs""",
    ),
    "no matrix at all": (
        {"graph": '    graph: {y: "dense(x)[:, $k]"}'},
        """\
fam/topic.case.yaml:9:16: error: there is no matrix variable k
  |
9 |     graph: {y: "dense(x)[:, $k]"}
  |                ^
   = help: add it: `matrix: {k: [...]}`""",
    ),
    "a variable that is none, in places of every kind": (
        {
            "layers": "    layers: {dense: {type: $a, units: $b}}",
            "expect": "    expect: {y: {shape: $c, values: [$d]}}",
            "kills": "    kills: [$e.no_bias]",
        },
        """\
fam/topic.case.yaml:8:28: error: there is no matrix variable a
  |
8 |     layers: {dense: {type: $a, units: $b}}
  |                            ^
   = help: add it: `matrix: {a: [...]}`
fam/topic.case.yaml:8:39: error: there is no matrix variable b
  |
8 |     layers: {dense: {type: $a, units: $b}}
  |                                       ^
   = help: add it: `matrix: {b: [...]}`
fam/topic.case.yaml:10:25: error: there is no matrix variable c
   |
10 |     expect: {y: {shape: $c, values: [$d]}}
   |                         ^
   = help: add it: `matrix: {c: [...]}`
fam/topic.case.yaml:10:38: error: there is no matrix variable d
   |
10 |     expect: {y: {shape: $c, values: [$d]}}
   |                                      ^
   = help: add it: `matrix: {d: [...]}`
fam/topic.case.yaml:11:13: error: there is no matrix variable e
   |
11 |     kills: [$e.no_bias]
   |             ^
   = help: add it: `matrix: {e: [...]}`""",
    ),
    "a variable in the head": (
        {"dims": "dims: {batch: $n, steps: 5, dim: 3}"},
        """\
fam/topic.case.yaml:3:15: error: batch must be an integer from 0 or a list, not the text '$n'
  |
3 | dims: {batch: $n, steps: 5, dim: 3}
  |               ^
   = help: a variable of `matrix:` is known within its case only""",
    ),
    "two values of one id": (
        {"matrix": "    matrix: {units: [1, 2, 1]}", "layers": "    layers: {dense: {type: Dense, units: $units}}"},
        """\
fam/topic.case.yaml:10:28: error: a second value of units gives the id units_1
   |
10 |     matrix: {units: [1, 2, 1]}
   |                            ^
   = help: each value must give an id of its own""",
    ),
    "a value that is a mapping": (
        {"matrix": "    matrix: {layer: [{type: Dense}], empty: []}"},
        """\
fam/topic.case.yaml:10:22: error: layer[0] must be null, true or false, an integer, a number, text or a list, \
not a mapping
   |
10 |     matrix: {layer: [{type: Dense}], empty: []}
   |                      ^
fam/topic.case.yaml:10:45: error: empty needs at least 1 entry, not 0
   |
10 |     matrix: {layer: [{type: Dense}], empty: []}
   |                                             ^""",
    ),
    "too many": (
        {"matrix": "    matrix: {a: &, b: &, c: &, d: &}".replace("&", "[1, 2, 3, 4, 5, 6, 7]")},
        """\
fam/topic.case.yaml:10:5: error: 2401 variants are too many; 2000 are allowed
   |
10 |     matrix: {a: &, b: &, c: &, d: &}
   |     ^
   = help: split the case, or cut the lists""".replace("&", "[1, 2, 3, 4, 5, 6, 7]"),
    ),
    "a mistake in some variants": (
        {
            "matrix": "    matrix: {s: [1, 4, 3], padding: [same, valid]}",
            "layers": "    layers: {dense: {type: Window, size: $s, padding: $padding}}",
            "expect": '    expect: {y: {shape: [batch, "(steps + 1) / s"]}}',
        },
        """\
fam/topic.case.yaml:11:33: error: (steps + 1) / s is 3/2 with s = 4, steps = 5, not an integer
   |
11 |     expect: {y: {shape: [batch, "(steps + 1) / s"]}}
   |                                 ^
   = help: write ceil((steps + 1) / s) or floor((steps + 1) / s) (in the variant s = 4, padding = same)""",
    ),
}


@pytest.mark.parametrize("name", MISTAKES)
def test_the_whole_message(name: str, tmp_path: Path) -> None:
    lines, expected = MISTAKES[name]
    assert message(tmp_path, text_with(**lines)) == expected


def test_a_mistake_of_every_variant_is_named_once(tmp_path: Path) -> None:
    text = text_with(
        id="  - id: A",
        layers="    layers: {dense: {type: Dense, units: $n, use_bias: no}}",
        graph='    graph: {y: "dense($x)"}',
        matrix="    matrix: {n: [1, 2, 3]}",
    )
    said = [line for line in message(tmp_path, text).splitlines() if " error: " in line]
    assert [line.partition(" error: ")[2] for line in said] == [
        "id must be lower-case letters, digits, _ . and -, starting with a letter or digit, not the text 'A'",
        "use_bias of Dense must be true or false, not the text 'no'",
        "there is no matrix variable x",
    ]


def test_a_product_of_billions_is_counted_not_built(tmp_path: Path) -> None:
    values = ", ".join(str(n) for n in range(100))
    many = ", ".join(f"v{n}: [{values}]" for n in range(30))
    assert f"error: {100**30} variants are too many" in message(tmp_path, text_with(matrix=f"    matrix: {{{many}}}"))


def test_a_long_case_is_not_unfolded_often(tmp_path: Path) -> None:
    text = text_with(
        matrix=f"    matrix: {{n: [{', '.join(str(n) for n in range(1, 1001))}]}}",
        expect="    expect: {params: {dense: $n}}",
        remark=f"    remark: {'x' * 50_000}",
    )
    assert "error: 1000 variants are too many; 2000 are allowed" in message(tmp_path, text)
