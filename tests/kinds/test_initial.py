"""The cases about the weights that layers begin with: made of the layers' classes, whole, and by the command."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.case.layers import types
from conformance.case.load import load_parts
from conformance.cli import main
from conformance.errors import Exit
from conformance.kinds.initial import FILE, askable, texts
from conformance.reference.base import Layer

HERE = Path("cases/initial_weights")
WITHOUT_CASE = {"Attention", "GRUCell", "LSTMCell", "Normalization", "SimpleRNNCell", "StackedRNNCells"}
"""Attention has weights with arguments alone, and cells are asked in `RNN`: cases/initial/weights.case.yaml.
Normalization holds what it was adapted to."""


def test_the_file_is_what_the_command_writes() -> None:
    ((name, text),) = texts()
    assert (HERE / name).read_text(encoding="utf-8") == text, f"conformance initial -o {HERE}"


def test_every_layer_with_weights_is_asked() -> None:
    """A layer has weights where its class says how they are made; `Layer.weights` says of none."""
    own = {
        kind
        for kind, layer in types().items()
        if layer.weights is not Layer.weights and not layer.offered_in and not layer.is_ours
    }
    assert own - set(askable()) == WITHOUT_CASE


def test_ids_and_claims() -> None:
    cases = {case.id: case for case in load_parts(HERE / FILE, f"initial_weights/{FILE}").cases}
    assert len(cases) == len(askable())
    lstm = cases["initial_weights/layers.lstm"]
    assert [(claim.node, claim.drawn_from) for claim in lstm.draws] == [
        ("kernel", {"type": "GlorotUniform"}),
        ("recurrent_kernel", {"type": "Orthogonal"}),
    ]
    assert cases["initial_weights/layers.batch_normalization"].draws == ()


def test_the_command_writes_and_refuses(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["initial", "--layers", "Dense,Embedding", "-o", str(tmp_path)]) == Exit.OK
    assert capsys.readouterr().out == f"1 files in {tmp_path}\n"
    assert main(["initial", "--layers", "Densee", "-o", str(tmp_path)]) == Exit.UNAVAILABLE
    assert "no layer with weights is called Densee" in capsys.readouterr().err
