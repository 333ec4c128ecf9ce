"""Questions in torch's words as code of Keras: what is written gives what torch's module gives, with its weights."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.ask.question import Options, question_of
from conformance.ask.write import case_text, load
from conformance.plans.draw import plan_of
from conformance.protocol.adapter import Unsupported
from conformance.protocol.counterparts import in_keras
from conformance.protocol.plan import Plan
from conformance.repro.in_torchs_words import checked
from conformance.repro.shapes_checked import CHECK

COMPARED = """
import numpy as np
module = {module}
x = torch.tensor(np.random.default_rng(0).normal(size={shape}).astype("float32"))
graph(x.numpy())
load_from_torch(module.state_dict())
wanted, found = module(x), graph(x.numpy())["result"]
pairs = [(wanted, found)] if torch.is_tensor(wanted) else [(wanted[0], found[0])]
for one, other in pairs:
    np.testing.assert_allclose(np.asarray(other), one.detach().numpy(), atol=2e-6)
print("the same")
"""


@pytest.mark.frameworks
def test_the_module_gives_what_torch_gives(tmp_path: Path) -> None:
    layer, shape = "nn.GRU(5, 3, num_layers=2, batch_first=True, bidirectional=True)", (2, 7, 5)
    written = tmp_path / "written.py"
    command = ["-m", "conformance", "repro", "--layer", layer, "--input", "7,5", "--module", "-o", str(written)]
    subprocess.run([sys.executable, *command], check=True, capture_output=True)
    text = written.read_text(encoding="utf-8")
    assert "def load_from_torch(state_dict):" in text
    assert "conformance" not in text.partition("import keras")[2]
    written.write_text(text + COMPARED.format(module=f"torch.{layer}", shape=shape), encoding="utf-8")
    ran = subprocess.run([sys.executable, str(written)], capture_output=True, text=True, check=False)
    assert ran.stdout.strip().endswith("the same"), ran.stderr[-2000:]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": None}, r"^bias: missing, not \(3,\)$"),
        ({"weight": (7, 3)}, r"^weight: \(7, 3\), not \(3, 7\)$"),
        ({"scale": (3,)}, r"^scale: \(3,\), not asked for$"),
        ({"bias": None, "scale": (3,)}, r"^bias: missing, not \(3,\); scale: \(3,\), not asked for$"),
    ],
)
def test_a_state_dict_of_something_else_is_one_message(change: Mapping[str, Any], message: str) -> None:
    shapes = {"weight": (3, 7), "bias": (3,), **change}
    state = {name: np.zeros(shape) for name, shape in shapes.items() if shape is not None}
    with pytest.raises(ValueError, match=message):
        _loader_of("nn.Linear(7, 3)", "7")(state)


def test_a_state_dict_with_what_it_should_have_is_taken() -> None:
    """The twin; the number of batches is no weight of Keras'."""
    names = ("weight", "bias", "running_mean", "running_var")
    counted = {"num_batches_tracked": np.zeros(())}
    _loader_of("nn.BatchNorm1d(3)", "3")({**{name: np.zeros(3) for name in names}, **counted})


def _loader_of(layer: str, shape: str) -> Callable[[Mapping[str, Any]], None]:
    """What a written loader does before it moves anything."""
    scope: dict[str, Any] = {}
    exec("\n".join([CHECK, "def load(state_dict):", *checked(_plan(layer, shape).layers)]), scope)
    found: Callable[[Mapping[str, Any]], None] = scope["load"]
    return found


def _plan(layer: str, *inputs: str, training: bool = False) -> Plan:
    return plan_of(load(case_text(question_of(Options(layer=layer, inputs=inputs, is_training=training))), None))


def test_a_plan_in_torchs_words_becomes_one_in_keras_words() -> None:
    plan, _ = in_keras(_plan("nn.Linear(7, 3)", "7"))
    (layer,) = plan.layers.values()
    assert (layer.type, layer.config["units"]) == ("Dense", 3)
    assert {name: array.shape for name, array in layer.weights.items()} == {"kernel": (7, 3), "bias": (3,)}


def test_what_has_no_counterpart_says_what_comes_nearest() -> None:
    with pytest.raises(Unsupported, match=r"Keras' pools have no dilation"):
        in_keras(_plan("nn.MaxPool1d(3, dilation=2)", "2,9"))


def test_gradients_come_back_in_torchs_layout() -> None:
    from conformance.protocol.wire import pack, unpack

    asked = _plan("nn.GRU(2, 3, batch_first=True)", "4,2")
    plan, back = in_keras(asked)
    (name, held), *_ = plan.layers.items()
    given = {f"{name}.{key}": {"data": pack(array)} for key, array in held.weights.items()}
    message = {"gradients": given, "runs": [], "weights": {}, "params": {}}
    found = back(message)["gradients"]
    own = asked.layers["layer"].weights
    assert {label.partition(".")[2] for label in found} == set(own)
    assert all(np.array_equal(unpack(found[f"layer.{key}"]["data"]), array) for key, array in own.items()), (
        "the way back undoes the way there"
    )


def test_two_biases_that_are_added_cannot_be_told_apart_after_training() -> None:
    from conformance.protocol.wire import pack

    asked = _plan("nn.LSTM(2, 3, batch_first=True)", "4,2")
    plan, back = in_keras(asked)
    (name, held), *_ = plan.layers.items()
    run = {f"{name}.bias@1": {"structure": None, "items": [{"data": pack(held.weights["bias"])}]}}
    found = back({"gradients": {}, "runs": [run], "weights": {}, "params": {}})
    assert found["unsupported"] == "Keras trains one weight where torch has bias_ih_l0 and bias_hh_l0, and adds them"
