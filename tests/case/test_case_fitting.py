"""What a case says of `fit` and `evaluate`: what is read, and the whole of every message."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.case.load import load_file
from conformance.case.model import Case
from conformance.errors import CaseError

TEXT = """\
schema_version: 1
topic: t
dims: {batch: 3, dim: 2}
cases:
  - id: a
    question: q
    inputs: {x: {shape: [batch, dim]}, y: {shape: [batch, 1]}, w: {shape: [batch]}, fixed: {shape: [3, dim]}}
    layers: {dense: {type: Dense, units: 1}, mse: {type: MeanSquaredError}, mae: {type: metrics.MeanAbsoluteError}}
    graph: {predicted: dense(x), other: dense(fixed), size: sum(y), weight: sum(w), all: mean(predicted)}
    training: TRAINING
    claims: [{differ: [predicted, other]}]
"""
EVALUATE = "{through: evaluate, loss: {predicted: mse}, y: {predicted: y}, metrics: {predicted: [mae]}, batch_size: 2"
FIT = EVALUATE.replace("evaluate", "fit") + ", optimizer: {type: SGD}, epochs: 2"


def load(folder: Path, training: str, after: str = "") -> tuple[Case, ...]:
    """The cases of the file with this training, which stands on line 10, and more lines after it."""
    path = folder / "fam" / "topic.case.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(TEXT.replace("TRAINING", training) + after, encoding="utf-8")
    return load_file(path, "fam/topic.case.yaml")


def messages(folder: Path, training: str, after: str = "") -> list[str]:
    """All messages, but for layers that nothing uses where the training cannot be read."""
    with pytest.raises(CaseError) as raised:
        load(folder, training, after)
    return [f"{p.position.line}: {p.message} | {p.hint}" for p in raised.value.problems if "is never" not in p.message]


def test_a_fit_knows_its_inputs_its_layers_and_what_it_reports(tmp_path: Path) -> None:
    (case,) = load(tmp_path, FIT + ", sample_weight: {predicted: w}}")
    (fit,) = case.fits
    assert case.trainings == ()
    assert (fit.through, fit.inputs, fit.layers) == ("fit", ("x",), ("dense",))
    assert (fit.loss, fit.y, fit.sample_weight) == ({"predicted": "mse"}, {"predicted": "y"}, {"predicted": "w"})
    assert (fit.metrics, fit.batch_size, fit.epochs) == ({"predicted": ("mae",)}, 2, 2)
    assert case.layer_types == ("Dense", "MeanSquaredError", "metrics.MeanAbsoluteError", "SGD", "fit")


def test_what_it_reports_can_be_expected_claimed_and_named_in_the_answer(tmp_path: Path) -> None:
    after = '    expect: {fit.mae@2: {shape: []}}\n    answer: "{fit.loss@1.values} and {dense.kernel@2.shape}"\n'
    (case,) = load(tmp_path, FIT + "}", after)
    assert list(case.expect.nodes) == ["fit.mae@2"]


@pytest.mark.parametrize(
    ("training", "after", "said"),
    [
        (EVALUATE + ", epochs: 2}", "", ["10: evaluate takes no epochs | it trains nothing: say `through: fit`"]),
        (
            FIT.replace("optimizer: {type: SGD}, ", "") + "}",
            "",
            ["10: a training through fit needs the key optimizer | None"],
        ),
        (
            FIT + ", steps: 2}",
            "",
            ["10: steps belongs to steps of one's own | leave out `through`"],
        ),
        (
            "{optimizer: {type: SGD}, loss: all, batch_size: 2}",
            "",
            ["10: batch_size belongs to a training through fit | say `through: fit`"],
        ),
        ("{loss: all}", "", ["10: the training needs the key optimizer | as in optimizer: {type: SGD}"]),
        (
            EVALUATE.replace("loss: {predicted: mse}", "loss: all") + "}",
            "",
            ["10: through fit each output has a loss | as in loss: {predicted: mse}"],
        ),
        (
            EVALUATE.replace("loss: {predicted: mse}", "loss: {predictd: mse}") + "}",
            "",
            [
                "10: unknown node predictd as an output | did you mean predicted?",
                "10: y of predictd is missing | every output has one, or none",
                "10: y of predicted, which is no output with a loss | did you mean predictd?",
                "10: metrics of predicted, which is no output with a loss | did you mean predictd?",
            ],
        ),
        (
            EVALUATE.replace("predicted: mse", "predicted: mae") + "}",
            "",
            ["10: mae in loss is metrics.MeanAbsoluteError, not a loss | None"],
        ),
        (
            EVALUATE.replace("[mae]", "[mse]") + "}",
            "",
            ["10: mse in metrics is MeanSquaredError, not a metric, as metrics.Mean | None"],
        ),
        (EVALUATE.replace("[mae]", "[mae, mae]") + "}", "", ["10: mae is named twice | declare a second one"]),
        (
            EVALUATE.replace("predicted", "other") + "}",
            "",
            [
                "10: the input fixed cannot be cut into batches | "
                "its first axis must be a named one that is open: batch, or one of `dynamic`"
            ],
        ),
        (
            "[" + EVALUATE + "}, " + EVALUATE + "}]",
            "",
            ["10: a second evaluate | a case has one; ask it in another"],
        ),
        (FIT + "}", "    expect: {fit.mea@1: {shape: []}}\n", ["12: fit reports no mea | did you mean mae?"]),
        (FIT + "}", "    expect: {fit.loss@3: {shape: []}}\n", ["12: fit.loss@3: there are 2 epochs | None"]),
        (
            FIT + "}",
            "    expect: {dense.kernel@3: {shape: [2, 1]}}\n",
            ["12: dense.kernel@3: dense is trained for 2 epochs | None"],
        ),
        (
            FIT + "}",
            "    kills: [fit.no_los_weights]\n",
            ["12: fit has no mutant no_los_weights | did you mean no_loss_weights?"],
        ),
        (
            EVALUATE + "}",
            "    kills: [fit.no_loss_weights]\n",
            ["12: the case does not use fit | it uses Dense, MeanSquaredError, metrics.MeanAbsoluteError, evaluate"],
        ),
    ],
)
def test_mistakes_are_named_with_their_place(training: str, after: str, said: list[str], tmp_path: Path) -> None:
    assert messages(tmp_path, training, after) == said
