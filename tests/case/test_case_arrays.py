"""Drawn arrays: the same for ever, exact in float32, without ties, of both signs."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.case.arrays import (
    DrawError,
    check_normal,
    check_uniform,
    draw_inputs,
    draw_integers,
    draw_normal,
    draw_uniform,
    draw_weight,
)
from tests.case.casefile import load, only, text_with

SHAPE = (3, 5, 7)


def digest(array: np.ndarray[Any, Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<")).tobytes()).hexdigest()[:16]


# Written down once. Everybody's results depend on these numbers: if one changes, so must `arrays.FORMAT`, and with it
# the digest of every case, so that no two results are compared as if the data had been the same.
PINNED: dict[str, tuple[Callable[[], np.ndarray[Any, Any]], str]] = {
    "normal": (lambda: draw_normal("pinned", SHAPE), "f9c75b22d8e48d28"),
    "normal at 300": (lambda: draw_normal("pinned", SHAPE, 300.0, 1.0), "4bf52a55fcb4fcf3"),
    "normal half": (lambda: draw_normal("pinned", SHAPE, dtype="float16"), "c325196f969b13db"),
    "many": (lambda: draw_normal("pinned", (300, 1000)), "118385c36cfdff66"),
    "uniform": (lambda: draw_uniform("pinned", SHAPE, -1.0, 3.0), "c761694a41a417a7"),
    "integers": (lambda: draw_integers("pinned", SHAPE, -4, 5), "5ac1cf6481f19857"),
    "kernel": (lambda: draw_weight("fam/topic.a", "dense", "kernel", (7, 5), "kernel"), "21215a2bc6c84070"),
    "table": (lambda: draw_weight("fam/topic.a", "embed", "embeddings", (7, 5), "table"), "5cd23f7bfccfef6a"),
    "bias": (lambda: draw_weight("fam/topic.a", "dense", "bias", (5,), "bias"), "e43e37b6c559d70b"),
    "scale": (lambda: draw_weight("fam/topic.a", "norm", "gamma", (5,), "scale"), "fbbb42ca08bd9195"),
    "variance": (lambda: draw_weight("fam/topic.a", "norm", "moving_variance", (5,), "variance"), "326b403643cb7b9e"),
}


@pytest.mark.parametrize("name", PINNED)
def test_draws_are_what_they_were(name: str) -> None:
    draw, expected = PINNED[name]
    assert digest(draw()) == expected


def redone_uniform(name: str, count: int, first: int, steps: int) -> list[int]:
    """The recipe of the module's docstring once more, with Python's integers and nothing else."""

    def words(role: str, size: int) -> list[int]:
        stream = hashlib.shake_128(f"conformance draw 1|{name}|{role}".encode()).digest(size * count)
        return [int.from_bytes(stream[i * size : (i + 1) * size], "little") for i in range(count)]

    spacing = max(steps // 64 // count, 1)
    width = count * spacing
    cells = steps // width
    keys = words("order", 8)
    place = {index: rank for rank, index in enumerate(sorted(range(count), key=keys.__getitem__))}
    first += (steps - cells * width) // 2
    return [
        first + (word * cells >> 32) * width + place[index] * spacing + spacing // 2
        for index, word in enumerate(words("value", 4))
    ]


def test_a_draw_can_be_redone_without_numpy() -> None:
    # between -1 and 1 float32 is exact on multiples of 2^-23 (24 binary digits up to 2)
    steps = redone_uniform("again", 12, -(2**23), 2**24)
    expected = [step / 2**23 for step in steps]
    assert draw_uniform("again", (12,), -1.0, 1.0).tolist() == expected


def weight_of(kind: str, name: str, shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    return draw_weight(name, "layer", "weight", shape, kind)


KINDS = ("kernel", "table", "bias", "scale", "variance")
DRAWS: dict[str, Callable[[str, tuple[int, ...]], np.ndarray[Any, Any]]] = {
    "normal": draw_normal,
    "normal at 300": lambda name, shape: draw_normal(name, shape, 300.0, 1.0),
    "tiny": lambda name, shape: draw_normal(name, shape, 0.0, 1e-4),
    "uniform": lambda name, shape: draw_uniform(name, shape, -1.0, 3.0),
    **{kind: partial(weight_of, kind) for kind in KINDS},
}


@pytest.mark.parametrize("kind", DRAWS)
@pytest.mark.parametrize("shape", [(), (1,), (2,), (5, 3), (16, 16, 16), (100, 100)])
def test_draws_are_float32_and_never_tie(kind: str, shape: tuple[int, ...]) -> None:
    for run in range(5):
        array = DRAWS[kind](f"case {run}", shape)
        assert array.dtype == np.float32
        assert array.shape == shape
        assert np.unique(array).size == array.size
        assert np.all(np.isfinite(array))


@pytest.mark.parametrize("kind", ["normal", "tiny", "uniform", "kernel", "table", "bias"])
def test_draws_have_both_signs(kind: str) -> None:
    for run in range(20):
        negative = np.sum(DRAWS[kind](f"case {run}", (6, 7)) < 0)
        assert 3 <= negative <= 42 - 3


def test_doubles_and_halves_hold_the_same_kind_of_number() -> None:
    double = draw_normal("x", SHAPE, dtype="float64")
    assert double.dtype == np.float64
    assert np.array_equal(double, double.astype(np.float32))
    half = draw_normal("x", SHAPE, dtype="float16")
    assert half.dtype == np.float16
    assert np.unique(half).size == half.size


def test_normal_is_bell_shaped_around_its_mean() -> None:
    array = draw_normal("bell", (100_000,), 2.0, 3.0).astype(np.float64)
    assert abs(array.mean() - 2.0) < 0.03  # 3 standard errors of 3 / sqrt(100000)
    assert abs(array.std() - 3.0) < 0.03
    # within one standard deviation: for a sum of four uniforms 1 - (x^4 - 4 (x - 1)^4) / 12 at x = 2 - sqrt(1/3)
    assert abs(np.mean(np.abs(array - 2.0) < 3.0) - 0.6693) < 0.006
    assert np.all(np.abs(array - 2.0) <= 12.0)


def test_uniform_is_flat_and_within_its_bounds() -> None:
    array = draw_uniform("flat", (100_000,), -1.0, 3.0)
    counts, _ = np.histogram(array, bins=8, range=(-1.0, 3.0))
    assert counts.sum() == array.size
    assert np.all(np.abs(counts - 12_500) < 500)  # 5 standard deviations of a binomial with p = 1/8 are 523


def test_integers_reach_both_ends_evenly() -> None:
    array = draw_integers("dice", (60_000,), 1, 7)
    values, counts = np.unique(array, return_counts=True)
    assert values.tolist() == [1, 2, 3, 4, 5, 6]
    assert np.all(np.abs(counts - 10_000) < 460)  # 5 standard deviations


@pytest.mark.parametrize(
    ("shape", "bound"), [((7, 5), math.sqrt(3 / 7)), ((3, 4, 9), 0.5), ((5,), math.sqrt(3)), ((1, 3), math.sqrt(3))]
)
def test_kernels_keep_sums_of_order_one(shape: tuple[int, ...], bound: float) -> None:
    array = draw_weight("fam/topic.a", "dense", "kernel", shape, "kernel")
    assert np.abs(array).max() <= bound
    if array.size > 30:
        assert np.abs(array).max() > 0.8 * bound


@pytest.mark.parametrize(
    ("draw", "centre", "nearest", "farthest"),
    [
        ("bias", 0, 0.05, 0.3),
        ("scale", 1, 0.1, 0.5),
        ("variance", 1, 0.1, 0.7),
    ],
)
def test_small_weights_stay_away_from_what_would_hide_them(
    draw: str, centre: int, nearest: float, farthest: float
) -> None:
    distance = np.abs(draw_weight("fam/topic.a", "layer", "weight", (500,), draw).astype(np.float64) - centre)
    assert distance.min() >= nearest
    assert distance.max() <= farthest


def test_a_square_kernel_is_not_symmetric() -> None:
    kernel = draw_weight("fam/topic.a", "rnn", "recurrent_kernel", (6, 6), "kernel")
    assert np.all((kernel == kernel.T) == np.eye(6, dtype=bool))


def test_every_name_draws_something_else() -> None:
    first = draw_weight("fam/topic.a", "dense", "kernel", (4, 4), "kernel")
    for other in (
        ("fam/topic.b", "dense", "kernel"),
        ("fam/topic.a", "other", "kernel"),
        ("fam/topic.a", "dense", "k"),
    ):
        assert not np.any(first == draw_weight(*other, (4, 4), "kernel"))
    assert np.array_equal(first, draw_weight("fam/topic.a", "dense", "kernel", (4, 4), "kernel"))


@pytest.mark.parametrize("count", [0, 1])
def test_empty_and_single(count: int) -> None:
    assert draw_normal("x", (count, 3)).shape == (count, 3)
    assert draw_uniform("x", (count,), 0.0, 1.0).shape == (count,)
    assert draw_integers("x", (count,), 0, 5).shape == (count,)


def test_as_many_values_as_there_are_floats() -> None:
    check_normal(300.0, 1.0, "float32", 16384)
    array = draw_normal("dense", (16384,), 300.0, 1.0)
    assert np.unique(array).size == array.size
    assert np.all(np.abs(array.astype(np.float64) - 300.0) <= 4.0)


@pytest.mark.parametrize(
    ("check", "message"),
    [
        (
            lambda: check_normal(300.0, 1.0, "float32", 16385),
            "16385 values cannot all differ: 16384 can, in float32 at mean 300 and std 1",
        ),
        (
            lambda: check_normal(1e6, 1e-3, "float32", 1),
            "1 values cannot all differ: 0 can, in float32 at mean 1e+06 and std 0.001",
        ),
        (lambda: check_normal(0.0, 0.0, "float32", 1), "std must be above 0, not 0"),
        (
            lambda: check_normal(0.0, 1e300, "float32", 1),
            "values up to 4e+300 are out of the range that is drawn; 1e-30 to 1e30 is",
        ),
        (
            lambda: check_uniform(1.0, 1.0001, "float32", 1000),
            "1000 values cannot all differ: 838 can, in float32 between 1 and 1.0001",
        ),
        (lambda: check_uniform(2.0, 1.0, "float32", 1), "the lower bound 2 must be below the upper bound 1"),
    ],
)
def test_where_values_would_have_to_tie(check: Callable[[], None], message: str) -> None:
    with pytest.raises(DrawError) as raised:
        check()
    assert str(raised.value) == message


def inputs(folder: Path, fill: str, run: int = 0, **lines: str) -> dict[str, np.ndarray[Any, Any]]:
    return draw_inputs(only(folder, inputs=f"    inputs: {{x: {fill}}}", **lines), run)


def array(folder: Path, fill: str, **lines: str) -> np.ndarray[Any, Any]:
    return inputs(folder, fill, **lines)["x"]


def test_fills_that_are_written_out(tmp_path: Path) -> None:
    values = array(tmp_path, "{shape: [2, 3], fill: {values: [[1, 2.5, nan], [inf, -inf, -0.0]]}}")
    assert values.dtype == np.float32
    assert np.array_equal(values, [[1, 2.5, np.nan], [np.inf, -np.inf, 0.0]], equal_nan=True)
    assert np.signbit(values[1]).tolist() == [False, True, True]
    assert array(tmp_path, "{shape: [4], fill: {arange: {start: 1, step: 0.5}}}").tolist() == [1.0, 1.5, 2.0, 2.5]
    assert array(tmp_path, "{shape: [2], dtype: int64, fill: {arange: {}}}").tolist() == [0, 1]
    assert array(tmp_path, "{shape: [2], fill: {constant: -0.0}}").tolist() == [-0.0, -0.0]
    assert array(tmp_path, "{dtype: bool, fill: {values: [1, 0, true]}}").tolist() == [True, False, True]


def test_short_rows_are_padded_at_their_end(tmp_path: Path) -> None:
    fill = "fill: {ragged: {rows: [[1, 2], [], [3, 4, 5]], padding: 9}}"
    padded = array(tmp_path, f"{{dtype: int32, {fill}}}")
    assert padded.tolist() == [[1, 2, 9], [9, 9, 9], [3, 4, 5]]
    assert array(tmp_path, f"{{shape: [3, 4], dtype: int32, {fill}}}")[0].tolist() == [1, 2, 9, 9]
    vectors = array(tmp_path, "{fill: {ragged: {rows: [[[1, 2]], [[3, 4], [5, 6]]]}}}")
    assert vectors.tolist() == [[[1, 2], [0, 0]], [[3, 4], [5, 6]]]


def test_an_array_of_arrays(tmp_path: Path) -> None:
    rows = array(tmp_path, '{fill: {lists: {count: 4, shape: [5, 3], shapes: {"2": [4, 3]}}}}')
    assert rows.dtype == object
    assert [row.shape for row in rows] == [(5, 3), (5, 3), (4, 3), (5, 3)]
    assert all(row.dtype == np.float32 and np.unique(row).size == row.size for row in rows)
    assert not np.array_equal(rows[0], rows[1])


def test_data_files(tmp_path: Path) -> None:
    (tmp_path / "fam" / "data").mkdir(parents=True)
    np.save(tmp_path / "fam" / "data" / "x.npy", np.arange(6.0).reshape(2, 3))
    (tmp_path / "fam" / "samples.json").write_text('{"a": [[1, 2], [3, 4]], "b": 5}')
    assert array(tmp_path, "{fill: {file: {path: data/x.npy}}}").tolist() == [[0, 1, 2], [3, 4, 5]]
    found = array(tmp_path, "{shape: [batch, 2], dtype: int32, fill: {file: {path: samples.json, key: a}}}")
    assert found.dtype == np.int32
    assert found.tolist() == [[1, 2], [3, 4]]


def test_runs_of_several_sizes(tmp_path: Path) -> None:
    (case,) = load(tmp_path, text_with(dims="dims: {batch: 2, steps: [5, 7], dim: 3}"))
    first, second = (draw_inputs(case, run)["x"] for run in (0, 1))
    assert (first.shape, second.shape) == ((2, 5, 3), (2, 7, 3))
    assert not np.isin(first, second).all()


def test_inputs_depend_on_case_and_name_alone(tmp_path: Path) -> None:
    once = array(tmp_path, "{shape: [2, 3]}")
    again = inputs(
        tmp_path,
        "{shape: [2, 3]}, z: {shape: [2]}",
        graph="    graph: {y: dense(x) + z}",
        question="    question: other",
    )
    assert np.array_equal(once, again["x"])
    other = array(tmp_path, "{shape: [2, 3]}", id="  - id: b")
    assert not np.any(once == other)
