"""A weight used otherwise, by hand for each way, wherever a layer has one of that name."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.diagnose.weights import WAYS, misused_weights
from conformance.reference.core import Dense
from tests.builders import layer_with, plan_with

WEIGHT = np.array([[3.0, -4.0], [0.0, 2.0]])
USED = {
    "twice": [[6.0, -8.0], [0.0, 4.0]],
    "half": [[1.5, -2.0], [0.0, 1.0]],
    "absent": [[0.0, 0.0], [0.0, 0.0]],
    "negative": [[-3.0, 4.0], [0.0, -2.0]],
    "absolute": [[3.0, 4.0], [0.0, 2.0]],
    "unit_rows": [[0.6, -0.8], [0.0, 1.0]],
}
PLAN = plan_with(layers={"a": layer_with("kernel", "bias"), "b": layer_with("forward.kernel")})


@pytest.mark.parametrize(("way", "words", "change"), WAYS, ids=[way for way, _, _ in WAYS])
def test_each_way_of_using_a_weight(way: str, words: str, change: object) -> None:
    assert callable(change)
    np.testing.assert_allclose(change(WEIGHT), USED[way])
    assert "{}" in words


def test_every_weight_of_that_name_is_changed_and_no_other() -> None:
    names = [mutant.name for mutant in misused_weights(PLAN)]
    assert len(names) == len(set(names)) == 2 * len(WAYS)
    (mutant,) = (one for one in misused_weights(PLAN) if one.name == "kernel=twice")
    assert mutant.mistake == "takes the kernel twice"
    assert mutant.weights is not None
    changed = mutant.weights(Dense(units=2), {"kernel": WEIGHT, "forward.kernel": WEIGHT, "bias": WEIGHT})
    assert set(changed) == {"kernel", "forward.kernel"}
    np.testing.assert_allclose(changed["forward.kernel"], 2.0 * WEIGHT)
