"""Diagrams: what is drawn of windows, masks and gates is what the reference does, and the words say the same."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.reference.base import LayerError, make
from conformance.reference.windows import place
from conformance.report.blocks import Page, Panel, Pictures, Section
from conformance.report.diagram_gates import gate_panel
from conformance.report.diagram_masks import Flow, mask_panel
from conformance.report.diagram_windows import Window, window_panel
from conformance.report.html import render_page
from tests.builders import POOLED, cases_of, fake, records_of
from tests.report.asked import page_of
from tests.report.factory import LANE_ROWS

FOUR = Window(length=5, size=4, stride=1, dilation=1, left=1, right=2, count=5)


def squares(panel: Panel, role: str) -> int:
    """How many squares of one kind a panel has."""
    paths = [dict(drawing.attributes) for drawing in panel.drawings if drawing.tag == "path"]
    return sum(str(path["d"]).count("z") for path in paths if path["class"] == role)


def written(panel: Panel) -> list[str]:
    return [drawing.text for drawing in panel.drawings if drawing.tag == "text"]


@given(
    st.integers(1, 40),
    st.integers(1, 5),
    st.integers(1, 4),
    st.integers(1, 3),
    st.sampled_from(["valid", "same", "causal"]),
)
def test_a_window_reads_what_the_reference_reads(
    length: int, size: int, stride: int, dilation: int, padding: str
) -> None:
    try:
        found = place(length, size, stride, dilation, padding)
    except LayerError:
        return
    window = Window(length, size, stride, dilation, found.left, found.right, found.count)
    assert [window.reads(output) for output in range(found.count)] == (found.taps - found.left).tolist()
    panel = window_panel(window, "steps")
    assert panel.width > 0
    assert panel.words.startswith(f"{length} steps, ")


def test_every_tap_is_drawn_and_those_on_padding_are_hollow() -> None:
    panel = window_panel(FOUR, "steps")
    taps = [step for output in range(5) for step in FOUR.reads(output)]
    assert squares(panel, "full") == sum(0 <= step < 5 for step in taps) == 16
    assert squares(panel, "pad") == sum(not 0 <= step < 5 for step in taps) + 3  # and the padding of the axis itself
    assert squares(panel, "cell") == 5
    assert written(panel) == ["steps", "01234", *(f"output {number}" for number in range(5))]


def test_a_long_axis_is_cut_and_says_so() -> None:
    panel = window_panel(Window(100, 3, 2, 1, 0, 0, 49), "steps")
    assert "…" in written(panel)
    assert "output 48" in written(panel)
    assert panel.width < 600


def test_windows_in_words() -> None:
    assert window_panel(FOUR, "steps").words == (
        "5 steps, padded with 1 before and 2 after; a window of 4 gives 5: "
        "output 0 reads 1 of the padding before, 0 to 2; output 1 reads 0 to 3; output 2 reads 1 to 4; "
        "output 3 reads 2 to 4, 1 of the padding after; output 4 reads 3, 4, 2 of the padding after"
    )
    dilated = window_panel(Window(9, 2, 3, 4, 0, 0, 2), "rows").words
    assert dilated == (
        "9 rows, without padding; a window of 2, 4 apart every 3 steps gives 2: "
        "output 0 reads 0, 4; output 1 reads 3, 7"
    )


def test_windows_that_are_written_in_words_and_drawn() -> None:
    """Three steps of input, a kernel of 4, a stride of 2: 8 covered, 6 come out, one cut off at each end."""
    panel = window_panel(Window(6, 4, 2, 1, 1, 1, 3, writes=True), "steps")
    assert panel.title == "steps: 6 of 3"
    assert panel.words == (
        "3 steps write windows of 4, each 2 steps after the one before, of which 1 before and 1 after are cut off; "
        "6 come out: input 0 writes 1 cut off before, 0 to 2; input 1 writes 1 to 4; "
        "input 2 writes 3 to 5, 1 cut off after"
    )
    assert written(panel) == ["steps", "012345", "input 0", "input 1", "input 2"]
    assert squares(panel, "full") == 10
    assert squares(panel, "pad") == 2 + 2


@pytest.mark.parametrize(
    ("kernel", "strides", "padding", "dilation"),
    [(4, 2, "same", 1), (2, 3, "valid", 1), (3, 1, "same", 2), (5, 2, "valid", 1)],
)
def test_what_is_drawn_of_a_transposed_convolution_is_where_ones_are_written(
    kernel: int, strides: int, padding: str, dilation: int
) -> None:
    """A kernel of ones over an impulse at each step writes exactly the steps that the picture fills."""
    layer = make(
        "Conv1DTranspose",
        {"filters": 1, "kernel_size": kernel, "strides": strides, "padding": padding, "dilation_rate": dilation},
    )
    steps = 4
    (numbers,) = layer.windows_on((1, steps, 1))
    window = Window(**numbers)
    for step in range(steps):
        impulse = np.zeros((1, steps, 1))
        impulse[0, step, 0] = 1.0
        weights = SimpleNamespace(kernel=np.ones((kernel, 1, 1)), bias=np.zeros(1))
        given = layer.call(weights, impulse)[0, :, 0]
        assert list(np.flatnonzero(given)) == [place for place in window.reads(step) if 0 <= place < window.length]
        assert len(given) == window.length


def test_a_mask_flows_from_node_to_node() -> None:
    rows = ((True, True, False), (True, False, False), (True, True, True))
    panel = mask_panel([Flow("x", "embed", rows), Flow("pooled", "pool", None)], "masks in numpy")
    assert squares(panel, "full") == 3
    assert squares(panel, "cell") == 3
    assert written(panel) == ["x = embed", "pooled = pool", "no mask"]
    assert panel.words == "x, made by embed, carries 110, 100 and 1 more; pooled, made by pool, carries no mask"


def test_gates_go_where_the_port_puts_them() -> None:
    panel = gate_panel(["z update", "r reset", "h candidate"], [1, 0, 2], "kernel", "weight_ih_l0")
    assert panel.words == (
        "kernel stacks z update, r reset, h candidate; weight_ih_l0 stacks r reset, z update, h candidate"
    )
    (moves,) = [dict(d.attributes)["d"] for d in panel.drawings if "L" in str(dict(d.attributes).get("d", ""))]
    ends = re.findall(r"M(\S+) \d+L(\S+) \d+", str(moves))
    middles = sorted({float(x) for x, _ in ends})
    assert [(middles.index(float(a)), middles.index(float(b))) for a, b in ends] == [(1, 0), (0, 1), (2, 2)]
    same = gate_panel(["i input", "f forget"], [0, 1], "kernel", "weight_ih")
    assert same.words == "kernel stacks i input, f forget, and weight_ih does so too"


CONVOLVED = """
    schema_version: 1
    topic: windows and gates
    dims: {batch: 2, steps: 5, dim: 3}
    source: {kind: hand}
    cases:
      - id: convolved
        question: Where do windows stand?
        inputs:
          x: {shape: [batch, steps, dim]}
        layers:
          conv: {type: Conv1D, filters: 2, kernel_size: 4, padding: same}
          gru: {type: GRU, units: 2}
        graph:
          y: conv(x)
          last: gru(y)
"""


def drawn(record: Any, title: str) -> list[Panel]:
    """The diagrams of one section of a case's page."""
    page = page_of(record, LANE_ROWS)
    sections = [section for section in page.sections if section.title == title]
    return [
        panel
        for section in sections
        for block in section.blocks
        if isinstance(block, Pictures)
        for panel in block.panels
    ]


def test_a_page_draws_what_the_reference_says_of_its_windows(tmp_path: Path) -> None:
    (record,) = records_of(cases_of(CONVOLVED, tmp_path), fake("always_right"))
    (panel,) = drawn(record, "Steps")
    assert panel.title == "steps: 5 of 5"
    assert panel.words.startswith("5 steps, padded with 1 before and 2 after; a window of 4 gives 5: ")


def test_a_page_draws_what_a_transposed_convolution_writes(tmp_path: Path) -> None:
    text = CONVOLVED.replace(
        "type: Conv1D, filters: 2, kernel_size: 4", "type: Conv1DTranspose, filters: 2, kernel_size: 4, strides: 2"
    )
    (record,) = records_of(cases_of(text, tmp_path), fake("always_right"))
    (panel,) = drawn(record, "Steps")
    assert panel.title == "steps: 10 of 5"
    assert panel.words.startswith(
        "5 steps write windows of 4, each 2 steps after the one before, of which 1 before and 1 "
    )


def test_a_page_draws_the_mask_from_layer_to_layer_and_that_of_a_lane_that_has_another(tmp_path: Path) -> None:
    text = POOLED.replace("pooled: pool(embedded)", "again: dense(embedded)")
    cases = cases_of(text.replace("pool: {type: GlobalAveragePooling1D}", "dense: {type: Dense, units: 2}"), tmp_path)
    (right,) = records_of(cases, fake("always_right"))
    (panel,) = drawn(right, "Masks")
    assert panel.words == ("embedded, made by embed, carries 11000, 11100; again, made by dense, carries 11000, 11100")
    (wrong,) = records_of(cases, fake("no_mask"))
    (panel,) = drawn(wrong, "Masks")
    assert "embedded in no_mask carries no mask" in panel.words


def test_a_page_draws_where_the_gates_go(tmp_path: Path) -> None:
    (record,) = records_of(cases_of(CONVOLVED, tmp_path), fake("always_right"))
    assert drawn(record, "Weights") == []
    made = {"source": "kernel", "steps": [["transpose", [1, 0]], ["blocks", [1, 0, 2], 0]]}
    own = {
        "weight_ih_l0": {"shape": [6, 2], "from": "...", **made},
        "bias": {"shape": [6], "from": "...", "source": "bias", "steps": []},
    }
    record["lanes"]["always_right"]["native"] = {"gru": own}
    (panel,) = drawn(record, "Weights")
    assert panel.words == (
        "kernel stacks z update gate, r reset gate, h candidate; "
        "always_right: weight_ih_l0 stacks r reset gate, z update gate, h candidate"
    )


def test_what_a_lane_says_of_no_window_is_not_drawn(tmp_path: Path) -> None:
    (record,) = records_of(cases_of(POOLED, tmp_path), fake("always_right"))
    assert drawn(record, "Steps") == []


@pytest.mark.browser
@pytest.mark.parametrize("colours", ["light", "dark", "forced"])
def test_a_diagram_is_drawn_in_the_ink_of_the_page(browser: Any, colours: str) -> None:
    from conformance.report.html import static

    section = Section("Steps", (Pictures("windows", (window_panel(FOUR, "steps"),), ()),))
    page = browser.new_page(
        color_scheme="dark" if colours == "dark" else "light",
        forced_colors="active" if colours == "forced" else "none",
    )
    text = render_page(Page("a/b.c", "agree", "", "", "", "", "", (section,)))
    page.set_content(f"<style>{static('page.css')}</style><main>{text}</main>")
    ink = page.evaluate("getComputedStyle(document.querySelector('svg')).color")
    paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ink != paper
    assert page.evaluate("getComputedStyle(document.querySelector('.full')).fill") == ink
    assert page.evaluate("getComputedStyle(document.querySelector('.pad')).fill") == "none"
    assert page.evaluate("getComputedStyle(document.querySelector('.pad')).stroke") == ink
    page.close()
