"""A mask read wrongly, by hand for each way; and only where a layer takes a mask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from conformance.diagnose.masks import WAYS, misread_masks
from conformance.reference.attention import Attention
from conformance.reference.core import Dense
from conformance.reference.multi_head_attention import MultiHeadAttention
from conformance.reference.optimizers import SGD
from conformance.reference.rnn import GRU

MASK = np.array([[1, 1, 0, 0], [0, 1, 1, 1], [0, 0, 0, 1]], bool)
READ = {
    "inverted": [[0, 0, 1, 1], [1, 0, 0, 0], [1, 1, 1, 0]],
    "backwards": [[0, 0, 1, 1], [1, 1, 1, 0], [1, 0, 0, 0]],
    "late": [[1, 1, 1, 0], [1, 0, 1, 1], [1, 0, 0, 0]],
    "early": [[1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 1, 1]],
    "of_the_first_step": [[1, 1, 1, 1], [0, 0, 0, 0], [0, 0, 0, 0]],
    "of_the_first_sample": [[1, 1, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]],
    "without_the_last": [[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 0, 1]],
}


@pytest.mark.parametrize(("way", "change"), [(way, change) for way, _, change in WAYS])
def test_each_way_of_reading_a_mask(way: str, change: Any) -> None:
    assert change(MASK).astype(int).tolist() == READ[way]


def test_the_mask_that_goes_in_is_replaced_and_nothing_else() -> None:
    (mutant,) = (one for one in misread_masks(GRU) if one.name == "mask=backwards")
    assert mutant.mistake == "reads the mask backwards, against the sequence"
    assert mutant.inputs is not None
    args, kwargs = mutant.inputs(GRU(units=2), ["x"], {"mask": MASK, "training": True})
    assert (args, kwargs["training"], kwargs["mask"].tolist()) == (["x"], True, MASK[:, ::-1].tolist())
    assert mutant.inputs(GRU(units=2), ["x"], {"mask": None}) == (["x"], {"mask": None})


def test_several_masks_are_misread_one_by_one_and_lists_of_masks_together() -> None:
    names = {one.name for one in misread_masks(MultiHeadAttention)}
    assert {"query_mask=late", "value_mask=late", "attention_mask=late"} <= names
    (mutant,) = (one for one in misread_masks(MultiHeadAttention) if one.name == "value_mask=late")
    assert mutant.mistake == "reads the mask a step late (`value_mask`)"
    (of_list,) = (one for one in misread_masks(Attention) if one.name == "mask=inverted")
    assert of_list.inputs is not None
    _, kwargs = of_list.inputs(Attention(), [], {"mask": [None, MASK]})
    assert kwargs["mask"][0] is None
    assert (kwargs["mask"][1] == ~MASK).all()


def test_what_takes_no_mask_reads_none() -> None:
    assert misread_masks(Dense) == ()
    assert misread_masks(SGD) == ()
