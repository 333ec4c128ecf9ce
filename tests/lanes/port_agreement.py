"""One question to the reference and to a port: the same weights, arguments and masks, the same answer or a refusal."""

from __future__ import annotations

import inspect
from typing import Any

import numpy
import torch

from conformance.lanes.torch.port import PORTS, Config, Parameters, Port, applied
from conformance.reference.base import LayerError, Weights, full_config, make
from tests.reference.helpers import shape_of, weights_of

TOLERANCE = 1e-5

torch.set_num_threads(1)  # as the lane does: threads that wait for each other cost more than arrays this small


def tensors(value: Any) -> Any:
    """Arrays as torch tensors, floats in float32; lists and all else as they are."""
    if isinstance(value, list | tuple):
        return [tensors(item) for item in value]
    if isinstance(value, numpy.ndarray):
        return torch.tensor(value.astype("float32") if value.dtype.kind == "f" else value.copy())
    return value


def assert_port_agrees(
    kind: str, config: dict[str, Any], *args: Any, mask: Any = None, port: Port | None = None, **kwargs: Any
) -> None:
    """Asserts equal outputs within TOLERANCE and equal output masks, or that both refuse.

    `mask` is that of the first argument: for the mask rule, and for `call` where it takes one.
    """
    layer = make(kind, config)
    port = PORTS[kind] if port is None else port
    if "mask" in inspect.signature(type(layer).call).parameters:
        kwargs["mask"] = mask
    arrays = weights_of(layer, *map(shape_of, args))
    full = Config(kind, full_config(layer))
    given = {name: tensors(numpy.asarray(value)) for name, value in arrays.items()}
    mapped = {name: applied(value, given) for name, value in port.weights(full).items() if value.source in given}
    try:
        right: Any = layer.call(Weights(arrays), *args, **kwargs)
    except LayerError:
        right = None
    try:
        said = port.call(full, Parameters(mapped, {}), *tensors(args), **{k: tensors(v) for k, v in kwargs.items()})
    except (RuntimeError, ValueError, IndexError):
        said = None
    about = str((kind, config, shape_of(args), sorted(kwargs)))
    assert (right is None) == (said is None), about
    if right is not None:
        assert_same(said, right, about)
        assert_same(port.mask(full, tensors(args[0]), tensors(mask)), layer.compute_mask(args[0], mask), about)


def assert_same(said: Any, right: Any, about: str) -> None:
    """Asserts equal lists, shapes and numbers; None is equal to None only."""
    if isinstance(right, list | tuple):
        assert len(said) == len(right), about
        for pair in zip(said, right, strict=True):
            assert_same(*pair, about)
        return
    assert (said is None) == (right is None), about
    if right is not None:
        assert tuple(said.shape) == numpy.shape(right), about
        numpy.testing.assert_allclose(said.detach().numpy(), right, rtol=TOLERANCE, atol=TOLERANCE, err_msg=about)
