"""Operations against numbers worked out by hand or published, and against SciPy as a second source."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import linalg, ndimage, special  # type: ignore[import-untyped]  # no stubs here
from scipy import signal as signals

from conformance.reference.operations.base import Entry, table

RANDOM = np.random.default_rng(0)


def run(name: str, *arrays: Any, **arguments: Any) -> Any:
    """What the reference of an operation gives, its inputs in the order of its signature."""
    entry: Entry = table()[name]
    kinds = [entry.parameters[one].kind for one in entry.inputs]
    if entry.parameters and any(kind.name == "VAR_POSITIONAL" for kind in kinds):
        return entry.function(*arrays, **arguments)
    return entry.function(**dict(zip(entry.inputs, arrays, strict=False)), **arguments)


HAND: list[tuple[str, tuple[Any, ...], dict[str, Any], Any]] = [
    ("sparsemax", (np.array([[1.0, 1.0], [3.0, 0.0]]),), {}, [[0.5, 0.5], [1.0, 0.0]]),
    ("glu", (np.array([[2.0, 0.0]]),), {}, [[1.0]]),
    ("rms_normalization", (np.array([[3.0, 4.0]]),), {"epsilon": 0.0}, [[3 / math.sqrt(12.5), 4 / math.sqrt(12.5)]]),
    ("segment_sum", (np.array([1.0, 2.0, 4.0]), np.array([0, 0, 2])), {}, [3.0, 0.0, 4.0]),
    ("unravel_index", (np.array([5]),), {"shape": (3, 4)}, [[1], [1]]),
    ("gcd", (np.array([12]), np.array([-18])), {}, [6]),
    ("in_top_k", (np.array([1]), np.array([[0.1, 0.9, 0.3]])), {"k": 1}, [True]),
    ("saturate_cast", (np.array([300.0, -5.0]),), {"dtype": "uint8"}, [255, 0]),
    ("rearrange", (np.arange(4.0).reshape(2, 2),), {"pattern": "a b -> (b a)"}, [0.0, 2.0, 1.0, 3.0]),
    ("rgb_to_hsv", (np.array([[[[0.0, 1.0, 0.0]]]]),), {}, [[[[1 / 3, 1.0, 1.0]]]]),
    ("psnr", (np.array([1.0]), np.array([0.0])), {"max_val": 10.0}, 20.0),
    ("trapezoid", (np.array([0.0, 2.0, 4.0]),), {}, 4.0),
    ("median", (np.array([math.inf, 1.0, 2.0]),), {}, 2.0),
    ("heaviside", (np.array([-1.0, 0.0, 1.0]), np.array(0.5)), {}, [0.0, 0.5, 1.0]),
    ("depth_to_space", (np.arange(4.0).reshape(1, 1, 1, 4),), {"block_size": 2}, [[[[0.0], [1.0]], [[2.0], [3.0]]]]),
]


@pytest.mark.parametrize(("name", "arrays", "arguments", "wanted"), HAND, ids=[row[0] for row in HAND])
def test_by_hand(name: str, arrays: tuple[Any, ...], arguments: dict[str, Any], wanted: Any) -> None:
    np.testing.assert_allclose(run(name, *arrays, **arguments), wanted, atol=1e-12)


X = RANDOM.uniform(-0.9, 0.9, (3, 4))


@pytest.mark.parametrize(
    ("name", "second"),
    [("erf", special.erf), ("erfc", special.erfc), ("erfinv", special.erfinv), ("i0", special.i0)],
)
def test_special_functions_are_scipys(name: str, second: Any) -> None:
    np.testing.assert_allclose(run(name, X), second(X), rtol=1e-13)


def test_places_between_pixels_are_scipys() -> None:
    at = RANDOM.uniform(0.0, 2.0, (2, 5))
    for order in (0, 1):
        np.testing.assert_allclose(
            run("map_coordinates", X, at, order=order), ndimage.map_coordinates(X, at, order=order)
        )


def test_linear_algebra_is_scipys() -> None:
    square = X[:, :3] + 3.0 * np.eye(3)
    np.testing.assert_allclose(run("pinv", X), linalg.pinv(X), atol=1e-13)
    np.testing.assert_allclose(
        run("solve_triangular", square, X, lower=True), linalg.solve_triangular(square, X, lower=True)
    )
    np.testing.assert_allclose(
        run("cholesky_inverse", np.tril(square)), linalg.inv(np.tril(square) @ np.tril(square).T)
    )


def test_fourier_transforms_are_numpys() -> None:
    real, imaginary = run("fft", [X, 2.0 * X])
    np.testing.assert_allclose(real + 1j * imaginary, np.fft.fft(X + 2j * X), atol=1e-13)
    for length in (None, 6, 3):
        real, imaginary = run("rfft", X, fft_length=length)
        np.testing.assert_allclose(real + 1j * imaginary, np.fft.rfft(X, length), atol=1e-13)
    for length in (None, 5, 8):
        np.testing.assert_allclose(
            run("irfft", [X, X], fft_length=length), np.fft.irfft(X + 1j * X, length), atol=1e-13
        )


def test_frames_are_scipys() -> None:
    x = RANDOM.normal(size=20)
    real, imaginary = run("stft", x, sequence_length=8, sequence_stride=4, fft_length=8, center=False)
    window = signals.get_window("hann", 8)
    frames = np.stack([x[start : start + 8] * window for start in range(0, 13, 4)])
    np.testing.assert_allclose(real + 1j * imaginary, np.fft.rfft(frames), atol=1e-12)


def test_windows_are_scipys() -> None:
    for name, second in (
        ("hanning", "hann"),
        ("hamming", "hamming"),
        ("blackman", "blackman"),
        ("bartlett", "bartlett"),
    ):
        np.testing.assert_allclose(run(name, x=7), signals.get_window(second, 7, fftbins=False), atol=1e-15)
    np.testing.assert_allclose(run("kaiser", x=7, beta=5.0), signals.get_window(("kaiser", 5.0), 7, fftbins=False))


def test_folding_is_the_transpose_of_unfolding() -> None:
    x, y = RANDOM.normal(size=(2, 3, 6, 5)), RANDOM.normal(size=(2, 12, 20))
    left = np.sum(run("unfold", x, kernel_size=2) * y)
    assert left == pytest.approx(np.sum(x * run("fold", y, output_size=(6, 5), kernel_size=2)))


def test_a_transposed_convolution_is_the_transpose() -> None:
    x, kernel = RANDOM.normal(size=(2, 9, 3)), RANDOM.normal(size=(3, 3, 4))
    y = RANDOM.normal(size=(2, 4, 4))
    left = np.sum(run("conv", x, kernel, strides=2) * y)
    assert left == pytest.approx(np.sum(x * run("conv_transpose", y, kernel, strides=2)))
