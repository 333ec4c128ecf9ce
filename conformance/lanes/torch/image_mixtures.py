"""Image layers whose call takes more than images, in torch: what is drawn differs; boxes are a slice and a pad."""

from __future__ import annotations

from typing import Any

import torch.nn.functional as F  # noqa: N812  # the name under which the torch documentation imports it

from .augmentation import augmented, drawn
from .port import Config, Parameters, Tensor, port


@port("MixUp", integers="floats")
def mix_up(layer: Config, p: Parameters, x: Tensor, training: bool = True, labels: Any = None) -> Any:
    images = augmented(layer, x, training, drawn)
    return images if labels is None else [images, labels]


@port("CutMix", integers="floats")
def cut_mix(layer: Config, p: Parameters, x: Tensor, training: bool = True, labels: Any = None) -> Any:
    images = augmented(layer, x, training, drawn)
    return images if labels is None else [images, labels]


@port("MaxNumBoundingBoxes")
def max_num_bounding_boxes(
    layer: Config, p: Parameters, x: Tensor, boxes: Any = None, box_labels: Any = None, training: bool = True
) -> Any:
    if boxes is None and box_labels is None:
        return x
    if boxes is None or box_labels is None or layer.bounding_box_format is None:
        raise ValueError("boxes come with their labels and a bounding_box_format")
    axis, most = x.ndim - 3, layer.max_number
    found = [x]
    for given, behind in ((boxes, (0, 0)), (box_labels, ())):
        kept = given.narrow(axis, 0, min(most, given.shape[axis]))
        found.append(F.pad(kept, (*behind, 0, most - kept.shape[axis]), value=layer.fill_value))
    return found
