"""Lanes that do one thing wrong each, by name. They answer as the reference does, rounded to float32, but for that.

Used as an adapter: `LaneSpec("always_wrong", "tests.fakes", {"behaviour": "always_wrong"})`.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.lanes.numpy import Reference
from conformance.protocol.adapter import Identity
from conformance.protocol.names import WRITTEN
from conformance.protocol.plan import CONFIG, SAVED, Plan
from conformance.protocol.wire import pack, unpack

Message = dict[str, Any]


def always_right(item: Message) -> None:
    """Leaves the answer alone."""


def always_wrong(item: Message) -> None:
    item["data"] = pack(unpack(item["data"]) + np.float32(1.0))


def wrong_shape(item: Message) -> None:
    array = unpack(item["data"])[..., np.newaxis]
    item["data"], item["shape"] = pack(array), list(array.shape)


def transposed(item: Message) -> None:
    array = np.swapaxes(unpack(item["data"]), 0, -1)
    item["data"], item["shape"] = pack(array), list(array.shape)


def wrong_dtype(item: Message) -> None:
    item["dtype"] = "float16"


def no_mask(item: Message) -> None:
    item["mask"] = None


def inverted_mask(item: Message) -> None:
    if item["mask"] is not None:
        item["mask"] = pack(~unpack(item["mask"]))


def gives_nan(item: Message) -> None:
    array = np.array(unpack(item["data"]))
    array.flat[0] = np.nan
    item["data"] = pack(array)


def off_by_one_ulp(item: Message) -> None:
    array = unpack(item["data"])
    item["data"] = pack(np.nextafter(array, np.float32(np.inf)))


def off_by_a_thousandth(item: Message) -> None:
    item["data"] = pack(unpack(item["data"]) * np.float32(1.001))


CHANGES: dict[str, Callable[[Message], None]] = {
    change.__name__: change
    for change in (
        always_right,
        always_wrong,
        wrong_shape,
        transposed,
        wrong_dtype,
        no_mask,
        inverted_mask,
        gives_nan,
        off_by_one_ulp,
        off_by_a_thousandth,
    )
}


def raises() -> None:
    raise RuntimeError("this lane always raises")


def crashes() -> None:
    os.abort()


def killed() -> None:
    os.kill(os.getpid(), 9)


def hangs() -> None:
    time.sleep(3600)


def chatters() -> None:
    print("a word on stdout")
    print("\x1b[31mand red ones on stderr\x1b[0m " + "x" * 200_000, file=sys.stderr)


ACTIONS: dict[str, Callable[[], None]] = {act.__name__: act for act in (raises, crashes, killed, hangs, chatters)}


def raises_on_the_way_back(message: Message) -> None:
    message["gradients"] = {}
    message["gradient_failure"] = {
        "phase": "backward",
        "type": "RuntimeError",
        "message": "a state that the way back needs was overwritten",
        "node": "",
    }


def has_no_way_back(message: Message) -> None:
    message["gradients"], message["gradient_note"] = {}, "this lane has no gradients"


def keeps_gradients_back(message: Message) -> None:
    message["gradients"] = {}


WAYS_BACK: dict[str, Callable[[Message], None]] = {
    change.__name__: change for change in (raises_on_the_way_back, has_no_way_back, keeps_gradients_back)
}


REMADE: dict[str, tuple[str, ...]] = {
    "keeps_what_is_remade": (),
    "loses_its_config": (CONFIG,),
    "loses_saved_weights": (SAVED,),
    "loses_both": (CONFIG, SAVED),
}
"""Of lanes that make layers again: after which ways their answers are wrong."""


def writes(plan: Plan, message: Message) -> None:
    """Hands out a file that says what it was asked to write, and how."""
    if plan.saved is not None and plan.saved.is_wanted:
        text = f"{plan.id} as {plan.saved.form}, {plan.saved.kept:g} of it, after {len(plan.saved.file)} bytes"
        data = np.frombuffer(text.encode(), dtype=np.uint8)
        item = {"shape": list(data.shape), "dtype": "uint8", "data": pack(data), "mask": None}
        message["runs"][0][WRITTEN] = {"structure": None, "items": [item]}


def writes_at_length(plan: Plan, message: Message) -> None:
    """Hands out more than a file may be."""
    writes(plan, message)
    item = message["runs"][0][WRITTEN]["items"][0]
    item["data"], item["shape"] = pack(np.zeros(2**20 + 1, dtype=np.uint8)), [2**20 + 1]


WRITERS: dict[str, Callable[[Plan, Message], None]] = {one.__name__: one for one in (writes, writes_at_length)}


class Fake:
    """The reference, rounded to float32, with one named behaviour."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.behaviour = options["behaviour"]
        self.only = options.get("only")
        """The id of the one case that the behaviour befalls, or a list of ids; all when left out."""
        self.log = options.get("log")
        """A file that gets a line for every plan that is begun: which process, which case."""
        self.reference = Reference({})
        ways = (CONFIG, SAVED) if self.behaviour in REMADE else ()
        self.identity: Identity = replace(self.reference.identity, versions={"fake": "1.0"}, remakes=ways)

    def observe(self, plan: Plan) -> dict[str, Any]:
        if self.log:
            with open(self.log, "a", encoding="utf-8") as file:
                print(os.getpid(), plan.id, file=file)
        is_meant = self.only in (None, plan.id) or (isinstance(self.only, list) and plan.id in self.only)
        if is_meant and self.behaviour in ACTIONS:
            try:
                ACTIONS[self.behaviour]()
            except RuntimeError as error:
                failure = {"phase": "call", "type": "RuntimeError", "message": str(error), "node": ""}
                return {**self.reference.observe(plan), "failure": failure, "runs": []}
        message = self.reference.observe(plan)
        for key in ("sensitivity", "longest_sum"):
            message.pop(key, None)
        if is_meant and self.behaviour in WAYS_BACK:
            WAYS_BACK[self.behaviour](message)
        if is_meant and self.behaviour in WRITERS:
            WRITERS[self.behaviour](plan, message)
        is_lost = bool(set(plan.remade) & set(REMADE.get(self.behaviour, ())))
        for run in message["runs"]:
            for node in run.values():
                for item in node["items"]:
                    array = unpack(item["data"])
                    item["data"] = pack(array.astype(np.float32) if array.dtype.kind == "f" else array)
                    if is_meant and self.behaviour in CHANGES:
                        CHANGES[self.behaviour](item)
                    if is_lost:
                        always_wrong(item)
        return message


def start(options: Mapping[str, Any]) -> Fake:
    if options["behaviour"] == "cannot_start":
        raise ImportError("No module named 'imaginary'")
    if options["behaviour"] == "dies_at_import":
        os.abort()
    return Fake(options)
