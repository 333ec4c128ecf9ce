"""Models of every build: nested, subclassed, with a layer that is called several times, with two layers of one name."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import conformance
from tests.in_process import keras_here

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore"),  # the frameworks' own; elsewhere a lane's process writes them to a file
]
GIVEN = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


@pytest.fixture(scope="module")
def keras() -> Any:
    return keras_here()


@pytest.fixture(scope="module")
def torch() -> Any:
    return pytest.importorskip("torch")


def linear(torch: Any, layer: Any) -> Any:
    """torch's layer with the weights of a Dense."""
    kernel, bias = (np.asarray(weight) for weight in layer.weights)
    made = torch.nn.Linear(*kernel.shape)
    made.load_state_dict({"weight": torch.tensor(kernel.T.copy()), "bias": torch.tensor(bias + 0)})
    return made


def states(found: Any) -> dict[tuple[str, int], tuple[str, str]]:
    return {(row.path, row.index): (row.port, row.state) for row in found.layers if row.port}


def test_models_inside_of_models(keras: Any, torch: Any) -> None:
    inner = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(4, name="a"), keras.layers.ReLU(name="r")], name="in"
    )
    x = keras.Input((3,), name="x")
    wide = keras.Model(x, inner(keras.layers.Dense(5, name="first")(x)), name="wide")
    y = keras.Input((3,), name="y")
    model = keras.Model(y, keras.layers.Dense(2, name="last")(wide(y)))

    class Inner(torch.nn.Module):  # type: ignore[misc]  # a fixture has no type
        def __init__(self) -> None:
            super().__init__()
            self.body = torch.nn.Sequential(linear(torch, inner.get_layer("a")), torch.nn.ReLU())
            self.first = linear(torch, wide.get_layer("first"))

        def forward(self, x: Any) -> Any:
            return self.body(self.first(x))

    port = torch.nn.Sequential(Inner(), linear(torch, model.get_layer("last")))
    found = conformance.compare(model, port, GIVEN)
    assert found.agrees, str(found)
    assert states(found) == {
        ("wide/first", 0): ("0.first", "agree"),
        ("wide/in/a", 0): ("0.body.0", "agree"),
        ("wide/in/r", 0): ("0.body.1", "agree"),
        ("last", 0): ("1", "agree"),
    }


def twice(keras: Any) -> Any:
    """A subclassed model that calls one layer twice, and has two layers of one name."""

    class Twice(keras.Model):  # type: ignore[misc]  # Keras has no types
        def __init__(self) -> None:
            super().__init__()
            self.shared = keras.layers.Dense(3, name="shared")
            self.one = keras.layers.Dense(3, name="same")
            self.other = keras.layers.Dense(2, name="same")

        def call(self, x: Any) -> Any:
            return self.other(self.one(self.shared(self.shared(x) + 1.0)))

    model = Twice()
    model(GIVEN)
    for number, weight in enumerate(model.weights):
        weight.assign(np.random.default_rng(number).normal(size=weight.shape))
    return model


def port_of(torch: Any, model: Any, between: float) -> Any:
    class Port(torch.nn.Module):  # type: ignore[misc]  # a fixture has no type
        def __init__(self) -> None:
            super().__init__()
            self.shared, self.one, self.other = (linear(torch, one) for one in (model.shared, model.one, model.other))

        def forward(self, x: Any) -> Any:
            return self.other(self.one(self.shared(self.shared(x) + between)))

    return Port()


def test_each_call_of_a_shared_layer_is_judged(keras: Any, torch: Any) -> None:
    model = twice(keras)
    found = conformance.compare(model, port_of(torch, model, 1.0), GIVEN)
    assert found.agrees, str(found)
    assert states(found) == {
        ("shared", 0): ("shared", "agree"),
        ("shared", 1): ("shared", "agree"),
        ("same", 0): ("one", "agree"),
        ("same#2", 0): ("other", "agree"),
    }
    found = conformance.compare(model, port_of(torch, model, 2.0), GIVEN)
    assert [(start.kind, start.layer) for start in found.starts] == [("before", "shared")]
    assert {key: state for key, (_, state) in states(found).items()}["shared", 0] != "follows"
    assert {key: state for key, (_, state) in states(found).items()}["same", 0] == "follows"


def test_a_layer_that_the_port_calls_less_often_is_said(keras: Any, torch: Any) -> None:
    model = twice(keras)
    port = port_of(torch, model, 1.0)
    port.forward = lambda x: port.other(port.one(port.shared(x)))
    found = conformance.compare(model, port, GIVEN, rounding=False)
    assert not found.agrees
    assert "note: shared is called 2 times, shared 1 times; the first are compared" in str(found)


def test_a_compiled_module_is_refused_with_what_to_name(keras: Any, torch: Any) -> None:
    model = twice(keras)
    with pytest.raises(conformance.ConformanceError, match="is compiled: its submodules cannot be watched") as caught:
        conformance.compare(model, torch.compile(port_of(torch, model, 1.0)), GIVEN)
    assert caught.value.hint == "name the module that was given to torch.compile (its _orig_mod)"


def test_a_right_port_agrees_without_rounding_too(keras: Any, torch: Any) -> None:
    """From end to end rounding grows from layer to layer: the size of the numbers alone would refuse it."""
    layers = [keras.layers.Dense(3) for _ in range(40)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    for number, weight in enumerate(model.weights):
        weight.assign(np.random.default_rng(number).normal(size=weight.shape))
    port = torch.nn.Sequential(*(linear(torch, layer) for layer in layers))
    found = conformance.compare(model, port, GIVEN, rounding=False)
    assert found.agrees, str(found)
    assert {row.state for row in found.layers} == {"agree"}
    port[20].weight.data[1, 1] += 0.01
    found = conformance.compare(model, port, GIVEN, rounding=False)
    assert not found.agrees
    assert [start.kind for start in found.starts] == ["weights"]


def test_a_normalisation_that_is_folded_into_the_layer_before_it(keras: Any, torch: Any) -> None:
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((6, 5, 3), name="image"),
            layers.Conv2D(4, 3, use_bias=False, name="conv"),
            layers.BatchNormalization(name="conv_norm"),
            layers.ReLU(name="relu"),
            layers.DepthwiseConv2D(2, name="deep"),
            layers.BatchNormalization(scale=False, name="deep_norm"),
        ]
    )
    for number, weight in enumerate(model.weights):
        weight.assign(np.random.default_rng(number).uniform(0.2, 1.5, weight.shape))

    def folded(layer: Any, norm: Any) -> tuple[Any, Any]:
        held = {weight.name: np.asarray(weight, dtype=np.float64) for weight in norm.weights}
        factor = held.get("gamma", 1.0) / np.sqrt(held["moving_variance"] + norm.epsilon)
        kernel = np.asarray(layer.weights[0], dtype=np.float64)
        wide = kernel.shape[-2:] if "Depthwise" in type(layer).__name__ else kernel.shape[-1:]
        bias = np.asarray(layer.weights[1]) if layer.use_bias else 0.0
        return kernel * factor.reshape(wide), (bias - held["moving_mean"]) * factor + held["beta"]

    one, other = torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 4, 2, groups=4)
    for module, names, axes in (
        (one, ("conv", "conv_norm"), (3, 2, 0, 1)),
        (other, ("deep", "deep_norm"), (2, 3, 0, 1)),
    ):
        kernel, bias = folded(*(model.get_layer(name) for name in names))
        module.weight.data.copy_(torch.tensor(kernel.transpose(axes)))
        module.bias.data.copy_(torch.tensor(bias))
    port = torch.nn.Sequential(one, torch.nn.ReLU(), other)
    image = np.random.default_rng(9).normal(size=(2, 6, 5, 3)).astype(np.float32)
    found = conformance.compare(model, port, image, port_inputs="input=image:0,3,1,2")
    assert found.agrees, str(found)
    assert states(found) == {
        ("conv", 0): ("0", "agree"),
        ("conv_norm", 0): ("0", "agree"),
        ("relu", 0): ("1", "agree"),
        ("deep", 0): ("2", "agree"),
        ("deep_norm", 0): ("2", "agree"),
    }
    assert "folded statistics" in found.to_json()
    assert "weights: 10 of 10 found in the port by their content" in str(found)
    one.bias.data[2] += 0.01  # now nothing says that it is folded: the layers are judged one by one
    assert not conformance.compare(model, port, image, port_inputs="input=image:0,3,1,2").agrees


def test_every_run_of_a_stateful_model_begins_alike(keras: Any, torch: Any) -> None:
    model = keras.Sequential([keras.Input(batch_shape=(4, 2, 3)), keras.layers.LSTM(5, stateful=True, name="lstm")])
    x = np.random.default_rng(1).normal(size=(4, 2, 3)).astype(np.float32)
    kernel, recurrent, bias = (torch.tensor(np.asarray(one)) for one in model.layers[0].trainable_variables)

    class Last(torch.nn.Module):  # type: ignore[misc]  # a fixture has no type
        def __init__(self, scale: float) -> None:
            super().__init__()
            self.scale = scale
            self.rnn = torch.nn.LSTM(3, 5, batch_first=True)
            state = {"weight_ih": kernel.T, "weight_hh": recurrent.T, "bias_ih": bias, "bias_hh": 0 * bias}
            self.rnn.load_state_dict({f"{name}_l0": value for name, value in state.items()})

        def forward(self, x: Any) -> Any:
            return self.scale * self.rnn(x)[1][0][-1]

    before = [np.asarray(one) for one in model.layers[0].states]
    right, wrong = (conformance.compare(model, Last(scale).eval(), x) for scale in (1.0, 1.001))
    assert right.agrees
    assert right.outputs[0].share.relative < 1e-5
    assert not wrong.agrees
    assert all(np.array_equal(one, was) for one, was in zip(model.layers[0].states, before, strict=True))


def test_a_gradient_that_the_port_does_not_have_differs(keras: Any, torch: Any) -> None:
    x = keras.Input((3,), name="x")
    model = keras.Model(x, keras.layers.Dense(2, name="out")(keras.layers.Dense(4, name="hidden")(x)))

    class Detached(torch.nn.Module):  # type: ignore[misc]  # a fixture has no type
        def __init__(self) -> None:
            super().__init__()
            self.hidden, self.out = (linear(torch, model.get_layer(name)) for name in ("hidden", "out"))

        def forward(self, x: Any) -> Any:
            return self.out(self.hidden(x).detach())

    found = conformance.compare(model, Detached(), GIVEN, gradients=True)
    assert [(start.kind, start.layer) for start in found.starts] == [("gradient", "hidden")]
    assert "the port has no gradient of hidden.weight, hidden.bias: what is detached or frozen" in str(found)
    frozen = conformance.compare(model, Detached().requires_grad_(False), GIVEN, gradients=True)
    assert [start.layer for start in frozen.starts] == ["out"]
    assert "the gradients of hidden differ too" in str(frozen)
