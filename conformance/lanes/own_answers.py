"""Layers of the user's own without a reference, computed by the layer itself in float64, in a process over Keras.

The process is started when the first such layer is asked for, and ends with this one. To autograd a call is one
operation whose way back is asked for too, so that budgets and gradients come about as for any layer: by moving what
goes in and comes out by rounding. What is rounded inside of the layer is not seen, and the verdict says that no
reference spoke.
"""

from __future__ import annotations

import atexit
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

import numpy
from autograd.extend import defvjp_argnums, primitive
from autograd.tracer import getval

from conformance import imports
from conformance.lanes.compare_far import Request
from conformance.lanes.process import ProcessLane
from conformance.lanes.spec import LaneSpec
from conformance.lanes.worker import sendable
from conformance.protocol.observation import Observation
from conformance.protocol.wire import pack, unpack
from conformance.reference.base import LayerError
from conformance.reference.own import computed_by

TIME_LIMIT = 120.0
"""Seconds for one call of a layer."""


class _Answering(ProcessLane):
    """A process whose answers are read here."""

    def __init__(self, spec: LaneSpec) -> None:
        super().__init__(spec)
        self.answers: dict[str, Mapping[str, Any]] = {}
        self._number = 0

    def ask(self, body: Mapping[str, Any]) -> Mapping[str, Any]:
        """The answer. Raises LayerError for what the layer raised, LaneUnavailable where Keras is not there."""
        self._number += 1
        number = f"{self._number}"
        self.identity()
        self.send(cast("Any", Request(number, TIME_LIMIT, sendable(body))))
        observation = self.wait(number)
        if observation.ended != "finished":
            raise LayerError(f"in float64 it ended in a {observation.ended}: {observation.detail}")
        answer = self.answers.pop(number)
        if answer.get("failure") is not None:
            raise LayerError(f"in float64 it raised {answer['failure']}")
        return answer

    def _understood(self, case_id: str, message: dict[str, Any]) -> Observation:
        self.answers[case_id] = message
        return Observation(self.spec.name, self.spec.adapter)


@cache
def _process() -> _Answering:
    options = {"environment": {"TF_CPP_MIN_LOG_LEVEL": "2", "OMP_NUM_THREADS": "1"}, "imports": imports.as_options()}
    lane = _Answering(LaneSpec("keras in float64", "conformance.lanes.own_float64", options))
    atexit.register(lane.stop)
    return lane


def evaluate(
    path: str, arguments: Mapping[str, Any], weights: Mapping[str, Any], args: Sequence[Any], told: Mapping[str, Any]
) -> Any:
    """What a layer gives for these arrays, or with `compute_mask` the mask that it hands on."""
    mask = told.get("compute_mask", told.get("mask"))
    body = {
        "path": path,
        "arguments": dict(arguments),
        "names": list(weights),
        "mask": None if mask is None else pack(numpy.asarray(getval(mask), dtype=bool)),
        "training": told.get("training"),
    }
    if "compute_mask" in told:
        given = [pack(numpy.asarray(getval(one))) for one in args]
        found = _process().ask({**body, "wants": "mask", "weights": {}, "args": given})["mask"]
        return None if found is None else unpack(dict(found))
    return _called(body, *weights.values(), *args)


def _asked(body: Mapping[str, Any], wants: str, arrays: Sequence[Any], **more: Any) -> Mapping[str, Any]:
    names = body["names"]
    packed = [pack(numpy.asarray(array)) for array in arrays]
    rest = {key: value for key, value in body.items() if key != "names"}
    held = dict(zip(names, packed, strict=False))
    return _process().ask({**rest, "wants": wants, "weights": held, "args": packed[len(names) :], **more})


@primitive  # type: ignore[untyped-decorator]  # autograd ships no types
def _called(body: Mapping[str, Any], *arrays: Any) -> Any:
    return numpy.array(unpack(dict(_asked(body, "values", arrays)["value"])))


def _back(argnums: Sequence[int], answer: Any, args: Sequence[Any], kwargs: Any) -> Any:
    body, arrays = args[0], [getval(one) for one in args[1:]]

    def back(cotangent: Any) -> tuple[Any, ...]:
        found = _asked(body, "gradients", arrays, cotangent=pack(numpy.asarray(getval(cotangent))))["gradients"]
        return tuple(numpy.array(unpack(dict(found[place - 1]))) for place in argnums)

    return back


defvjp_argnums(_called, _back)


def register() -> None:
    """Has this process compute layers without a reference so."""
    computed_by(evaluate)
