"""The image pipeline in torch: TensorDataset, Subset and DataLoader, flips in the collate function."""

from __future__ import annotations

from typing import Any

import torch
from torch.utils.data import DataLoader, Subset, TensorDataset, default_collate

from .port import Config, Parameters, port

Tensor = torch.Tensor


@port("ImageBatches")
def image_batches(
    layer: Config, p: Parameters, x: Tensor, y: Tensor, sample_weight: Tensor | None = None
) -> list[Tensor]:
    """One batch; images here are (samples, height, width, channels), as Keras has them."""
    dataset = TensorDataset(*(column.detach() for column in (x, y, sample_weight) if column is not None))
    first = int(len(dataset) * layer.validation_split)
    parts = {None: range(len(dataset)), "validation": range(first), "training": range(first, len(dataset))}
    if layer.subset is not None and not layer.ignore_class_split and set(y[:first].tolist()) != set(y[first:].tolist()):
        raise ValueError("the subsets do not hold the same labels")
    random = torch.Generator().manual_seed(layer.seed or 0)

    def augmented(samples: list[Any]) -> list[Tensor]:
        images, *others = default_collate(samples)
        for axis, is_random in ((2, layer.horizontal_flip), (1, layer.vertical_flip)):
            flips = torch.rand(len(images), generator=random) < 0.5 * is_random
            images = torch.where(flips[:, None, None, None], images.flip(axis), images)
        return [images if layer.rescale is None else images * layer.rescale, *others]

    loader = DataLoader(
        Subset(dataset, list(parts[layer.subset])),
        batch_size=layer.batch_size,
        shuffle=layer.shuffle,
        generator=random,
        collate_fn=augmented,
    )
    return next(iter(loader))
