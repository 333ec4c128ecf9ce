"""Execution modes and dtype policies as options of a lane: what they mean, and what is not understood."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.errors import LaneUnavailable, UsageError
from conformance.lanes.declare import declared, parse
from conformance.lanes.spec import LaneSpec, proved
from conformance.protocol.adapter import Identity


@pytest.mark.parametrize(
    ("text", "name", "mode", "policy"),
    [
        ("keras[mode=xla]", "keras-xla", "xla", None),
        ("keras[policy=mixed_bfloat16]", "keras-mixed_bfloat16", None, "mixed_bfloat16"),
        ("keras,mode=function", "keras-function", "function", None),
        ("fast=keras,mode=predict,policy=float64", "fast", "predict", "float64"),
        ("keras[mode=predict,policy=mixed_float16]", "keras-predict-mixed_float16", "predict", "mixed_float16"),
        ("tf_keras[mode=function]", "tf_keras-function", "function", None),
        ("torch[compile=aot_eager]", "torch-compile-aot_eager", "compile=aot_eager", None),
        ("torch[mode=compile]", "torch-compile-inductor", "compile=inductor", None),
        ("torch,policy=bfloat16", "torch-bfloat16", None, "bfloat16"),
        ("keras", "keras", None, None),
    ],
)
def test_options_stand_in_brackets_or_after_commas(text: str, name: str, mode: str | None, policy: str | None) -> None:
    spec = parse(text)
    assert (spec.name, spec.options.get("mode"), spec.options.get("policy")) == (name, mode, policy)
    assert (spec.overlay, spec.environment) == ((), ())


def test_a_backend_and_a_version_stand_beside_options() -> None:
    spec = parse("keras[torch,mode=predict]@3.6.0")
    assert (spec.name, spec.options["backend"], spec.options["mode"]) == (
        "keras-torch-predict@3.6.0",
        "torch",
        "predict",
    )
    assert spec.wants == {"keras": "==3.6.0"}


def test_a_table_says_the_same_in_keys(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text(
        "[tool.conformance.lanes]\n"
        'fast = {adapter = "keras", mode = "xla", policy = "mixed_bfloat16"}\n'
        'graph = "keras[mode=function]"\n'
        'whole = {adapter = "torch", compile = "aot_eager"}\n'
    )
    found = declared(project)
    assert (found["fast"].options["mode"], found["fast"].options["policy"]) == ("xla", "mixed_bfloat16")
    assert (found["graph"].name, found["graph"].options["mode"]) == ("graph", "function")
    assert found["whole"].options["mode"] == "compile=aot_eager"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("keras[mode=xal]", "lane 'keras[mode=xal]': there is no mode 'xal' of keras\n   = help: did you mean xla?"),
        (
            "keras[policy=bfloat16]",
            "lane 'keras[policy=bfloat16]': there is no policy 'bfloat16' of keras\n"
            "   = help: did you mean mixed_bfloat16?",
        ),
        ("keras[moed=xla]", "lane 'keras[moed=xla]': unknown option 'moed'\n   = help: did you mean mode?"),
        ("keras,polcy=float64", "lane 'keras,polcy=float64': unknown option 'polcy'\n   = help: did you mean policy?"),
        (
            "numpy[policy=float64]",
            "lane 'numpy[policy=float64]': numpy has no option policy\n   = help: lanes with options: "
            "keras, tf_keras, torch",
        ),
        (
            "keras[compile=inductor]",
            "lane 'keras[compile=inductor]': keras has no option compile\n   = help: its options: mode, policy, export",
        ),
        (
            "torch[compile=inducter]",
            "lane 'torch[compile=inducter]': there is no compile 'inducter' of torch\n"
            "   = help: did you mean inductor?",
        ),
        (
            "torch[mode=eager,compile=eager]",
            "lane 'torch[mode=eager,compile=eager]': mode=eager and compile=eager contradict each other",
        ),
        (
            "keras[torch,mode=xla]",
            "lane 'keras[torch,mode=xla]': mode xla is TensorFlow's, the backend is torch\n"
            "   = help: leave the backend out, or take mode=predict",
        ),
        (
            "keras[torch,jax]",
            "lane 'keras[torch,jax]': a second backend 'jax'\n   = help: one backend, then key=value",
        ),
    ],
)
def test_what_is_not_understood_is_named(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"mode": "xla"}, "lane fast: asked for mode xla, the lane runs in eager"),
        ({"policy": "float64"}, "lane fast: asked for policy float64, the lane runs in float32"),
    ],
)
def test_a_lane_that_runs_otherwise_than_asked_is_refused(options: dict[str, str], words: str) -> None:
    spec = LaneSpec("fast", "keras", options)
    with pytest.raises(LaneUnavailable) as caught:
        proved(spec, Identity({}, {}, True))
    assert str(caught.value) == words
    as_asked = Identity({}, {}, True, mode=options.get("mode", "eager"), policy=options.get("policy", "float32"))
    assert proved(spec, as_asked) is as_asked
