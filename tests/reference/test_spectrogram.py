"""Spectrograms against numbers by hand, and against NumPy's Fourier transform."""

from __future__ import annotations

import math
from typing import Any

import numpy
import pytest

from conformance.reference.base import LayerError, Weights, make
from conformance.reference.spectrogram import MelSpectrogram, STFTSpectrogram, mels, raised, waves, window_of
from tests.reference.helpers import is_seen, run

SOUND = numpy.random.default_rng(4).normal(size=(2, 40))


def test_windows_of_four() -> None:
    """Harris, 1978, equations 25 and 30: 1/2 - 1/2 cos and 0.54 - 0.46 cos of 2 pi n / 3, or of 2 pi n / 4."""
    assert window_of("hann", 4, False).tolist() == pytest.approx([0, 0.75, 0.75, 0])
    assert window_of("hann", 4, True).tolist() == pytest.approx([0, 0.5, 1, 0.5])
    assert window_of("hamming", 4, True).tolist() == pytest.approx([0.08, 0.54, 1, 0.54])
    assert window_of((1.0, 2.0), 2, True).tolist() == [1, 2]
    with pytest.raises(LayerError, match="a window of 2 numbers for frames of 3"):
        window_of((1.0, 2.0), 3, True)


def test_the_waves_are_those_of_the_fourier_transform() -> None:
    for length, size in ((8, 8), (5, 8), (7, 9)):
        frame = SOUND[0, :length]
        real, imag = waves(length, size)
        wanted = numpy.fft.rfft(frame, size)
        numpy.testing.assert_allclose(frame @ real + 1j * (frame @ imag), wanted, atol=1e-12)


def test_a_cosine_has_one_frequency() -> None:
    """By hand: cos(2 pi 2 n / 8) is the frequency 2 of 8, with the magnitude 8 / 2."""
    x = numpy.cos(2 * math.pi * 2 * numpy.arange(8) / 8)[None, :, None]
    plain: dict[str, Any] = {"frame_length": 8, "window": (1.0,) * 8, "scaling": None}
    assert spectrum(x, mode="real", **plain)[0, 0].tolist() == pytest.approx([0, 0, 4, 0, 0], abs=1e-12)
    assert spectrum(x, mode="psd", **plain)[0, 0].tolist() == pytest.approx([0, 0, 32, 0, 0], abs=1e-12)
    floor = math.sqrt(1e-7)
    assert spectrum(x, mode="magnitude", **plain)[0, 0].tolist() == pytest.approx([floor, floor, 4, floor, floor])
    assert spectrum(x, **plain)[0, 0, 2] == pytest.approx(math.log(4))


def test_the_power_of_a_frame_is_that_of_its_steps() -> None:
    """Parseval: the one-sided powers of a frame add up to N times its sum of squares."""
    x = SOUND[0, :8][None, :, None]
    power = spectrum(x, mode="psd", frame_length=8, window=(1.0,) * 8, scaling=None)
    assert numpy.sum(power) == pytest.approx(8 * numpy.sum(x**2))
    odd = spectrum(x[:, :7], mode="psd", frame_length=7, fft_length=7, window=(1.0,) * 7, scaling=None)
    assert numpy.sum(odd) == pytest.approx(7 * numpy.sum(x[:, :7] ** 2))


def test_scaled_windows() -> None:
    """By hand: 0 3/4 3/4 0 has the squares 9/8 and the sum 3/2."""
    density = STFTSpectrogram(frame_length=4, window="hann")
    assert density.scaled_window()[1] == pytest.approx(0.75 / math.sqrt(1.125))
    assert STFTSpectrogram(frame_length=4, scaling="spectrum").scaled_window()[1] == pytest.approx(0.5)
    assert STFTSpectrogram(frame_length=4, scaling=None).scaled_window()[1] == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("config", "shape"),
    [
        # of the documentation: 10 seconds of 16 kHz are 160000 steps
        ({"frame_step": 128, "fft_length": 512}, (3, 160000, 1, 1249, 257)),
        ({"frame_step": 128, "fft_length": 512, "padding": "same"}, (3, 160000, 2, 1250, 514)),
    ],
)
def test_the_shapes_of_the_documentation(config: dict[str, Any], shape: tuple[int, ...]) -> None:
    batch, steps, channels, frames, numbers = shape
    layer = STFTSpectrogram(frame_length=256, **config)
    assert layer.place((batch, steps, channels)).count == frames
    assert layer.weights((batch, steps, channels))["real_kernel"].shape == (256, 1, numbers // channels)


def test_where_channels_stand() -> None:
    x = SOUND.T[None]
    rows = spectrum(x, frame_length=8)
    images = spectrum(x, frame_length=8, expand_dims=True)
    assert (rows.shape, images.shape) == ((1, 9, 10), (1, 9, 5, 2))
    numpy.testing.assert_allclose(rows[..., 5:], images[..., 1])
    first = spectrum(SOUND[None], frame_length=8, data_format="channels_first")
    numpy.testing.assert_allclose(first, numpy.swapaxes(rows, 1, 2))
    framed = spectrum(SOUND[None], frame_length=8, data_format="channels_first", expand_dims=True)
    numpy.testing.assert_allclose(framed, numpy.transpose(images, (0, 3, 1, 2)))


def test_mels_of_a_thousand() -> None:
    """Stevens and Volkmann's 1000 Hz are 1000 mel, of which the formula gives 999.99."""
    assert mels(numpy.array([0.0, 1000.0])).tolist() == pytest.approx([0, 999.9855], abs=1e-4)


def test_a_tone_of_1000_hertz_in_one_band() -> None:
    """By hand: power (16 / 2)^2 = 64 at 1000 Hz, 999.9855 of 1420.0118 mel up the triangle from 0 to 8000 Hz."""
    x = numpy.cos(2 * math.pi * numpy.arange(33) / 16)
    layer = MelSpectrogram(fft_length=16, sequence_stride=8, window=None, num_mel_bins=1, min_freq=0.0)
    found = run(layer, x)
    assert found.shape == (1, 5)
    assert found[0].tolist() == pytest.approx([10 * math.log10(64 * 999.9855 / 1420.0118)] * 5, abs=1e-4)
    plain = MelSpectrogram(**{**vars(layer), "power_to_db": False, "mag_exp": 1.0})
    assert run(plain, x)[0, 2] == pytest.approx(8 * 999.9855 / 1420.0118, abs=1e-4)


def test_silence_and_what_is_far_below_the_loudest() -> None:
    layer = MelSpectrogram(fft_length=16, sequence_stride=8, num_mel_bins=3)
    assert run(layer, numpy.zeros((1, 32))).tolist() == [[[-100.0] * 5] * 3]
    both = numpy.stack([SOUND[0], 1e-9 * SOUND[0]])
    loud, quiet = run(layer, both)
    assert quiet.max() == -100
    assert loud.min() >= loud.max() - 80


def test_the_shapes_of_the_documentation_of_mels() -> None:
    layer = MelSpectrogram(num_mel_bins=64, sampling_rate=8000, sequence_stride=256, fft_length=2048)
    assert run(layer, numpy.random.default_rng(1).uniform(size=16000)).shape == (64, 63)


@pytest.mark.parametrize(
    ("kind", "config", "x"),
    [
        ("STFTSpectrogram", {"frame_length": 4, "frame_step": 5}, SOUND.T[None]),
        ("STFTSpectrogram", {"frame_length": 4, "fft_length": 3}, SOUND.T[None]),
        ("STFTSpectrogram", {"frame_length": 4, "window": [1.0]}, SOUND.T[None]),
        ("STFTSpectrogram", {"frame_length": 4}, SOUND),
        ("STFTSpectrogram", {"frame_length": 4}, numpy.ones((1, 8, 1), int)),
        ("STFTSpectrogram", {"frame_length": 4}, numpy.ones((1, 3, 1))),
        ("MelSpectrogram", {"fft_length": 8, "sequence_length": 9}, SOUND),
        ("MelSpectrogram", {"fft_length": 100}, SOUND),
        ("MelSpectrogram", {"fft_length": 8}, SOUND[None]),
    ],
)
def test_what_cannot_be(kind: str, config: dict[str, Any], x: Any) -> None:
    with pytest.raises(LayerError):
        called(make(kind, config), x)


def test_mistakes_are_seen() -> None:
    layer = MelSpectrogram(fft_length=16, sequence_stride=8, num_mel_bins=3)
    for name in ("zeros_around", "no_window", "symmetric_window", "straight_in_hertz", "area_of_one", "magnitudes"):
        assert is_seen(layer, name, SOUND), name


def spectrum(x: Any, **config: Any) -> Any:
    """What a layer with its own kernels gives."""
    return called(STFTSpectrogram(**config), x)


def called(layer: Any, x: Any) -> Any:
    """A layer on x, with the weights that it is built with."""
    return layer.call(Weights({name: weight.value for name, weight in layer.weights(x.shape).items()}), x)


def test_no_power_is_minus_infinity_in_decibels() -> None:
    """10 log10(S / 0): silence beside it is 0 / 0, a sound is infinitely loud."""
    layer = MelSpectrogram(fft_length=16, sequence_stride=4, num_mel_bins=3, ref_power=0.0, min_power=0.0)
    with numpy.errstate(divide="ignore", invalid="ignore"):
        loud, silent = run(layer, SOUND), run(layer, 0.0 * SOUND)
    assert numpy.isposinf(loud).any()
    assert numpy.isnan(silent).all()


@pytest.mark.parametrize(("exponent", "of_none"), [(0.5, 0.0), (1.0, 0.0), (0.0, 1.0), (-0.5, math.inf)])
def test_a_power_of_0_to_an_exponent(exponent: float, of_none: float) -> None:
    """0 ** 0 is 1 and 0 ** -1/2 infinity, by IEEE 754 as by the limit from above."""
    assert raised(numpy.array([0.0, 4.0]), exponent).tolist() == [of_none, 4.0**exponent]
