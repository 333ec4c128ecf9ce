"""Scripts of trainings and gradients in plain NumPy; every check has its twin.

Weights after a step come from the calculations beside them, not from a run.
"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.record.parts import FindingRecord
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.keras_script import KerasWriter
from conformance.repro.numpy_training import SLOPE
from conformance.repro.script import script
from tests.repro.asked import with_lanes
from tests.repro.scripts import alone, together
from tests.repro.test_numpy import ROW, evidence

LINE = """
    schema_version: 1
    topic: a weight that moves
    source: {{kind: hand}}
    cases:
      - id: moves
        question: Where to?
        inputs:
          x: {{shape: [1, 1], fill: {{values: [[{x}]]}}}}{inputs}
        layers:
          dense: {{type: Dense, units: 1, use_bias: false, kernel_initializer: {{type: Constant, value: 2}}}}
        graph:
          loss: {loss}
        training: {{optimizer: {optimizer}, loss: {name}, steps: {steps}{more}}}
"""


def line(optimizer: str, loss: str = "mean(dense(x))", steps: int = 2, x: float = 3.0, **more: str) -> str:
    """A weight of 2 under a loss of w x: the gradient is x at every step."""
    name = more.pop("name", "loss")
    rest = "".join(f", {key}: {value}" for key, value in more.items())
    inputs = "\n          later: {shape: [1, 1], fill: {values: [[0]]}}" if "batches" in more else ""
    return LINE.format(optimizer=optimizer, loss=loss, steps=steps, x=x, more=rest, name=name, inputs=inputs)


def printed(output: str, label: str) -> float:
    found = re.search(rf"{re.escape(label)}: shape \(1, 1\), dtype float64.*\n +\[\[(.*?)\]\]", output)
    assert found, output
    return float(found[1])


STEPS: list[tuple[str, float, float, float]] = [
    ("{type: SGD, learning_rate: 0.1}", 3, 1.7, 1.4),
    # v = -0.3, then -0.15 - 0.3
    ("{type: SGD, learning_rate: 0.1, momentum: 0.5}", 3, 1.7, 1.25),
    # 0.5 v - 0.3 with v = -0.3, then -0.45
    ("{type: SGD, learning_rate: 0.1, momentum: 0.5, nesterov: true}", 3, 1.55, 1.025),
    # a tenth of a half of w beside the step: 2 - 0.1 - 0.3 and 1.6 - 0.08 - 0.3
    ("{type: SGD, learning_rate: 0.1, weight_decay: 0.5}", 3, 1.6, 1.22),
    ("{type: SGD, learning_rate: 0.1, clipnorm: 1}", 3, 1.9, 1.8),
    ("{type: SGD, learning_rate: 0.1, global_clipnorm: 1}", 3, 1.9, 1.8),
    ("{type: SGD, learning_rate: 0.1, clipvalue: 2}", 3, 1.8, 1.6),
    # the mean of gradients and the root of that of squares are 3 after correction
    ("{type: Adam, learning_rate: 0.1, epsilon: 0}", 3, 1.9, 1.8),
    ("{type: Adam, learning_rate: 0.1, epsilon: 0, amsgrad: true}", 3, 1.9, 1.8),
    # beside the step: 2 - 0.1 - 0.1 and 1.8 - 0.09 - 0.1
    ("{type: AdamW, learning_rate: 0.1, epsilon: 0, weight_decay: 0.5}", 3, 1.8, 1.61),
    # s = 1, then 1.75
    ("{type: RMSprop, learning_rate: 0.1, rho: 0.75, epsilon: 0}", 2, 1.8, 1.8 - 0.2 / 1.75**0.5),
    # v = 0.2, then 0.1 + 0.2 / sqrt(1.75)
    ("{type: RMSprop, learning_rate: 0.1, rho: 0.75, epsilon: 0, momentum: 0.5}", 2, 1.8, 1.7 - 0.2 / 1.75**0.5),
    # s - mean^2: 1 - 0.25, then 1.75 - 0.875^2
    ("{type: RMSprop, learning_rate: 0.1, rho: 0.75, epsilon: 0, centered: true}", 2, 2 - 0.2 / 0.75**0.5,
     2 - 0.2 / 0.75**0.5 - 0.2 / (1.75 - 0.875**2) ** 0.5),
    # from 7: s = 16, then 25
    ("{type: Adagrad, learning_rate: 0.1, initial_accumulator_value: 7, epsilon: 0}", 3, 1.925, 1.865),
]  # fmt: skip
"""An optimiser, the gradient, and where the weight is after one step and after two."""


def test_scripts_make_the_steps_of_a_calculation(tmp_path: Path) -> None:
    scripts = {
        optimizer: script(evidence(line(optimizer, x=x), tmp_path / str(index)), "numpy")
        for index, (optimizer, x, _, _) in enumerate(STEPS)
    }
    ended = together(scripts, tmp_path)
    for optimizer, _, first, second in STEPS:
        assert ended[optimizer].code == 0, optimizer + ended[optimizer].output
        found = [printed(ended[optimizer].output, f"dense.kernel@{step}") for step in (1, 2)]
        assert found == pytest.approx([first, second], abs=1e-7), optimizer


def test_each_step_has_its_batch(tmp_path: Path) -> None:
    text = line("{type: SGD, learning_rate: 0.1}", batches="{x: [x, later]}")
    ended = alone(script(evidence(text, tmp_path), "numpy"), tmp_path)
    assert ended.code == 0, ended.output
    assert printed(ended.output, "dense.kernel@2") == pytest.approx(1.7)


def test_weights_that_are_not_as_reported_end_with_1(tmp_path: Path) -> None:
    text = script(evidence(line("{type: Adam, learning_rate: 0.1, epsilon: 0.5}"), tmp_path), "numpy")
    step, change = text.index('"dense.kernel@2": {'), re.compile(r'("values": np\.array\(\[\[)1\.')
    tampered = {
        "said": text[:step] + change.sub(r"\g<1>2.", text[step:], count=1),
        "rate": text.replace("Adam(learning_rate=0.1", "Adam(learning_rate=0.2"),
        "epsilon": text.replace("epsilon=0.5", "epsilon=0.501"),
        "correction": text.replace("self.beta_1**number", "self.beta_1"),
    }
    assert all(changed != text for changed in tampered.values())
    ended = together({"as it is": text, **tampered}, tmp_path)
    assert {name: one.code for name, one in ended.items()} == {"as it is": 0, **dict.fromkeys(tampered, 1)}
    assert "dense.kernel@2" in ended["said"].output.split("NOT AS REPORTED")[0]


def test_a_loss_that_is_not_observed_is_minimised_too(tmp_path: Path) -> None:
    text = line("{type: SGD, learning_rate: 0.1}", name="_loss").replace(
        "loss: mean(dense(x))", "_loss: mean(dense(x))"
    )
    text = text.replace("        training", "          shown: dense(x)\n        training")
    ended = alone(script(evidence(text, tmp_path), "numpy"), tmp_path)
    assert ended.code == 0, ended.output
    assert "_loss" not in ended.output


@pytest.mark.parametrize(
    ("text", "phase", "kind", "mended"),
    [
        (line("{type: SGD, clipnorm: 1, clipvalue: 1}"), "build", "LayerError", ("clipnorm=1.0, ", "")),
        (line("{type: SGD, momentum: 2}"), "build", "LayerError", ("momentum=2.0", "momentum=1.0")),
        (line("{type: SGD}", loss="dense(x)"), "call", "ValueError", (" = dense(x)", " = np.sum(dense(x))")),
    ],
)
def test_what_the_reference_refuses_a_script_refuses(
    tmp_path: Path, text: str, phase: str, kind: str, mended: tuple[str, str]
) -> None:
    written = script(evidence(text, tmp_path), "numpy")
    ended = alone(written, tmp_path)
    assert ended.code == 0, ended.output
    assert f"raised in phase {phase}: {kind}" in ended.output
    assert mended[0] in written
    ended = alone(written.replace(*mended), tmp_path)
    assert (ended.code, "nothing was raised" in ended.output) == (1, True), ended.output


def test_a_model_that_is_too_large_for_differences_has_no_script(tmp_path: Path, monkeypatch: Any) -> None:
    """Four runs for each of two steps of one weight."""
    given = evidence(line("{type: SGD}"), tmp_path)
    monkeypatch.setattr("conformance.repro.numpy_training.MOST_RUNS", 8)
    assert "slope(" in script(given, "numpy")
    monkeypatch.setattr("conformance.repro.numpy_training.MOST_RUNS", 7)
    with pytest.raises(NotScriptable, match="by differences, and here that is 8 forward runs"):
        script(given, "numpy")


def test_what_layers_remember_is_that_of_the_steps_alone(tmp_path: Path) -> None:
    """The mean of (1, 3) is 2: a moving mean from 0 is 0.5 after one step and 0.875 after two, however often it ran."""
    text = """
        schema_version: 1
        topic: moving statistics
        source: {kind: hand}
        cases:
          - id: moved
            question: Which run moves the statistics?
            inputs:
              x: {shape: [2, 1], fill: {values: [[1], [3]]}}
              y: {shape: [2, 1], fill: {values: [[5], [7]]}}
            layers:
              moving: {type: BatchNormalization, momentum: 0.75, moving_mean_initializer: zeros}
              mse: {type: MeanSquaredError}
            graph:
              loss: mse(y, moving(x, training=True))
            training: {optimizer: {type: SGD, learning_rate: 0.1}, loss: loss, steps: 2}
    """
    written = script(evidence(text, tmp_path), "numpy")
    ended = alone(written, tmp_path)
    assert ended.code == 0, ended.output
    for step, mean in ((1, "0.5"), (2, "0.875")):
        assert f"moving.moving_mean@{step}: shape (1,), dtype float64, mask none\n    [{mean}" in ended.output
    careless = written.replace("[moving.state] = kept", "pass")
    assert careless != written
    assert alone(careless, tmp_path).code == 1


@pytest.mark.parametrize(
    ("function", "derivative"),
    [
        (np.sin, np.cos),
        (np.exp, np.exp),
        (np.square, lambda x: 2 * x),
        (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    ],
)
def test_differences_are_right_to_ten_digits(function: Any, derivative: Any) -> None:
    scope: dict[str, Any] = {"np": np}
    exec(SLOPE, scope)  # the helper as scripts have it
    x = np.array([[0.3, -1.2], [2.0, 0.0]])
    kept = x.copy()
    found = scope["slope"](lambda: np.sum(function(x)), x)
    assert np.allclose(found, derivative(kept), rtol=0, atol=1e-10)
    assert np.array_equal(x, kept)


KINK = """
    schema_version: 1
    topic: a slope
    source: {kind: hand}
    cases:
      - id: slope
        question: How steep?
        inputs: {x: {shape: [1, 2], fill: {values: [[1, -1]]}}}
        layers: {dense: {type: Dense, units: 1, kernel_initializer: ones, bias_initializer: zeros, activation: celu}}
        graph: {y: dense(x)}
"""


def with_a_gradient_that_differs(given: Evidence) -> Evidence:
    """The evidence, were there a lane that differs in a gradient first."""
    finding = FindingRecord("gradient", "values", "input x", 0, None, None, "reference", None)
    other = replace(given.record.lanes["numpy"], findings=(finding,))
    return with_lanes(given, {**given.record.lanes, "other": other})


def test_where_a_gradient_differs_scripts_compare_gradients(tmp_path: Path) -> None:
    """At 0 the slope of celu is 1: the gradient of y along x is the kernel, along the kernel x, times the cotangent."""
    given = evidence(KINK, tmp_path)
    assert "gradient" not in script(given, "numpy")
    text = script(with_a_gradient_that_differs(given), "numpy")
    ended = alone(text, tmp_path)
    assert ended.code == 0, ended.output
    (times,) = re.findall(r"gradient of dense\.bias: shape \(1,\), dtype float64.*\n +\[(.*?)\]", ended.output)
    of_x = re.search(r"gradient of x: shape \(1, 2\), dtype float64.*\n +\[\[(\S+) +(\S+)\]\]", ended.output)
    assert of_x
    assert [float(of_x[1]), float(of_x[2])] == pytest.approx([float(times)] * 2, rel=1e-5)
    wrong = re.sub(r'("gradient of x": \{[^}]*"values": np\.array\(\[\[)', r"\g<1>1 + ", text)
    assert wrong != text
    ended = alone(wrong, tmp_path)
    assert (ended.code, "gradient of x" in ended.output.split("NOT AS REPORTED")[0]) == (1, True)


def test_a_script_says_what_it_trains_and_what_the_report_says(tmp_path: Path) -> None:
    text = script(evidence(line("{type: SGD}"), tmp_path), "numpy")
    assert "# The report says: this lane agrees with the NumPy reference.\n" in text
    assert "    # training: 2 steps of SGD that make the node loss smaller\n" in text


def test_layers_and_models_below_a_loss_are_built_before_they_are_called(tmp_path: Path) -> None:
    """A loss has no run without numbers, what stands in its arguments has; text alone, for Keras is not needed here."""
    text = """
        schema_version: 1
        topic: a loss over everything
        source: {kind: hand}
        cases:
          - id: nested
            question: What is built?
            inputs: {x: {shape: [4, 3]}, y: {shape: [4, 2]}, z: {shape: [4, 3]}}
            layers: {dense: {type: Dense, units: 2}, last: {type: Dense, units: 2}, mse: {type: MeanSquaredError}}
            models: {half: {inputs: [x], outputs: [h]}}
            graph:
              h: dense(x)
              loss: mse(y, last(half(z)))
            training: {optimizer: {type: SGD}, loss: loss}
    """

    def written_on(backend: str) -> str:
        row = {**ROW, "name": "keras", "adapter": "keras", "versions": {"keras": "3", backend: "1"}}
        given = evidence(text, tmp_path, rows=(ROW, row))
        lanes = given.record.lanes
        return script(with_lanes(given, {**lanes, "keras": lanes["numpy"]}), "keras")

    written = written_on("tensorflow")
    built = written[: written.index("# weights, in Keras' order")]
    assert "half = keras.Model(x, h)\nlast(half(z))\n" in built
    assert "mse(y" not in built
    assert "tape.gradient(loss, moved)" in written
    assert "torch.autograd.grad(loss, " in written_on("torch")
    with pytest.raises(NotScriptable, match="and this lane runs on jax"):
        written_on("jax")


def test_keras_has_what_weights_cost_and_are_brought_back_to_in_modules_of_their_own(tmp_path: Path) -> None:
    text = """
    schema_version: 1
    topic: what a layer costs
    cases:
      - id: costs
        question: How much?
        inputs: {x: {shape: [2, 3]}}
        layers:
          dense: {type: Dense, units: 4, activity_regularizer: {type: L1, l1: 0.5}, kernel_constraint: {type: NonNeg}}
        graph: {loss: mean(dense(x)), cost: dense.losses}
        training: {optimizer: {type: SGD}, loss: loss, steps: 1}
    """
    row = {**ROW, "name": "keras", "adapter": "keras", "role": "subject", "versions": {"tensorflow": "2"}}
    given = evidence(text, tmp_path, "keras", rows=(ROW, row))
    written = KerasWriter(given, "keras").body()
    assert "activity_regularizer=keras.regularizers.L1(l1=0.5)" in "\n".join(written.build)
    assert "kernel_constraint=keras.constraints.NonNeg()" in "\n".join(written.build)
    assert "cost = sum(dense.losses)" in "\n".join((*written.build, *written.call))
    assert "loss = loss + sum(dense.losses)" in "\n".join(written.call)
    with pytest.raises(NotScriptable, match="only a script in Keras says what dense adds to a loss"):
        script(given, "numpy")
