"""Shares of what rounding explains, whole and in windows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.comparison import judging
from conformance.comparison.judging import Share, share_of
from conformance.comparison.orders import Order
from conformance.comparison.values import Stored
from conformance.lanes.compare_far import LARGE, Store, digest_of

WANTED = np.random.default_rng(0).normal(size=(40, 5)).astype(np.float64)
PLAIN = Order((0, 1), (40, 5))


def share(got: Any, order: Order = PLAIN, **more: Any) -> Share:
    return share_of(got, WANTED, None, 4, "plain", 1.0, order, **more)


def test_rounding_agrees_and_an_error_does_not() -> None:
    assert share(WANTED.astype(np.float32)).agrees
    wrong = WANTED.copy()
    wrong[31, 2] += 1e-4
    found = share(wrong)
    assert not found.agrees
    assert (found.index, found.over, found.count) == ((31, 2), 1, 200)


def test_what_only_one_side_has_of_nan_is_no_rounding() -> None:
    wrong = WANTED.copy()
    wrong[3, 1] = np.nan
    assert share(wrong).used == float("inf")


def test_masked_steps_are_counted_and_not_judged() -> None:
    wrong = WANTED.copy()
    wrong[7] += 1.0
    valid = np.ones((40, 1), dtype=bool)
    valid[7] = False
    found = share(wrong, valid=valid)
    assert (found.agrees, found.masked) == (True, 5)


def test_windows_find_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = WANTED.copy()
    wrong[33, 4] += 1e-3
    whole = share(wrong)
    monkeypatch.setattr(judging, "WINDOW", 16)
    part = share(wrong)
    assert (part.index, part.over, part.count) == (whole.index, whole.over, whole.count)
    assert part.used == pytest.approx(whole.used, rel=0.5)


def test_a_scalar_is_kept_and_judged_as_one(tmp_path: Path) -> None:
    kept = Stored.of(Store(str(tmp_path)).keep(np.float32(2.5)))
    assert kept is not None
    assert (kept.shape, kept.load().shape, float(kept.load())) == ((), (), 2.5)
    found = share_of(np.float32(3.5), kept.load(), None, 1, "plain", 1.0, Order((), ()))
    assert (found.agrees, found.index, found.got, found.wanted) == (False, (), 3.5, 2.5)


def test_a_shape_that_does_not_fit_is_an_error_and_never_broadcast() -> None:
    with pytest.raises(ValueError, match="is wanted"):
        share(WANTED[:, :1])


@pytest.mark.parametrize(
    "changed",
    [
        lambda x: -x,
        np.abs,
        lambda x: np.where(np.arange(x.shape[1]) % 2, -x, x),
        lambda x: x[:, ::-1],
        lambda x: x + np.finfo(x.dtype).eps,
    ],
)
@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16])
def test_digests_of_large_arrays_differ_where_a_sign_or_a_place_does(dtype: Any, changed: Any) -> None:
    array = np.random.default_rng(1).normal(size=(8, 8192)).astype(dtype)
    array[:, :2] = -1.0, 1.0  # signs that change come in pairs
    assert array.nbytes >= LARGE
    assert digest_of(np.ascontiguousarray(changed(array))) != digest_of(array)
    assert digest_of(array.copy()) == digest_of(array)


@pytest.mark.parametrize("size", [None, np.full((40, 5), 1e-6)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_stretch_at_a_time_is_judged_as_by_the_allowance_of_the_whole(
    size: Any, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging, "STRETCH", 32)
    wanted = WANTED.astype(dtype)
    got = wanted.astype(np.float32)
    got[[3, 31], 2] += np.float32(1e-4)
    swept, whole = (share_of(got, wanted, size, 4, by, 2.0, PLAIN) for by in ("plain", "reference"))
    assert (swept.over, swept.index, swept.count) == (whole.over, whole.index, whole.count) == (2, swept.index, 200)
    assert swept.used == pytest.approx(whole.used, rel=1e-4)
    assert swept.allowed == pytest.approx(whole.allowed, rel=1e-4)
