"""What a case says of training: what is read, which layers a loss reaches, and the whole of every message."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.case.load import load_file
from conformance.case.model import Case
from conformance.errors import CaseError

TEXT = """\
schema_version: 1
topic: t
dims: {batch: 2, dim: 3}
cases:
  - id: a
    question: q
    inputs: {x: {shape: [batch, dim]}, other: {shape: [batch, dim]}, ids: {shape: [batch]}}
    layers: {dense: {type: Dense, units: 4}, head: {type: Dense, units: 1}, relu: {type: ReLU}}
    graph: {h: relu(dense(x)), loss: mean(h), far: sum(head(other)), plain: mean(relu(other)), _ids: ids + 1.0}
    training: {optimizer: {type: SGD, learning_rate: 0.5}, loss: loss, steps: 2}
"""


def load(folder: Path, training: str, after: str = "") -> tuple[Case, ...]:
    """The cases of the file with another `training:`, which stands on line 10, and more lines after it."""
    path = folder / "fam" / "topic.case.yaml"
    path.parent.mkdir(exist_ok=True)
    lines = TEXT.splitlines()
    lines[9] = "    training: " + training
    path.write_text("\n".join([*lines, *after.splitlines()]) + "\n", encoding="utf-8")
    return load_file(path, "fam/topic.case.yaml")


def message(folder: Path, training: str, after: str = "") -> str:
    with pytest.raises(CaseError) as raised:
        load(folder, training, after)
    return "\n".join(f"{p.position.line}:{p.position.column}: {p.message} | {p.hint}" for p in raised.value.problems)


SGD = "optimizer: {type: SGD}"


def test_a_training_knows_the_layers_with_weights_that_its_loss_reaches(tmp_path: Path) -> None:
    (case,) = load(
        tmp_path, "{optimizer: {type: Adam, beta_1: 0.5}, loss: loss, steps: 3, batches: {x: [x, other, x]}}"
    )
    (training,) = case.trainings
    assert (training.optimizer, training.config, training.loss) == ("Adam", {"beta_1": 0.5}, "loss")
    assert (training.steps, training.layers) == (3, ("dense",))
    assert training.batches == {"x": ("x", "other", "x")}
    assert case.layer_types == ("Dense", "ReLU", "Adam")


def test_one_step_is_made_where_none_are_given(tmp_path: Path) -> None:
    (case,) = load(tmp_path, f"{{{SGD}, loss: loss}}")
    assert case.trainings[0].steps == 1


def test_several_trainings_of_different_layers_are_read_in_order(tmp_path: Path) -> None:
    (case,) = load(tmp_path, f"[{{{SGD}, loss: far}}, {{{SGD}, loss: loss}}]")
    assert [training.layers for training in case.trainings] == [("head",), ("dense",)]


def test_a_training_is_part_of_what_decides_the_outcome(tmp_path: Path) -> None:
    (one,) = load(tmp_path, f"{{{SGD}, loss: loss}}")
    (two,) = load(tmp_path, f"{{{SGD}, loss: loss, steps: 2}}")
    assert one.digest != two.digest


@pytest.mark.parametrize(
    ("training", "expected"),
    [
        (
            "{optimizer: {type: adam}, loss: loss}",
            "10:34: unknown optimizer type adam | did you mean Adam?",
        ),
        (
            "{optimizer: {type: Dense, units: 1}, loss: loss}",
            "10:34: unknown optimizer type Dense | there are "
            "Adadelta, Adafactor, Adagrad, Adam, AdamW, Adamax, Ftrl, Lamb, Lion, LossScaleOptimizer, ... (16 in all)",
        ),
        (
            "{optimizer: {type: SGD, lr: 0.1}, loss: loss}",
            "10:39: unknown argument lr for SGD | arguments: type, learning_rate, weight_decay, clipnorm, "
            "global_clipnorm, clipvalue, use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor, ... "
            "(14 in all)",
        ),
        (
            "{optimizer: {type: SGD, momentum: -1}, loss: loss}",
            "10:49: momentum of SGD must be at least 0, not -1.0 | None",
        ),
        (
            "{optimizer: {learning_rate: 1}, loss: loss}",
            "10:27: optimizer needs the key type | the class name in Keras: {type: SGD, learning_rate: 0.1}",
        ),
        (
            "{optimizer: SGD, loss: loss}",
            "10:27: optimizer must be an optimizer, not the text 'SGD' | None",
        ),
        (f"{{{SGD}, loss: los}}", "10:46: unknown node los as the loss | did you mean loss?"),
        (
            f"{{{SGD}, loss: loss, native: true}}",
            "10:52: native is no longer a key of a training | "
            "leave it out: the lane torch[native] runs torch's own optimiser with the arguments as written",
        ),
        (
            f"{{{SGD}, loss: plain}}",
            "10:46: the loss plain reaches no layer with weights | "
            "a training moves the weights of layers from which the loss is computed",
        ),
        (f"{{{SGD}, loss: loss, steps: 0}}", "10:59: steps must be at least 1, not 0 | None"),
        (
            f"{{{SGD}, loss: loss, steps: 2, batches: {{x: [x]}}}}",
            "10:75: batches of x: 1 inputs for 2 steps | name one a step",
        ),
        (
            f"{{{SGD}, loss: loss, batches: {{x: [y]}}}}",
            "10:66: unknown input y in batches | inputs here: x, other, ids",
        ),
        (
            f"{{{SGD}, loss: loss, batches: {{x: [ids]}}}}",
            "10:66: ids is float32 [batch], x is float32 [batch, dim] | None",
        ),
        (
            f"[{{{SGD}, loss: loss}}, {{{SGD}, loss: h}}]",
            "10:54: the layer dense is trained twice | "
            "declare a second layer with the same `name:`, which gets the same weights",
        ),
    ],
)
def test_every_mistake_is_named_where_it_stands(training: str, expected: str, tmp_path: Path) -> None:
    assert message(tmp_path, training) == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (
            "    expect: {dense.kernel@3: {shape: [dim, 4]}}",
            "11:14: dense.kernel@3: dense is trained for 2 steps | None",
        ),
        (
            "    expect: {head.kernel@1: {shape: [4, 1]}}",
            "11:14: head is not trained | name a layer from which the loss of `training:` is computed",
        ),
        ("    claims: [{same: [dens.kernel@1, h]}]", "11:22: unknown layer dens | did you mean dense?"),
        ("    kills: [Adam.uncorrected]", "11:13: the case does not use Adam | it uses Dense, ReLU, SGD"),
        ("    kills: [SGD.forget]", "11:13: SGD has no mutant forget | did you mean forgets?"),
    ],
)
def test_trained_weights_and_mutants_that_do_not_exist_are_named(after: str, expected: str, tmp_path: Path) -> None:
    assert message(tmp_path, f"{{{SGD}, loss: loss, steps: 2}}", after) == expected


def test_trained_weights_may_be_expected_claimed_and_told_of(tmp_path: Path) -> None:
    after = """
    answer: "They are {dense.kernel@2.shape}."
    expect: {dense.kernel@1: {shape: [dim, 4]}}
    claims: [{differ: [dense.kernel@1, dense.kernel@2]}]
    kills: [SGD.forgets]
    """
    lines = "\n".join(" " * 4 + line.strip() for line in after.strip().splitlines())
    path = tmp_path / "fam" / "topic.case.yaml"
    path.parent.mkdir()
    path.write_text(TEXT + lines + "\n", encoding="utf-8")
    (case,) = load_file(path)
    assert list(case.expect.nodes) == ["dense.kernel@1"]


def test_a_loss_that_cannot_be_read_is_named_once(tmp_path: Path) -> None:
    path = tmp_path / "fam" / "topic.case.yaml"
    path.parent.mkdir()
    path.write_text(TEXT.replace("loss: mean(h)", "loss: mean(dense"), encoding="utf-8")
    with pytest.raises(CaseError) as raised:
        load_file(path, "fam/topic.case.yaml")
    assert [p.message for p in raised.value.problems] == ["not an expression: '(' was never closed"]
