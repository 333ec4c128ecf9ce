"""The mapping of weights as values: what the lane does is what its code says, and what travels comes back."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from conformance.mapping import Mapped, keras, mapped_from

MAPPINGS: list[tuple[Mapped, tuple[int, ...], str]] = [
    (keras("kernel").transpose(2, 1, 0), (4, 3, 2), 'weights["kernel"].permute(2, 1, 0)'),
    (keras("kernel").transpose(1, 2, 0).reshape(-1, 1, 4), (4, 3, 2), ""),
    (keras("bias").row(1), (2, 6), 'weights["bias"][1]'),
    (keras("bias").zeros(), (6,), 'torch.zeros_like(weights["bias"])'),
    (
        keras("kernel").transpose(1, 0).blocks(1, 0, 2, axis=0),
        (2, 6),
        'torch.cat([weights["kernel"].permute(1, 0).chunk(3, dim=0)[gate] for gate in (1, 0, 2)], dim=0)',
    ),
    (keras("kernel").within("forward"), (2, 3), 'weights["forward.kernel"]'),
]


@pytest.mark.torch
@pytest.mark.parametrize(("mapped", "shape", "code"), MAPPINGS)
def test_the_line_that_is_printed_does_what_the_lane_does(mapped: Mapped, shape: tuple[int, ...], code: str) -> None:
    import torch

    from conformance.lanes.torch.port import applied

    weights = {mapped.source: torch.arange(float(np.prod(shape))).reshape(shape)}
    scope: dict[str, Any] = {"torch": torch, "weights": weights}
    exec(f"found = {mapped.code()}", scope)
    assert torch.equal(scope["found"], applied(mapped, weights))
    assert not code or mapped.code() == code


@pytest.mark.parametrize("mapped", [mapped for mapped, _, _ in MAPPINGS])
def test_what_travels_comes_back(mapped: Mapped) -> None:
    message = json.loads(json.dumps(mapped.to_wire()))
    assert mapped_from(message["source"], message["steps"]) == mapped


def test_an_unknown_step_is_refused() -> None:
    with pytest.raises(KeyError, match="rotate"):
        mapped_from("kernel", [["rotate", 1]])


def test_a_second_bias_is_known_to_be_zeros() -> None:
    assert keras("bias").zeros().is_zeros
    assert not keras("bias").row(1).is_zeros
