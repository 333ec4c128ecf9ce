"""Images: sizes, crops, colours, patches, places between pixels, and how alike two are."""

from __future__ import annotations

import math
from typing import Any, Literal

import autograd.numpy as np
import numpy

from conformance.reference.resizing import KERNELS, resized
from conformance.reference.windows import channels_last, in_format, padded, per_axis, place_axes, windows

from .base import Array, ask, asked, between, floats, given, integers

Format = Literal["channels_last", "channels_first"] | None
IMAGES, IMAGE, COLOURS = floats(2, 6, 5, 3), floats(6, 5, 3), between(0.05, 0.95, 2, 4, 5, 3)
PURE = [[0, 0, 0], [0.5, 0.5, 0.5], [1, 1, 1], [1, 0, 0], [1, 1, 0], [0, 1, 0.5], [0, 0, 1], [0.5, 0, 0.25]]
"""Black, grey and white, which have no hue, and colours at the ends."""


def _format(data_format: Format) -> Any:
    return data_format or "channels_last"


def _channels_last(images: Array, data_format: Format) -> Array:
    """Images, one or a batch, with their channels on the last axis."""
    return np.moveaxis(images, -3, -1) if _format(data_format) == "channels_first" else images


def _in_format(images: Array, data_format: Format) -> Array:
    """Images whose channels are on the last axis in the layout that was asked for."""
    return np.moveaxis(images, -1, -3) if _format(data_format) == "channels_first" else images


@asked(
    ask("usual", COLOURS), ask("pure", given([PURE])), ask("one", between(0.05, 0.95, 4, 5, 3)),
    ask("channels_first", between(0.05, 0.95, 2, 3, 4, 5), data_format="channels_first"),
    no_gradients="the largest channel is a tie of choices",
    place="image",
    takes_integers=False,
    takes_specials=False,
)  # fmt: skip
def rgb_to_hsv(images: Array, data_format: Format = None) -> Array:
    """Hue, saturation and value of red, green and blue in [0, 1] (Smith 1978)."""
    axis = -1 if _format(data_format) == "channels_last" else -3
    r, g, b = numpy.moveaxis(images, axis, 0)
    value, low = numpy.maximum(numpy.maximum(r, g), b), numpy.minimum(numpy.minimum(r, g), b)
    spread = value - low
    safe = numpy.where(spread == 0, 1.0, spread)
    hue = numpy.where(value == r, (g - b) / safe, numpy.where(value == g, 2.0 + (b - r) / safe, 4.0 + (r - g) / safe))
    hue = numpy.where(spread == 0, 0.0, (hue / 6.0) % 1.0)
    saturation = numpy.where(value == 0, 0.0, spread / numpy.where(value == 0, 1.0, value))
    return numpy.stack([hue, saturation, value], axis=axis)


@asked(
    ask("usual", COLOURS), ask("one", between(0.05, 0.95, 4, 5, 3)),
    ask("channels_first", between(0.05, 0.95, 2, 3, 4, 5), data_format="channels_first"),
    no_gradients="the sixth of the circle is a choice",
    place="image",
    takes_integers=False,
    takes_specials=False,
)  # fmt: skip
def hsv_to_rgb(images: Array, data_format: Format = None) -> Array:
    """Red, green and blue of hue, saturation and value (Smith 1978).

    v - v s clip(min(k, 4 - k), 0, 1) with k = (n + 6 h) % 6 and n = 5, 3, 1.
    """
    axis = -1 if _format(data_format) == "channels_last" else -3
    h, s, v = numpy.moveaxis(images, axis, 0)

    def part(n: float) -> Any:
        k = (n + h * 6.0) % 6.0
        return v - v * s * numpy.clip(numpy.minimum(k, 4.0 - k), 0.0, 1.0)

    return numpy.stack([part(5.0), part(3.0), part(1.0)], axis=axis)


@asked(
    ask("usual", COLOURS),
    ask("one", between(0.05, 0.95, 4, 5, 3)),
    ask("channels_first", between(0.05, 0.95, 2, 3, 4, 5), data_format="channels_first"),
    place="image",
    takes_integers=False,
)
def rgb_to_grayscale(images: Array, data_format: Format = None) -> Array:
    """0.2989 r + 0.587 g + 0.114 b, one channel."""
    x = _channels_last(images, data_format)
    y = np.sum(x * numpy.array([0.2989, 0.587, 0.114]), axis=-1, keepdims=True)
    return _in_format(y, data_format)


@asked(
    ask("usual", IMAGES, top_cropping=1, left_cropping=2, bottom_cropping=1, right_cropping=0),
    ask("one", IMAGE, top_cropping=1, left_cropping=2, bottom_cropping=1, right_cropping=0),
    ask("right", IMAGES, top_cropping=0, left_cropping=1, bottom_cropping=2, right_cropping=1),
    ask("target", IMAGES, top_cropping=1, left_cropping=1, target_height=3, target_width=2),
    ask(
        "channels_first",
        floats(2, 3, 6, 5),
        top_cropping=1,
        left_cropping=2,
        bottom_cropping=1,
        right_cropping=0,
        data_format="channels_first",
    ),
    arithmetic="moves",
    place="image",
)
def crop_images(
    images: Array, top_cropping: int | None = None, left_cropping: int | None = None,
    bottom_cropping: int | None = None, right_cropping: int | None = None, target_height: int | None = None,
    target_width: int | None = None, data_format: Format = None,
) -> Array:  # fmt: skip
    """Images without so many pixels on each side; a target says what is left."""
    x = _channels_last(images, data_format)
    rows, columns = np.shape(x)[-3:-1]
    top, height = _kept(rows, top_cropping, bottom_cropping, target_height)
    left, width = _kept(columns, left_cropping, right_cropping, target_width)
    y = x[..., top : top + height, left : left + width, :]
    return _in_format(y, data_format)


def _kept(length: int, before: int | None, after: int | None, target: int | None) -> tuple[int, int]:
    """First pixel and number of pixels, of which two of three are given."""
    if target is None:
        target = length - (before or 0) - (after or 0)
    if before is None:
        before = length - target - (after or 0)
    return before, target


@asked(
    ask("usual", IMAGES, top_padding=1, left_padding=2, bottom_padding=1, right_padding=0),
    ask("one", IMAGE, top_padding=1, left_padding=2, bottom_padding=1, right_padding=0),
    ask("right", IMAGES, top_padding=0, left_padding=1, bottom_padding=2, right_padding=1),
    ask("target", IMAGES, top_padding=1, left_padding=1, target_height=9, target_width=8),
    ask(
        "channels_first",
        floats(2, 3, 6, 5),
        top_padding=1,
        left_padding=2,
        bottom_padding=1,
        right_padding=0,
        data_format="channels_first",
    ),
    arithmetic="moves",
    place="image",
)
def pad_images(
    images: Array, top_padding: int | None = None, left_padding: int | None = None,
    bottom_padding: int | None = None, right_padding: int | None = None, target_height: int | None = None,
    target_width: int | None = None, data_format: Format = None,
) -> Array:  # fmt: skip
    """Images with so many zeros on each side; a target says how large they become."""
    x = _channels_last(images, data_format)
    rows, columns = np.shape(x)[-3:-1]
    top, bottom = _around(rows, top_padding, bottom_padding, target_height)
    left, right = _around(columns, left_padding, right_padding, target_width)
    widths = [(0, 0)] * (np.ndim(x) - 3) + [(top, bottom), (left, right), (0, 0)]
    y = np.pad(x, widths, "constant")
    return _in_format(y, data_format)


def _around(length: int, before: int | None, after: int | None, target: int | None) -> tuple[int, int]:
    if target is not None:
        before = target - length - (after or 0) if before is None else before
        after = target - length - before
    return before or 0, after or 0


@asked(
    ask("usual", IMAGES, size=[4, 7]),
    ask("one", IMAGE, size=[4, 7]),
    ask("nearest", IMAGES, size=[4, 7], interpolation="nearest"),
    ask("bicubic", IMAGES, size=[4, 7], interpolation="bicubic"),
    ask("lanczos3", IMAGES, size=[9, 9], interpolation="lanczos3"),
    ask("lanczos5", IMAGES, size=[9, 9], interpolation="lanczos5"),
    ask("antialias", IMAGES, size=[3, 3], antialias=True),
    ask("bytes", integers(0, 256, 2, 6, 5, 3, dtype="uint8"), size=[4, 7]),
    ask("channels_first", floats(2, 3, 6, 5), size=[4, 7], data_format="channels_first"),
    place="image",
    takes_specials=False,
    takes_integers=False,
)
def resize(
    images: Array, size: tuple[int, int], interpolation: str = "bilinear", antialias: bool = False,
    data_format: Format = None,
) -> Array:  # fmt: skip
    """Images with other rows and columns, each pixel a weighted sum of those around its place."""
    x = _channels_last(images, data_format)
    batch = x if np.ndim(x) == 4 else x[None]
    if interpolation == "nearest":
        rows, columns = (
            numpy.minimum(numpy.floor((numpy.arange(wanted) + 0.5) * length / wanted).astype(int), length - 1)
            for length, wanted in zip(np.shape(batch)[1:3], size, strict=True)
        )
        y = batch[:, rows][:, :, columns]
    else:
        y = resized(batch * 1.0, size, KERNELS[interpolation], is_antialiased=antialias)
        if x.dtype == numpy.uint8:
            y = numpy.clip(numpy.round(y), 0, 255).astype(numpy.uint8)
    y = y if np.ndim(x) == 4 else y[0]
    return _in_format(y, data_format)


@asked(
    ask("usual", IMAGES, size=3),
    ask("strides", IMAGES, size=[3, 2], strides=2),
    ask("same", IMAGES, size=3, padding="same"),
    ask("overlapping", IMAGES, size=3, strides=1),
    ask("one", IMAGE, size=2),
    ask("dilation", IMAGES, size=2, strides=1, dilation_rate=2),
    arithmetic="moves",
    place="image",
)
def extract_patches(
    images: Array, size: int | tuple[int, int], strides: Any = None, dilation_rate: int = 1,
    padding: Literal["valid", "same"] = "valid", data_format: Format = None,
) -> Array:  # fmt: skip
    """Windows of an image, each with all its numbers in a row, row by row."""
    return _patches(images, size, strides, dilation_rate, padding, 2)


@asked(
    ask("usual", floats(2, 4, 5, 4, 2), size=2), ask("strides", floats(2, 4, 5, 4, 2), size=2, strides=1),
    ask("same", floats(2, 4, 5, 4, 2), size=3, padding="same"),
    ask("dilation", floats(2, 4, 5, 4, 2), size=2, strides=1, dilation_rate=2), arithmetic="moves",
    place="image",
)  # fmt: skip
def extract_patches_3d(
    volumes: Array, size: int | tuple[int, int, int], strides: Any = None, dilation_rate: int = 1,
    padding: Literal["valid", "same"] = "valid", data_format: Format = None,
) -> Array:  # fmt: skip
    """Windows of a volume, each with all its numbers in a row."""
    return _patches(volumes, size, strides, dilation_rate, padding, 3)


def _patches(images: Array, size: Any, strides: Any, dilation: int, padding: str, rank: int) -> Array:
    x = images if np.ndim(images) == rank + 2 else images[None]
    sizes = per_axis(size, rank)
    steps = sizes if strides is None else per_axis(strides, rank)
    placements = place_axes(np.shape(x), "channels_last", sizes, steps, (dilation,) * rank, padding)
    found = windows(padded(x, placements), placements)
    y = np.reshape(found, (*np.shape(found)[: rank + 1], -1))
    return y if np.ndim(images) == rank + 2 else y[0]


@asked(
    ask("usual", floats(2, 3, 6, 5), kernel_size=2), ask("stride", floats(2, 3, 6, 5), kernel_size=[3, 2], stride=2),
    ask("padding", floats(2, 3, 6, 5), kernel_size=3, padding=1),
    ask("dilation", floats(2, 3, 6, 5), kernel_size=2, dilation=2),
    arithmetic="moves",
)  # fmt: skip
def unfold(x: Array, kernel_size: Any, dilation: int = 1, padding: int = 0, stride: int = 1) -> Array:
    """(batch, channels, rows, columns) to (batch, channels * window, places); see torch.nn.Unfold."""
    around = np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)], "constant")
    y = np.moveaxis(around, 1, -1)
    sizes = per_axis(kernel_size, 2)
    placements = place_axes(np.shape(y), "channels_last", sizes, (stride, stride), (dilation, dilation), "valid")
    found = np.transpose(windows(y, placements), (0, 5, 3, 4, 1, 2))
    shape = np.shape(found)
    return np.reshape(found, (shape[0], shape[1] * shape[2] * shape[3], shape[4] * shape[5]))


@asked(
    ask("usual", floats(2, 12, 20), output_size=[6, 5], kernel_size=2),
    ask("stride", floats(2, 12, 6), output_size=[6, 4], kernel_size=2, stride=2),
    ask("padding", floats(2, 9, 30), output_size=[6, 5], kernel_size=3, padding=1),
    ask("dilation", floats(2, 12, 12), output_size=[6, 5], kernel_size=2, dilation=2),
    takes_specials=False,
    takes_integers=False,
)
def fold(x: Array, output_size: Any, kernel_size: Any, dilation: int = 1, padding: int = 0, stride: int = 1) -> Array:
    """The transpose of unfold: overlapping windows are summed."""
    sizes, lengths = per_axis(kernel_size, 2), per_axis(output_size, 2)
    batch, rows = np.shape(x)[:2]
    channels = rows // math.prod(sizes)
    places = numpy.arange(channels * math.prod(lengths)).reshape(1, channels, *lengths) + 1
    where = unfold(places.astype(float), kernel_size, dilation, padding, stride)[0]
    hot = (where[..., None] == numpy.arange(1, places.size + 1)).astype(float)
    return np.reshape(np.tensordot(x, hot, axes=([1, 2], [0, 1])), (batch, channels, *lengths))


BLOCKS = (
    ask("usual", floats(2, 4, 6, 4), block_size=2),
    ask("channels_first", floats(2, 4, 4, 6), block_size=2, data_format="channels_first"),
)


@asked(*BLOCKS, ask("other", floats(1, 2, 2, 9), block_size=3), arithmetic="moves")
def depth_to_space(x: Array, block_size: int, data_format: Format = "channels_last") -> Array:
    """Blocks of channels to squares of pixels; the first block_size^2 parts of channels are a square's pixels."""
    y = channels_last(x, _format(data_format))
    batch, rows, columns, channels = np.shape(y)
    b = block_size
    y = np.reshape(y, (batch, rows, columns, b, b, channels // (b * b)))
    y = np.reshape(np.transpose(y, (0, 1, 3, 2, 4, 5)), (batch, rows * b, columns * b, channels // (b * b)))
    return in_format(y, _format(data_format))


@asked(*BLOCKS, arithmetic="moves")
def space_to_depth(x: Array, block_size: int, data_format: Format = "channels_last") -> Array:
    """The inverse of depth_to_space."""
    y = channels_last(x, _format(data_format))
    batch, rows, columns, channels = np.shape(y)
    b = block_size
    y = np.transpose(np.reshape(y, (batch, rows // b, b, columns // b, b, channels)), (0, 1, 3, 2, 4, 5))
    return in_format(np.reshape(y, (batch, rows // b, columns // b, b * b * channels)), _format(data_format))


# places between pixels


@asked(
    ask("linear", floats(4, 5), given([[0.5, 1.25, 3.0], [0.25, 2.0, 3.5]]), order=1),
    ask("nearest", floats(4, 5), given([[0.4, 1.25, 3.0], [0.25, 2.0, 3.6]]), order=0),
    ask("outside", floats(4, 5), given([[-1.0, 1.25, 9.0], [0.25, -2.0, 3.5]]), order=1),
    ask("fill", floats(4, 5), given([[-1.0, 1.25, 9.0], [0.25, -2.0, 3.5]]), order=1, fill_value=2.5),
    *(ask(f"mode_{mode}", floats(4, 5), given([[-1.0, 1.25, 5.5], [0.25, -2.0, 3.5]]), order=1, fill_mode=mode)
      for mode in ("nearest", "wrap", "mirror", "reflect")),
    *(ask(f"just_outside_{mode}", floats(4, 5), given([[4.0, 4.25, 2.0], [1.0, 2.5, 5.25]]), order=1, fill_mode=mode)
      for mode in ("mirror", "reflect")),
    no_gradients="by the places it jumps from pixel to pixel",
    place="image",
    takes_integers=False,
)  # fmt: skip
def map_coordinates(
    inputs: Array, coordinates: Array, order: int = 1, fill_mode: str = "constant", fill_value: float = 0
) -> Array:
    """The numbers at these places (axes, ...), between neighbours in a line (order 1) or the nearest (0)."""
    x, places = numpy.asarray(inputs), numpy.asarray(coordinates)
    first = numpy.floor(places if order else places + 0.5).astype(int)
    found = numpy.zeros(np.shape(places)[1:])
    for corner in numpy.ndindex(*(2 if order else 1,) * np.ndim(x)):
        weight = numpy.ones(np.shape(places)[1:])
        index, is_there = [], numpy.ones(np.shape(places)[1:], dtype=bool)
        for axis, step in enumerate(corner):
            at, length = first[axis] + step, np.shape(x)[axis]
            if order:
                share = places[axis] - first[axis]
                weight = weight * (share if step else 1.0 - share)
            is_there &= (at >= 0) & (at < length)
            index.append(_inside(at, length, fill_mode))
        seen = x[tuple(index)]
        found = found + weight * (numpy.where(is_there, seen, fill_value) if fill_mode == "constant" else seen)
    return found


def _inside(at: Any, length: int, mode: str) -> Any:
    match mode:
        case "wrap":
            return at % length
        case "reflect":
            around = at % (2 * length)
            return numpy.where(around < length, around, 2 * length - 1 - around)
        case "mirror":
            around = at % (2 * length - 2)
            return numpy.where(around < length, around, 2 * length - 2 - around)
    return numpy.clip(at, 0, length - 1)


@asked(
    ask("still", IMAGES, given([[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0]] * 2)),
    ask(
        "moved", IMAGES, given([[1.0, 0.0, 1.25, 0.0, 1.0, -0.5, 0.0, 0.0], [0.9, 0.1, 0.3, -0.2, 1.1, 0.4, 0.0, 0.0]])
    ),
    ask(
        "nearest",
        IMAGES,
        given([[1.0, 0.0, 1.2, 0.0, 1.0, -0.7, 0.0, 0.0], [1.0, 0.0, 0.7, 0.0, 1.0, -0.3, 0.0, 0.0]]),
        interpolation="nearest",
    ),
    *(
        ask(f"mode_{mode}", IMAGES, given([[1.0, 0.0, 2.25, 0.0, 1.0, -1.5, 0.0, 0.0]] * 2), fill_mode=mode)
        for mode in ("nearest", "wrap", "reflect")
    ),
    ask("one", IMAGE, given([1.0, 0.0, 1.25, 0.0, 1.0, -0.5, 0.0, 0.0])),
    ask("filled", IMAGES, given([[1.0, 0.0, 1.25, 0.0, 1.0, -0.5, 0.0, 0.0]] * 2), fill_value=2.5),
    ask("projective", IMAGES, given([[1.0, 0.1, 0.25, 0.0, 1.0, 0.5, 0.01, 0.02]] * 2)),
    no_gradients="by the transform it jumps from pixel to pixel",
    place="image",
    takes_integers=False,
)
def affine_transform(
    images: Array, transform: Array, interpolation: Literal["bilinear", "nearest"] = "bilinear",
    fill_mode: str = "constant", fill_value: float = 0, data_format: Format = None,
) -> Array:  # fmt: skip
    """Pixel (x, y) is the image's at ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k), k = c0 x + c1 y + 1."""
    batch = numpy.asarray(images) if np.ndim(images) == 4 else numpy.asarray(images)[None]
    transforms = numpy.reshape(numpy.asarray(transform), (len(batch), 8))
    rows, columns = numpy.indices(batch.shape[1:3]).astype(float)
    found = []
    for image, t in zip(batch, transforms, strict=True):
        k = t[6] * columns + t[7] * rows + 1.0
        x, y = (t[0] * columns + t[1] * rows + t[2]) / k, (t[3] * columns + t[4] * rows + t[5]) / k
        order = 1 if interpolation == "bilinear" else 0
        parts = [
            map_coordinates(image[..., channel], numpy.stack([y, x]), order, fill_mode, fill_value)
            for channel in range(image.shape[-1])
        ]
        found.append(numpy.stack(parts, axis=-1))
    return numpy.stack(found) if np.ndim(images) == 4 else found[0]


@asked(
    ask("usual", IMAGES), ask("one", IMAGE), ask("wide", IMAGES, kernel_size=[5, 3], sigma=[1.5, 0.75]),
    ask("channels_first", floats(2, 3, 6, 5), data_format="channels_first"),
    place="image",
    takes_integers=False,
)  # fmt: skip
def gaussian_blur(
    images: Array,
    kernel_size: tuple[int, int] = (3, 3),
    sigma: tuple[float, float] = (1.0, 1.0),
    data_format: Format = None,
) -> Array:
    """Each channel weighed by exp(-d^2 / (2 sigma^2)) over a window, the weights over their sum, zeros around."""
    x = _channels_last(images, data_format)
    for axis, (size, deviation) in enumerate(zip(kernel_size, sigma, strict=True)):
        x = _filtered(x, _bell(size, deviation), np.ndim(x) - 3 + axis)
    return _in_format(x, data_format)


def _bell(size: int, deviation: float) -> Any:
    line = numpy.exp(-((numpy.arange(size) - (size - 1) / 2.0) ** 2) / (2.0 * deviation**2))
    return line / line.sum()


def _filtered(x: Array, line: Any, axis: int, is_padded: bool = True) -> Array:
    half = len(line) // 2
    widths = [(half, half) if place == axis and is_padded else (0, 0) for place in range(np.ndim(x))]
    around = np.pad(x, widths, "constant")
    length = np.shape(around)[axis] - len(line) + 1
    index = (slice(None),) * axis
    return sum(weight * around[(*index, slice(step, step + length))] for step, weight in enumerate(line))


@asked(
    ask("usual", IMAGES),
    ask("channels_first", floats(2, 3, 6, 5), data_format="channels_first"),
    no_gradients="autograd has none of edges that are mirrored",
    place="image",
    takes_integers=False,
)
def sobel_edges(images: Array, data_format: Format = None) -> Array:
    """Changes down and across (Sobel 1968), the image mirrored at its edge; a pair at the end."""
    x = _channels_last(numpy.asarray(images), data_format)
    widths = [(0, 0)] * (np.ndim(x) - 3) + [(1, 1), (1, 1), (0, 0)]
    around = numpy.pad(x, widths, "reflect")
    smooth, change = [1.0, 2.0, 1.0], [-1.0, 0.0, 1.0]
    first = np.ndim(x) - 3
    down = _filtered(_filtered(around, change, first, False), smooth, first + 1, False)
    across = _filtered(_filtered(around, smooth, first, False), change, first + 1, False)
    y = numpy.stack([down, across], axis=-1)
    return numpy.moveaxis(y, -2, -4) if _format(data_format) == "channels_first" else y


@asked(
    ask("usual", COLOURS, COLOURS, max_val=1.0),
    ask("range", floats(3, 4), floats(3, 4), max_val=255.0),
    ask("rank_1", floats(5), floats(5), max_val=2.0),
)
def psnr(x1: Array, x2: Array, max_val: float) -> Array:
    """20 log10(max_val) - 10 log10(mean (x1 - x2)^2), one number."""
    return 20.0 * math.log10(max_val) - 10.0 * np.log10(np.mean((x1 - x2) ** 2))


@asked(
    ask("usual", between(0.05, 0.95, 2, 13, 12, 1), between(0.05, 0.95, 2, 13, 12, 1)),
    ask("colours", between(0.05, 0.95, 1, 12, 12, 3), between(0.05, 0.95, 1, 12, 12, 3)),
    ask("small", between(0.05, 0.95, 2, 6, 6, 1), between(0.05, 0.95, 2, 6, 6, 1), filter_size=5, filter_sigma=1.0),
    ask(
        "constants",
        between(0.005, 0.05, 1, 12, 12, 1),
        between(0.005, 0.05, 1, 12, 12, 1),
        max_val=2.0,
        k1=0.05,
        k2=0.1,
    ),
    ask("range", between(5.0, 250.0, 1, 12, 12, 1), between(5.0, 250.0, 1, 12, 12, 1), max_val=255.0),
    place="image",
    takes_integers=False,
)
def ssim(
    image1: Array, image2: Array, max_val: float = 1.0, filter_size: int = 11, filter_sigma: float = 1.5,
    k1: float = 0.01, k2: float = 0.03, data_format: Format = None,
) -> Array:  # fmt: skip
    """Structural similarity, the mean over all whole windows and channels (Wang et al. 2004, equation 13)."""
    line = _bell(filter_size, filter_sigma)
    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2

    def mean(x: Array) -> Array:
        return _filtered(_filtered(x, line, 1, False), line, 2, False)

    a, b = mean(image1), mean(image2)
    both, squares = mean(image1 * image2) - a * b, mean(image1**2) - a**2 + mean(image2**2) - b**2
    found = (2.0 * a * b + c1) * (2.0 * both + c2) / ((a**2 + b**2 + c1) * (squares + c2))
    return np.mean(found, axis=(1, 2, 3))
