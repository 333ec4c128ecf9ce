"""Images moved as a whole: from four corners to four others, and by a scale and a translation of each axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import autograd.numpy as np
import numpy

from conformance.reference.resizing import KERNELS

from .base import Array, ask, asked, floats, given
from .images import Format, affine_transform

IMAGES = floats(2, 6, 5, 3)
CORNERS = [[0.0, 0.0], [4.0, 0.0], [0.0, 5.0], [4.0, 5.0]]
MOVED = [[0.5, 0.25], [3.5, 0.5], [0.25, 4.5], [4.0, 4.75]]


@asked(
    ask("still", IMAGES, given([CORNERS] * 2), given([CORNERS] * 2)),
    ask("moved", IMAGES, given([CORNERS] * 2), given([MOVED] * 2)),
    ask("each", IMAGES, given([CORNERS, MOVED]), given([MOVED, CORNERS])),
    ask("one", floats(6, 5, 3), given(CORNERS), given(MOVED)),
    ask("nearest", IMAGES, given([CORNERS] * 2), given([MOVED] * 2), interpolation="nearest"),
    ask("filled", IMAGES, given([CORNERS] * 2), given([MOVED] * 2), fill_value=2.5),
    ask("channels_first", floats(2, 3, 6, 5), given([CORNERS] * 2), given([MOVED] * 2), data_format="channels_first"),
    takes_integers=False,
    takes_specials=False,
    takes_none=False,
    no_gradients="by the corners it jumps from pixel to pixel",
    place="image",
)
def perspective_transform(
    images: Array, start_points: Array, end_points: Array,
    interpolation: Literal["bilinear", "nearest"] = "bilinear", fill_value: float = 0, data_format: Format = None,
) -> Array:  # fmt: skip
    """The images with four points (x, y) moved to four others, lines staying lines.

    The pixel at an end point is that of the image at its start point; between them lies the homography of four pairs,
    x' = (a0 x + a1 y + a2) / (c0 x + c1 y + 1), y' likewise (Hartley and Zisserman 2003, section 4.1).
    """
    is_batch = np.ndim(images) == 4
    x = numpy.asarray(images) if is_batch else numpy.asarray(images)[None]
    x = numpy.moveaxis(x, 1, -1) if data_format == "channels_first" else x
    pairs = (numpy.reshape(numpy.asarray(points), (-1, 4, 2)) for points in (start_points, end_points))
    transforms = numpy.stack([_homography(end, start) for start, end in zip(*pairs, strict=True)])
    y = affine_transform(x, transforms, interpolation, "constant", fill_value)
    y = numpy.moveaxis(y, -1, 1) if data_format == "channels_first" else y
    return y if is_batch else y[0]


def _homography(source: Any, target: Any) -> Any:
    """The eight numbers that lead four points to four others: two lines of a linear system for each."""
    rows, right = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -x * u, -y * u], [0, 0, 0, x, y, 1, -x * v, -y * v]]
        right += [u, v]
    return numpy.linalg.solve(numpy.array(rows, dtype=float), numpy.array(right))


SAME: Mapping[str, Any] = {"output_shape": [2, 6, 5, 3], "spatial_dims": [1, 2], "method": "linear", "antialias": False}
LARGER: Mapping[str, Any] = {"output_shape": [2, 9, 8, 3], "spatial_dims": [1, 2], "antialias": False}


@asked(
    ask("still", IMAGES, given([1.0, 1.0]), given([0.0, 0.0]), **SAME),
    ask("moved", IMAGES, given([1.0, 1.0]), given([1.25, -0.5]), **SAME),
    ask("larger", IMAGES, given([1.5, 1.75]), given([0.25, -0.75]), **LARGER, method="linear"),
    ask("outside", IMAGES, given([1.5, 1.0]), given([-0.75, 0.75]), **LARGER, method="linear"),
    ask("smaller", IMAGES, given([0.5, 0.4]), given([0.25, 0.5]), **SAME),
    ask("antialias", IMAGES, given([0.5, 0.25]), given([0.375, 0.375]), **{**SAME, "antialias": True}),
    ask("cubic", IMAGES, given([1.5, 1.75]), given([0.25, -0.75]), **LARGER, method="cubic"),
    ask("lanczos3", IMAGES, given([1.5, 1.75]), given([0.25, -0.75]), **LARGER, method="lanczos3"),
    takes_integers=False,
    takes_specials=False,
    takes_none=False,
    no_gradients="by scale and translation it has kinks at each pixel",
    place="image",
)
def scale_and_translate(
    images: Array, scale: Array, translation: Array, output_shape: tuple[int, ...], spatial_dims: tuple[int, ...],
    method: Literal["linear", "cubic", "lanczos3"], antialias: bool = True,
) -> Array:  # fmt: skip
    """Each of some axes scaled and moved: pixel i lies at (i + 1/2 - translation) / scale - 1/2 of the image.

    Its weights are those of the kernel over their sum, as documented for jax.image.scale_and_translate; outside of the
    image there is nothing. With `antialias` a scale below 1 makes the kernel wider.
    """
    kernel = KERNELS["bilinear" if method == "linear" else "bicubic" if method == "cubic" else method]
    x = np.asarray(images)
    for place, axis in enumerate(spatial_dims):
        length, wanted = np.shape(x)[axis], output_shape[axis]
        at = (numpy.arange(wanted) + 0.5 - translation[place]) / scale[place] - 0.5
        width = max(1.0 / scale[place], 1.0) if antialias else 1.0
        weights = kernel(numpy.abs(at[:, None] - numpy.arange(length)) / width)
        total = numpy.sum(weights, axis=1, keepdims=True)
        weights = numpy.where(numpy.abs(total) > 1000.0 * numpy.finfo(numpy.float32).eps, weights / total, 0.0)
        weights = weights * ((at >= -0.5) & (at <= length - 0.5))[:, None]
        x = np.moveaxis(np.tensordot(weights, x, axes=([1], [axis])), 0, axis)
    return x
