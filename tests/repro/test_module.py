"""Modules as a person would write them: each gives the reference's numbers with Keras' weights, or says why not."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pytest

from conformance.form import to_json
from conformance.lanes.torch.written.modules import activated, line_of
from conformance.protocol.adapter import Unsupported
from conformance.protocol.plan import PlannedLayer
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.module import module
from conformance.run import LANES, Run
from tests.builders import cases_of
from tests.repro.asked import evidence_of, lane_row

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.frameworks

HEAD = """
schema_version: 1
topic: modules
source: {kind: hand}
dims: {batch: 2, steps: 5, dim: 3, height: 4, width: 6}
cases:
"""
SEQUENCE = "x: {shape: [batch, steps, dim]}"
VOLUME = "x: {shape: [batch, 2, height, 3, dim]}"
IMAGE = "x: {shape: [batch, height, width, dim]}"
ASKED: dict[str, tuple[str, str, str]] = {
    "dense": (SEQUENCE, "d: {type: Dense, units: 4, activation: gelu}", "y: d(x)"),
    "lstm": (SEQUENCE, "r: {type: LSTM, units: 4}", "y: r(x)"),
    "gru": (SEQUENCE, "r: {type: GRU, units: 4, return_sequences: true}", "y: r(x)"),
    "simple": (SEQUENCE, "r: {type: SimpleRNN, units: 4, activation: relu}", "y: r(x)"),
    "both": (SEQUENCE, "r: {type: Bidirectional, layer: {type: LSTM, units: 4}}", "y: r(x)"),
    "causal": (SEQUENCE, "c: {type: Conv1D, filters: 4, kernel_size: 2, padding: causal, dilation_rate: 2}", "y: c(x)"),
    "strided": (IMAGE, "c: {type: Conv2D, filters: 4, kernel_size: 3, strides: 2, padding: same}", "y: c(x)"),
    "same": (IMAGE, "c: {type: Conv2D, filters: 4, kernel_size: 3, padding: same, activation: relu}", "y: c(x)"),
    "norms": (
        SEQUENCE,
        "a: {type: LayerNormalization}, b: {type: BatchNormalization}",
        "y: b(a(x) + x)",
    ),
    "pools": (IMAGE, "p: {type: MaxPooling2D}, g: {type: GlobalAveragePooling2D}", "y: g(p(x))"),
    "shapes": (IMAGE, "f: {type: Flatten}, r: {type: Reshape, target_shape: [6, -1]}", "y: r(f(x))"),
    "merged": (SEQUENCE, "c: {type: Concatenate, axis: 1}, a: {type: Add}", "y: 'c([a([x, x, x]), x])'"),
    "transposed": (
        SEQUENCE,
        "c: {type: Conv1DTranspose, filters: 4, kernel_size: 3, strides: 2, activation: tanh}",
        "y: c(x)",
    ),
    "gaps": (IMAGE, "c: {type: Conv2DTranspose, filters: 4, kernel_size: 2, strides: [1, 3]}", "y: c(x)"),
    "transposed_volume": (VOLUME, "c: {type: Conv3DTranspose, filters: 2, kernel_size: 2, strides: 2}", "y: c(x)"),
    "depthwise": (IMAGE, "c: {type: DepthwiseConv2D, kernel_size: 2, depth_multiplier: 2, strides: 2}", "y: c(x)"),
    "depthwise_steps": (SEQUENCE, "c: {type: DepthwiseConv1D, kernel_size: 2, dilation_rate: 2}", "y: c(x)"),
    "later_norms": (IMAGE, "a: {type: GroupNormalization, groups: 3}, b: {type: RMSNormalization}", "y: b(a(x))"),
    "adaptive": (
        IMAGE,
        "a: {type: AdaptiveAveragePooling2D, output_size: [3, 2]}, b: {type: AdaptiveMaxPooling2D, output_size: 2}",
        "y: b(a(x))",
    ),
    "larger": (
        IMAGE,
        "a: {type: UpSampling2D, size: [2, 3]}, b: {type: UpSampling2D, interpolation: bilinear}",
        "y: b(a(x))",
    ),
    "larger_steps": (
        SEQUENCE,
        "a: {type: UpSampling1D, size: 3}, b: {type: ZeroPadding1D, padding: [2, 1]}",
        "y: b(a(x))",
    ),
    "ends": (
        IMAGE,
        "a: {type: ZeroPadding2D, padding: [[1, 2], [0, 3]]}, b: {type: Cropping2D, cropping: [[0, 1], [2, 1]]}",
        "y: b(a(x))",
    ),
    "volume": (
        VOLUME,
        "a: {type: UpSampling3D}, p: {type: AveragePooling3D, pool_size: 2}, d: {type: SpatialDropout3D, rate: 0.5}",
        "y: d(p(a(x)))",
    ),
    "volume_ends": (
        VOLUME,
        "z: {type: ZeroPadding3D, padding: [1, 2, 3]}, c: {type: Cropping3D, cropping: [[1, 0], [2, 1], [0, 3]]},"
        " m: {type: MaxPooling3D, pool_size: 2}, g: {type: GlobalMaxPooling3D}",
        "y: g(m(c(z(x))))",
    ),
    "apart": (SEQUENCE, "s: {type: Subtract}, c: {type: Cropping1D, cropping: [1, 2]}", "y: 'c(s([x * 2, x]))'"),
    "two_ends": (SEQUENCE, "d: {type: Dense, units: 4, use_bias: false}", "y: d(x)\nz: mean(d(x), axis=1)"),
}


def case_text(name: str, inputs: str, layers: str, graph: str) -> str:
    rows = textwrap.indent(graph, "      ")
    return (
        f"  - id: {name}\n    question: What of it?\n    inputs: {{{inputs}}}\n"
        f"    layers: {{{layers}}}\n    graph:\n{rows}\n"
    )


@pytest.fixture(scope="module")
def evidence(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Evidence]:
    """All cases, answered by torch and the reference."""
    text = HEAD + "".join(case_text(name, *parts) for name, parts in ASKED.items())
    masked = case_text(
        "masked",
        "ids: {shape: [batch, steps], dtype: int32, fill: {values: [[1, 2, 0, 0, 0], [1, 2, 3, 0, 0]]}}",
        "e: {type: Embedding, input_dim: 7, output_dim: 3, mask_zero: true}, r: {type: LSTM, units: 2}",
        "y: r(e(ids))",
    )
    cases = cases_of(text + masked, tmp_path_factory.mktemp("cases"))
    names = ("torch", "numpy")
    run = Run(tuple(LANES[name] for name in names))
    try:
        run.announce([(case, names) for case in cases])
        records = [to_json(run.record(case)) for case in cases]
        rows = [lane_row(LANES[name], run.identities()[name], len(cases), records) for name in names]
    finally:
        run.stop()
    return {record["id"].rpartition(".")[2]: evidence_of(rows, record) for record in records}


@pytest.mark.parametrize("name", ASKED)
def test_a_module_with_keras_weights_gives_the_numbers_of_the_reference(evidence: Any, name: str) -> None:
    one: Evidence = evidence[name]
    scope: dict[str, Any] = {}
    exec(module(one), scope)
    model = scope["Model"]().eval()
    if hasattr(model, "load_from_keras"):
        model.load_from_keras({key: list(spec.weights.values()) for key, spec in one.plan.layers.items()})
    with torch.no_grad():
        found = model(*(torch.from_numpy(array.copy()) for array in one.plan.runs[0].values()))
    answers = found if isinstance(found, dict) else {"y": found}
    for node, value in answers.items():
        wanted = one.reference.runs[0][node].outputs[0].values
        assert tuple(value.shape) == wanted.shape
        np.testing.assert_allclose(value.numpy(), wanted, rtol=2e-5, atol=2e-6)


def test_it_is_short_and_names_what_a_person_would_write(evidence: Any) -> None:
    text = module(evidence["strided"])
    assert "self.c = nn.Conv2d(3, 4, 3, stride=2)" in text
    assert "F.pad(x.movedim(-1, 1), (0, 1, 0, 1))" in text
    assert "self.c.weight.copy_(kernel.permute(3, 2, 0, 1))" in text
    assert len(text.splitlines()) < 40


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, r"c: missing, not \[\(3, 3, 3, 4\), \(4,\)\]"),
        ({"c": [(3, 3, 3, 4)]}, r"c: \[\(3, 3, 3, 4\)\], not \[\(3, 3, 3, 4\), \(4,\)\]"),
        ({"c": [(4, 3, 3, 3), (4,)]}, r"c: \[\(4, 3, 3, 3\), \(4,\)\], not"),
        ({"c": [(3, 3, 3, 4), (4,)], "d": [(4, 4)]}, r"d: \[\(4, 4\)\], not asked for"),
    ],
)
def test_weights_that_are_not_its_own_are_one_message(evidence: Any, given: Any, message: str) -> None:
    scope: dict[str, Any] = {}
    exec(module(evidence["strided"]), scope)
    with pytest.raises(ValueError, match=message):
        scope["Model"]().load_from_keras({name: [np.ones(shape) for shape in held] for name, held in given.items()})


def test_a_weight_at_another_place_gives_other_numbers(evidence: Any) -> None:
    """The twin: z, r, h left in Keras' order."""
    one, scope = evidence["gru"], dict[str, Any]()
    exec(module(one).replace("(1, 0, 2)", "(0, 1, 2)"), scope)
    model = scope["Model"]()
    model.load_from_keras({key: list(spec.weights.values()) for key, spec in one.plan.layers.items()})
    found = model(torch.from_numpy(one.plan.runs[0]["x"].copy())).detach().numpy()
    assert np.abs(found - one.reference.runs[0]["y"].outputs[0].values).max() > 1e-3


def test_a_mask_that_a_layer_honours_has_no_short_line(evidence: Any) -> None:
    with pytest.raises(NotScriptable, match="no short line for LSTM with mask="):
        module(evidence["masked"])


@pytest.mark.parametrize(
    ("kind", "full", "words"),
    [
        ("Circle", {}, "no short line for Circle"),
        ("ReLU", {"max_value": 6.0}, "ReLU with max_value=6.0"),
        ("LSTM", {"go_backwards": True}, "nn.LSTM has no argument for go_backwards=True"),
    ],
)
def test_what_torch_has_no_word_for_is_refused(kind: str, full: dict[str, Any], words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        line_of(PlannedLayer(kind, full, full), [(2, 3)])


def test_an_activation_that_torch_has_not_is_refused() -> None:
    assert activated("softmax", "x") == "torch.softmax(x, dim=-1)"
    with pytest.raises(Unsupported, match="no function for the activation sparsemax"):
        activated("sparsemax", "x")
