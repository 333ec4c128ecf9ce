"""torch as its users call it: what each class says torch calls it, and what the lane `torch[native]` makes of that."""

from __future__ import annotations

from dataclasses import fields
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from conformance.ask.layer import read_layer
from conformance.lanes.declare import parse
from conformance.reference.activations import ACTIVATIONS
from conformance.reference.activations import NATIVE as NATIVE_ACTIVATIONS
from conformance.reference.base import full_config, make
from conformance.reference.catalog import LAYERS
from conformance.reference.optimizers import OPTIMIZERS
from conformance.reference.traits import Native, called

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from benchmarks.rosetta import keras_weights, weights_of  # noqa: E402  # torch may be missing
from conformance.lanes.torch.native import NativeConfig, load  # noqa: E402  # as above
from conformance.lanes.torch.port import PORTS, Parameters, Unsupported, applied  # noqa: E402  # as above

SAID: dict[str, Native] = {
    **{f"layer {name}": kind.native for name, kind in LAYERS.items()},
    **{f"optimizer {name}": kind.native for name, kind in OPTIMIZERS.items()},
    **{f"activation {name}": NATIVE_ACTIVATIONS[name] for name in ACTIVATIONS},
}


def missing(line: Native) -> list[str]:
    """The names of a line that torch does not have; `?` for a line that says nothing."""
    if not (line.names or line.instead or line.reason):
        return ["?"]
    found = []
    for name in line.names:
        place: Any = SimpleNamespace(nn=torch.nn, F=torch.nn.functional, optim=torch.optim)
        *parents, last = name.split(".")
        place = torch if not parents else getattr(place, parents[0])
        if not hasattr(place, last):
            found.append(name)
    return found


@pytest.mark.parametrize("name", SAID)
def test_every_layer_activation_and_optimizer_has_a_name_in_torch_or_a_reason(name: str) -> None:
    assert missing(SAID[name]) == []


def test_a_line_that_says_nothing_or_a_name_that_torch_does_not_have_is_found() -> None:
    assert missing(Native()) == ["?"]
    assert missing(called("nn.Linear", "nn.LinearNorm", "F.relu", "optim.Nadamax")) == [
        "nn.LinearNorm",
        "optim.Nadamax",
    ]


def test_no_call_is_made_for_a_layer_that_torch_has_nothing_for() -> None:
    """A new layer's call of torch is its author's to add: until then the lane says that it has none."""
    absent = {name for name, kind in LAYERS.items() if not kind.native.names and not kind.native.instead}
    assert absent & set(load()) == {"Activation", "Bidirectional"}, "a function, and an argument of another module"
    assert len(load()) >= 85


def asked(kind: str, written: dict[str, Any]) -> NativeConfig:
    layer = LAYERS[kind](**written)
    full = {field.name: getattr(layer, field.name) for field in fields(layer)}
    return NativeConfig(kind, full, written)


def answer(kind: str, written: dict[str, Any], *arrays: Any, weights: Any = None, **more: Any) -> Any:
    tensors = [torch.tensor(array) for array in arrays]
    return load()[kind].call(asked(kind, written), Parameters(weights or {}, {}), *tensors, **more)


class Watched(NativeConfig):
    """A config that notes which arguments are looked at."""

    def __getattribute__(self, name: str) -> Any:
        held = object.__getattribute__(self, "__dict__")
        held.setdefault("_seen", set()).add(name)
        return object.__getattribute__(self, name)


def looked_at(call: Any, kind: str) -> set[str] | None:
    """The arguments that a call looks at for the layer's example; None where it refuses the example."""
    example = LAYERS[kind].example
    layer = make(kind, read_layer(example.layer, None).config)
    shapes = [(2, *map(int, text.split(","))) for text in example.inputs]
    inputs = [torch.ones(shape, dtype=torch.int64 if layer.takes_ids else torch.float32) for shape in shapes]
    held = {name: torch.ones(shape) for name, shape in keras_weights(kind).items()}
    tensors = {name: applied(mapped, held) for name, mapped in weights_of(kind).items()}
    full = full_config(layer)
    config = Watched(kind, full, full)
    vars(config)["_seen"] = set()
    try:
        call(config, Parameters(tensors, {}), *([inputs] if layer.takes_list else inputs))
    except Unsupported:
        return None
    return set(vars(config)["_seen"])


KNOWN = {
    "BinaryCrossentropy": {"axis"},  # the mean over all entries is the mean of the means
    "Flatten": {"data_format"},  # flatten-of-channels-first-of-torch
    **{f"Conv{rank}DTranspose": {"kernel_size"} for rank in (1, 2, 3)},  # the weight's shape says it
}
"""Arguments that torch's own call need not look at, though the port does."""


def left_out(kind: str, call: Any) -> set[str]:
    """Arguments that the port of a layer looks at, and torch's own call does not."""
    ported, own = looked_at(PORTS[kind].call, kind), looked_at(call, kind)
    found = set() if ported is None or own is None else ported - own - KNOWN.get(kind, set())
    return {name for name in found if not name.startswith("_")}


ASKED = [kind for kind, cls in LAYERS.items() if kind in load() and not cls.written_as_case]


@pytest.mark.filterwarnings("ignore:reduction")  # torch's own, of nn.KLDivLoss
@pytest.mark.parametrize("kind", ASKED)
def test_no_argument_is_left_out_in_silence(kind: str) -> None:
    assert left_out(kind, load()[kind].call) == set()


def test_an_argument_that_is_left_out_is_found() -> None:
    def relu(layer: Any, p: Any, x: Any) -> Any:
        return torch.relu(x)

    assert left_out("ReLU", relu) == {"max_value", "negative_slope", "threshold"}


LABELS = [[1.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]
LOGITS = [[0.5, -1, 0.2], [1, 0, 2], [-0.5, 0.3, 0.1], [0, 1, -1], [2, 0.5, 1], [0.1, 0.2, -0.3]]
WEIGHTS = [1.0, 1, 5, 5, 20, 20]


def test_smoothing_with_class_weights_is_torchs_1_2716() -> None:
    """By hand: smoothing weighs every class of a row, and the sum of the samples' class weights divides."""
    w, x, y = np.array([1.0, 5, 20]), np.array(LOGITS), np.array(LABELS)
    logs = x - np.log(np.exp(x).sum(1, keepdims=True))
    mine = (w * y).sum(1)
    plain, spread = -(mine * (logs * y).sum(1)).sum(), -(w * logs).sum() / 3
    wanted = (0.9 * plain + 0.1 * spread) / mine.sum()
    config = {"from_logits": True, "label_smoothing": 0.1, "reduction": "mean_with_sample_weight"}
    found = answer("CategoricalCrossentropy", config, LABELS, LOGITS, sample_weight=torch.tensor(WEIGHTS))
    assert float(found) == pytest.approx(wanted, rel=1e-6)
    assert f"{float(found):.4f}" == "1.2716"


def test_two_weights_for_one_class_are_refused() -> None:
    config, weights = {"from_logits": True}, torch.tensor([1.0, 2, 5, 5, 20, 20])
    with pytest.raises(Unsupported, match="two samples of one class"):
        answer("CategoricalCrossentropy", config, LABELS, LOGITS, sample_weight=weights)


def test_epsilon_is_torchs_unless_the_case_writes_it() -> None:
    x = [[0.01, -0.01]]  # variance 1e-4: 1e-5 takes 5 % of it, 1e-3 leaves a third
    weights = {"weight": torch.ones(2), "bias": torch.zeros(2)}
    torchs = answer("LayerNormalization", {}, x, weights=weights)[0, 0]
    keras = answer("LayerNormalization", {"epsilon": 1e-3}, x, weights=weights)[0, 0]
    assert float(torchs) == pytest.approx(0.01 / (1e-4 + 1e-5) ** 0.5, rel=1e-5)
    assert float(keras) == pytest.approx(0.01 / (1e-4 + 1e-3) ** 0.5, rel=1e-5)


def test_the_row_of_the_padding_id_gets_no_gradient() -> None:
    table = torch.ones(3, 2, requires_grad=True)
    found = answer(
        "Embedding", {"input_dim": 3, "output_dim": 2, "mask_zero": True}, [[0, 1, 1]], weights={"weight": table}
    )
    found.sum().backward()
    assert table.grad.tolist() == [[0, 0], [2, 2], [0, 0]]


def test_momentum_is_the_share_of_the_new_and_the_variance_unbiased() -> None:
    x = [[1.0], [3.0], [5.0], [7.0]]
    state: dict[str, Any] = {}
    p = Parameters({"running_mean": torch.zeros(1), "running_var": torch.ones(1)}, state)
    config = asked("BatchNormalization", {"momentum": 0.25, "center": False, "scale": False})
    load()["BatchNormalization"].call(config, p, torch.tensor(x), training=True)
    assert float(state["moving_mean"]) == pytest.approx(0.25 * 4)
    assert float(state["moving_variance"]) == pytest.approx(0.75 + 0.25 * 20 / 3)


def test_scores_are_divided_by_the_root_of_the_length() -> None:
    # scores 2 and 0, over sqrt(4): shares e : 1
    query, key = [[[1.0, 1, 0, 0]]], [[[1.0, 1, 0, 0], [0, 0, 1, 1]]]
    value = [[[1.0], [0.0]]]
    found = load()["Attention"].call(
        asked("Attention", {}), Parameters({}, {}), [torch.tensor(query), torch.tensor(value), torch.tensor(key)]
    )
    assert float(found) == pytest.approx(np.e / (np.e + 1), rel=1e-6)


@pytest.mark.parametrize(
    ("kind", "config", "arrays", "words"),
    [
        ("ReLU", {"max_value": 6.0}, [[1.0]], "nn.ReLU has no argument for max_value=6.0"),
        ("MaxPooling1D", {"padding": "same"}, [[[1.0], [2.0]]], "nn.MaxPool1d has no argument for padding='same'"),
        ("Conv1D", {"filters": 1, "kernel_size": 2, "padding": "causal"}, [[[1.0]]], "has no padding='causal'"),
        ("LayerNormalization", {"axis": 1}, [[[1.0], [2.0]]], "normalises over the last axes"),
    ],
)
def test_what_a_call_cannot_be_told_is_refused(kind: str, config: dict[str, Any], arrays: Any, words: str) -> None:
    with pytest.raises(Unsupported, match=words):
        answer(kind, config, arrays)


def test_the_lane_has_a_name_of_its_own() -> None:
    spec = parse("torch[native]")
    assert (spec.name, spec.adapter, spec.options["mode"]) == ("torch-native", "torch", "native")
    assert parse("torch[mode=native]") == spec
