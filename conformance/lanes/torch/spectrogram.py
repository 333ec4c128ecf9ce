"""STFTSpectrogram and MelSpectrogram in torch: a convolution with waves, and `torch.stft`."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .port import Config, Parameters, Tensor, WeightMap, keras, port

SMALLEST = 1e-7
WINDOWS = {"hann": torch.hann_window, "hamming": torch.hamming_window}


def _waves(layer: Config) -> WeightMap:
    """Keras keeps waves as (frame_length, 1, frequencies), F.conv1d takes (frequencies, 1, frame_length)."""
    parts = {"real": ("real",), "imag": ("imag",)}.get(layer.mode, ("real", "imag"))
    return {part: keras(f"{part}_kernel").transpose(2, 1, 0) for part in parts}


@port("STFTSpectrogram", weights=_waves)
def stft_spectrogram(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    if not x.is_floating_point():
        raise TypeError("takes floats")
    if layer.frame_step is not None and layer.frame_step > layer.frame_length:
        raise ValueError("frame_step is more than a frame")
    if layer.fft_length is not None and layer.fft_length < layer.frame_length:
        raise ValueError("fft_length does not hold a frame")
    signals = x.transpose(1, 2) if layer.data_format == "channels_last" else x
    batch, channels, steps = signals.shape
    step = layer.frame_step or layer.frame_length // 2
    flat = signals.reshape(batch * channels, 1, steps)
    if layer.padding == "same":
        needed = max((math.ceil(steps / step) - 1) * step + layer.frame_length - steps, 0)
        flat = F.pad(flat, (needed // 2, needed - needed // 2))
    parts = [F.conv1d(flat, p.tensors[part], stride=step) for part in ("real", "imag") if part in p.tensors]
    given = _given(layer, parts)
    y = given.reshape(batch, channels, given.shape[1], given.shape[2])  # (batch, channels, numbers, frames)
    if layer.expand_dims:
        return y.permute(0, 3, 2, 1) if layer.data_format == "channels_last" else y.transpose(2, 3)
    rows = y.flatten(1, 2)
    return rows.transpose(1, 2) if layer.data_format == "channels_last" else rows


def _given(layer: Config, parts: list[Tensor]) -> Tensor:
    if layer.mode in ("real", "imag", "stft"):
        return torch.cat(parts, dim=1)
    real, imag = parts
    if layer.mode == "angle":
        return torch.atan2(imag, real)
    power = real.square() + imag.square()
    if layer.mode == "psd":
        size = layer.fft_length or 2 ** math.ceil(math.log2(layer.frame_length))
        last = power.shape[1] - 1 if size % 2 == 0 else power.shape[1]
        return torch.cat([power[:, :1], 2.0 * power[:, 1:last], power[:, last:]], dim=1)
    magnitude = power.clamp(min=SMALLEST).sqrt()
    return magnitude if layer.mode == "magnitude" else magnitude.clamp(min=SMALLEST).log()


def _window(layer: Config, x: Tensor) -> Tensor:
    length = layer.sequence_length or layer.fft_length
    given: Any = layer.window
    if given is None:
        return torch.ones(length, dtype=x.dtype)
    if isinstance(given, str):
        return WINDOWS[given](length, dtype=x.dtype)
    if len(given) != length:
        raise ValueError("the window has another length")
    return torch.tensor(given, dtype=x.dtype)


def _mels(hertz: Tensor) -> Tensor:
    return 2595.0 * torch.log10(1.0 + hertz / 700.0)


@port("MelSpectrogram", integers="floats")
def mel_spectrogram(layer: Config, p: Parameters, x: Tensor) -> Tensor:
    if x.ndim == 2 and not len(x):  # torch.stft refuses a batch of none
        return _bands(layer, torch.cat([x, x.new_zeros(1, x.shape[-1])]))[:0]
    return _bands(layer, x)


def _bands(layer: Config, x: Tensor) -> Tensor:
    window = _window(layer, x)
    spectrum = torch.stft(
        x, layer.fft_length, layer.sequence_stride, len(window), window, center=True, return_complex=True
    )
    loud = spectrum.abs() ** layer.mag_exp if layer.mag_exp != 2 else spectrum.real.square() + spectrum.imag.square()
    top = float(layer.max_freq or int(layer.sampling_rate / 2))
    low, high = (_mels(torch.tensor(edge, dtype=torch.float64)).item() for edge in (layer.min_freq, top))
    edges = torch.linspace(low, high, layer.num_mel_bins + 2, dtype=torch.float64)
    half = layer.fft_length // 2
    places = _mels(torch.linspace(0.0, layer.sampling_rate / 2, half + 1, dtype=torch.float64))[:, None]
    rising = (places - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - places) / (edges[2:] - edges[1:-1])
    bands = torch.minimum(rising, falling).clamp(min=0.0)
    bands[0] = 0.0  # HTK leaves the frequency 0 out
    y = bands.T.to(loud.dtype) @ loud
    if not layer.power_to_db:
        return y
    reference = max(abs(layer.ref_power), layer.min_power)
    db = 10.0 * y.clamp(min=layer.min_power).log10() - 10.0 * torch.tensor(reference, dtype=y.dtype).log10()
    return torch.maximum(db, db.amax(dim=(-2, -1), keepdim=True) - layer.top_db)
