"""torch's own optimisers and moving statistics by literal numbers, and what the lane makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.torch

from conformance.lanes.torch import named_optimizers  # noqa: E402, F401  # torch may be missing; it registers ports
from conformance.lanes.torch.optimizers import ported  # noqa: E402  # as above
from conformance.lanes.torch.own_optimizers import native  # noqa: E402  # as above
from conformance.lanes.torch.port import Unsupported  # noqa: E402  # as above
from conformance.reference.optimizers import OPTIMIZERS  # noqa: E402  # as above

CONFIGS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("SGD", {"learning_rate": 0.1, "nesterov": True}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "weight_decay": 0.3}),
    ("SGD", {"learning_rate": 0.1, "clipnorm": 0.5}),
    ("SGD", {"learning_rate": 0.1, "global_clipnorm": 0.5}),
    ("SGD", {"learning_rate": 0.1, "clipvalue": 0.5}),
    ("Adam", {"learning_rate": 0.1}),
    ("Adam", {"learning_rate": 0.1, "epsilon": 0.1, "beta_1": 0.5, "beta_2": 0.8}),
    ("Adam", {"learning_rate": 0.1, "amsgrad": True, "beta_2": 0.5}),
    ("Adam", {"learning_rate": 0.1, "weight_decay": 0.3}),
    ("AdamW", {"learning_rate": 0.1}),
    ("RMSprop", {"learning_rate": 0.1, "epsilon": 0.1}),
    ("RMSprop", {"learning_rate": 0.1, "momentum": 0.5, "centered": True, "rho": 0.5}),
    ("Adagrad", {"learning_rate": 0.1, "epsilon": 0.1}),
    ("Adadelta", {"learning_rate": 0.5}),
    ("Adadelta", {"learning_rate": 0.5, "rho": 0.7, "epsilon": 0.1, "weight_decay": 0.3}),
    ("Adamax", {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1}),
    ("Nadam", {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1, "clipnorm": 0.5}),
    ("Lion", {"learning_rate": 0.1, "beta_1": 0.5, "weight_decay": 0.3}),
    ("Lamb", {"learning_rate": 0.1, "beta_1": 0.5, "beta_2": 0.8, "epsilon": 0.1}),
    ("Adafactor", {"learning_rate": 0.6, "epsilon_2": 0.3, "clip_threshold": 0.5}),
    ("Muon", {"learning_rate": 0.1, "adam_lr_ratio": 0.5, "adam_weight_decay": 0.3, "adam_beta_1": 0.5}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.1, "beta_1": 0.5, "warmup_steps": 2, "weight_decay": 0.3}),
    ("Ftrl", {"learning_rate": 0.1}),
    ("Ftrl", {"learning_rate": 0.1, "l1_regularization_strength": 0.2, "l2_regularization_strength": 0.3, "beta": 0.4}),
    ("Ftrl", {"learning_rate": 0.1, "l2_shrinkage_regularization_strength": 0.3, "learning_rate_power": -0.7}),
]


def moved(make: Any, steps: list[tuple[float, ...]], start: tuple[float, ...] = (1.0, -2.0)) -> list[np.ndarray]:
    """Two weights of one number each, in double precision, after each step with these gradients."""
    tensors = [torch.tensor([value], dtype=torch.float64, requires_grad=True) for value in start]
    stepper = make(tensors)
    found = []
    for number, gradients in enumerate(steps, start=1):
        for tensor, gradient in zip(tensors, gradients, strict=True):
            tensor.grad = torch.tensor([gradient], dtype=torch.float64)
        stepper.step(number, number - 1)
        found.append(np.array([float(tensor.detach()) for tensor in tensors]))
    return found


STEPS = [(3.0, -0.2), (0.5, 0.1), (-0.1, 0.4)]


@pytest.mark.parametrize(("kind", "config"), CONFIGS)
def test_a_ported_optimizer_computes_what_the_papers_say(kind: str, config: dict[str, Any]) -> None:
    near = 1e-8 if kind == "Nadam" else 1e-9  # torch keeps the product of its momenta in float32
    reference = OPTIMIZERS[kind](**config)
    full = {name: getattr(reference, name) for name in type(reference).__dataclass_fields__}
    got = moved(lambda tensors: ported(kind, full, tensors), STEPS)
    weights: Any = {"a": np.array([1.0]), "b": np.array([-2.0])}
    memory: Any = {}
    for number, (gradients, found) in enumerate(zip(STEPS, got, strict=True), start=1):
        given = {name: np.array([g]) for name, g in zip("ab", gradients, strict=True)}
        weights = reference.apply(number, weights, given, memory)
        np.testing.assert_allclose(found, np.concatenate([weights["a"], weights["b"]]), rtol=near)


@pytest.mark.parametrize(
    ("kind", "config", "expected"),
    [
        # v is 0.25 * 9 and 9 corrected: 0.1 * 3 / (3 + 1.5); Keras would give 1.95
        ("Adam", {"learning_rate": 0.1, "beta_2": 0.75, "epsilon": 1.5}, 2.0 - 0.1 * 3.0 / 4.5),
        # sqrt(0.25 * 9) + 1.5; Keras would divide by sqrt(2.25 + 1.5)
        ("RMSprop", {"learning_rate": 0.1, "rho": 0.75, "epsilon": 1.5}, 1.9),
        # alpha is 0.99 where nobody says otherwise: 3 / sqrt(0.01 * 9)
        ("RMSprop", {"learning_rate": 0.1}, 2.0 - 0.1 * 10.0),
        # the decay joins the gradient: 3 + 0.5 * 2
        ("SGD", {"learning_rate": 0.1, "weight_decay": 0.5}, 1.6),
        # sums of squares start at 0: a whole step
        ("Adagrad", {"learning_rate": 0.1}, 1.9),
        ("SGD", {"learning_rate": 0.1, "clipvalue": 1.0}, 1.9),
    ],
)
def test_a_native_optimizer_is_torchs_own(kind: str, config: dict[str, Any], expected: float) -> None:
    (found,) = moved(lambda tensors: native(kind, config, tensors), [(3.0,)], (2.0,))
    assert found[0] == pytest.approx(expected, rel=1e-6)


def test_native_clipping_takes_all_weights_together() -> None:
    # (3, 4) is 5 long and becomes (0.6, 0.8); each by itself would become 1
    (found,) = moved(lambda tensors: native("SGD", {"learning_rate": 1.0, "clipnorm": 1.0}, tensors), [(3.0, 4.0)])
    assert found == pytest.approx([1.0 - 0.6, -2.0 - 0.8], rel=1e-6)


def test_an_optimizer_without_a_port_is_unsupported() -> None:
    with pytest.raises(Unsupported, match="no port of the optimizer Newton"):
        ported("Newton", {"weight_decay": None}, [])


def test_an_optimizer_that_torch_has_not_is_unsupported_as_it_is() -> None:
    tensors = [torch.zeros(1, requires_grad=True)]
    with pytest.raises(Unsupported, match="torch has no optimizer Ftrl"):
        native("Ftrl", {"learning_rate": 0.1}, tensors)
    assert native("Nadam", {"learning_rate": 0.1}, tensors).name == "torch.optim.NAdam"
    assert native("Adadelta", {"rho": 0.8}, tensors).how == "as it is: rho=0.8"


def test_what_is_made_of_the_arguments_is_said() -> None:
    full = {
        name: getattr(OPTIMIZERS["Adam"](weight_decay=0.1), name) for name in OPTIMIZERS["Adam"].__dataclass_fields__
    }
    stepper = ported("Adam", full, [torch.zeros(1, requires_grad=True)])
    assert stepper.name == "torch.optim.Adam"
    assert stepper.how.startswith("eps = epsilon / sqrt(1 - beta_2^t) at step t; weights times 1 - learning_rate")


def test_torchs_own_moving_variance_is_the_unbiased_one() -> None:
    """Of 1, 3, 5, 7 with mean 4: 20 / 3, where Keras takes 20 / 4; torch's momentum is the share of the new."""
    mean, variance = torch.zeros(1), torch.ones(1)
    batch = torch.tensor([[1.0], [3.0], [5.0], [7.0]])
    torch.nn.functional.batch_norm(batch, mean, variance, training=True, momentum=0.25)
    assert float(mean) == pytest.approx(1.0)
    assert float(variance) == pytest.approx(0.75 + 0.25 * 20.0 / 3.0)
    assert float(variance) != pytest.approx(0.75 + 0.25 * 20.0 / 4.0)


def test_the_two_biases_of_a_torch_lstm_move_twice_as_far_as_one() -> None:
    torch.manual_seed(1)
    rnn = torch.nn.LSTM(2, 3)
    before = (rnn.bias_ih_l0 + rnn.bias_hh_l0).detach()
    optimizer = torch.optim.SGD(rnn.parameters(), lr=0.5)
    rnn(torch.ones(4, 1, 2))[0].sum().backward()
    gradient = rnn.bias_ih_l0.grad.clone()
    optimizer.step()
    moved = (rnn.bias_ih_l0 + rnn.bias_hh_l0).detach() - before
    np.testing.assert_allclose(moved, -2.0 * 0.5 * gradient, rtol=1e-5)
    assert float(gradient.abs().min()) > 0.0
