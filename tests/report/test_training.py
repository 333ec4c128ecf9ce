"""A page shows each weight after each step, lane by lane, and what a lane's own optimiser is; other pages show none."""

from __future__ import annotations

from typing import Any

from conformance.report.blocks import Paragraph, Table
from tests.report import factory as make
from tests.report.asked import training_blocks


def trained(**given: Any) -> dict[str, Any]:
    """A weight after two steps: the reference's, and torch's, which goes its own way at the second."""
    of = {"dense.kernel@10": [[0.25]], "dense.kernel@2": [[0.5]], "loss": 1.5}
    wrong = make.finding("weights", "values", "dense.kernel@10", distance=make.distance(used=3.5, over=1, count=1))
    native = {"training 1": {"torch.optim.SGD": {"shape": [], "from": "the same arguments"}}}
    return make.record(
        {
            "numpy": make.lane({label: make.node([1, 1], values=value, distance=None) for label, value in of.items()}),
            "torch": make.lane(
                {
                    "loss": make.node([], values=1.5),
                    "dense.kernel@2": make.node([1, 1], values=[[0.5]]),
                    "dense.kernel@10": make.node([1, 1], values=[[0.3]], distance=make.distance(used=3.5)),
                },
                verdict="differ",
                findings=[wrong],
                native=native,
            ),
        },
        **given,
    )


def test_weights_stand_in_the_order_of_steps_with_every_lanes_numbers() -> None:
    table, note = training_blocks(trained())
    assert isinstance(table, Table)
    assert isinstance(note, Paragraph)
    assert table.head == ("weight", "after step", "shape", "numpy", "torch")
    assert [[cell.text for cell in row] for row in table.rows] == [
        ["dense.kernel", "2", "(1, 1)", "[[0.5]]", "[[0.5]]; 7 %"],
        ["dense.kernel", "10", "(1, 1)", "[[0.25]]", "[[0.3]]; 3.5 times"],
    ]
    assert [[cell.mark for cell in row[3:]] for row in table.rows] == [["", ""], ["", "differ"]]
    assert note.text == "Training 1 in torch is by torch.optim.SGD: the same arguments."


def test_a_lane_that_did_not_get_so_far_is_said_to() -> None:
    record = trained()
    del record["lanes"]["torch"]["runs"][0]["dense.kernel@10"]
    table, _ = training_blocks(record)
    assert isinstance(table, Table)
    assert table.rows[1][4].text == "did not give it"


def test_a_case_without_training_has_no_such_table() -> None:
    record = trained()
    for lane in record["lanes"].values():
        lane["runs"][0] = {"loss": lane["runs"][0]["loss"]}
    assert training_blocks(record) == []


def test_what_fit_reports_stands_before_the_weights_of_its_epochs() -> None:
    values = {"fit.loss@2": 1.5, "fit.loss@1": 2.5, "dense.kernel@1": [[0.5]], "loss": 1.0}
    nodes = {label: make.node([], values=value, distance=None) for label, value in values.items()}
    reports, weights = training_blocks(make.record({"numpy": make.lane(nodes)}))
    assert isinstance(reports, Table)
    assert isinstance(weights, Table)
    assert reports.head[:2] == ("report", "epoch")
    assert [[cell.text for cell in row] for row in reports.rows] == [
        ["fit.loss", "1", "()", "2.5"],
        ["fit.loss", "2", "()", "1.5"],
    ]
    assert weights.head[:2] == ("weight", "after epoch")
    assert [row[0].text for row in weights.rows] == ["dense.kernel"]
