"""What a comparison costs beside running both sides once, as a ratio; each in a fresh process, after its imports.

    python -m benchmarks.compare_cost
    python -m benchmarks.compare_cost mobilenet bert

Once means the first answer of the model and the first of the port, one after the other, as a script would ask them.
Comparing means everything from two live models to the answer. Seconds are those of the processor, the least of three
processes, so that what else the machine does falls out of the ratio. A ratio over its limit is exit code 1.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

MODELS = Path(__file__).parent.parent / "tests" / "comparison" / "models"
TIMES = 3
"""Processes that each thing is measured in."""
LIMITS = {"alone": 3.0, "rounding": 20.0}
"""How often as long as running both sides once: without measuring rounding, and with it."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A model and a port of tests/comparison/models, the shape of each input, and the port's arguments."""

    model: str
    port: str
    shapes: dict[str, tuple[int, ...]]
    arguments: str
    words: dict[str, int] = field(default_factory=dict)
    """Of inputs that are whole numbers: how many words there are; all others are ones."""


SUBJECTS = {
    "classifier": Subject("classifier:build", "classifier_port:right", {"ids": (8, 9)}, "ids=ids", {"ids": 30}),
    "bert": Subject(
        "bert:build",
        "bert_port:right",
        {"token_ids": (3, 8), "segment_ids": (3, 8), "padding_mask": (3, 8)},
        "input_ids=token_ids,token_type_ids=segment_ids,attention_mask=padding_mask",
        {"token_ids": 50},
    ),
    "mobilenet": Subject(
        "mobilenet:build", "mobilenet_port:right", {"image": (2, 32, 32, 3)}, "pixel_values=image:0,3,1,2"
    ),
    "mobilenet at its usual size": Subject(
        "mobilenet:usual", "mobilenet_port:usual", {"image": (2, 224, 224, 3)}, "pixel_values=image:0,3,1,2"
    ),
}


def seconds_of(subject: Subject, what: str) -> float:
    """How long one thing takes here: `once`, `alone` or `rounding`. Imports are over when it begins."""
    import importlib

    import numpy as np
    import torch

    import conformance

    for name in ("comparison.live", "lanes.compare_keras", "lanes.compare_torch", "diagnose.words"):
        importlib.import_module(f"conformance.{name}")
    sys.path.insert(0, str(MODELS))
    torch.set_num_threads(1)
    (model, port), names = (_made(importlib, one) for one in (subject.model, subject.port)), list(subject.shapes)
    random = np.random.default_rng(0)
    batch: dict[str, Any] = {
        name: random.integers(1, subject.words.get(name, 2), shape).astype(np.int32)
        if subject.words
        else random.normal(size=shape)
        for name, shape in subject.shapes.items()
    }
    arguments = subject.arguments
    if not subject.words:  # keras.applications numbers its inputs
        batch = {str(model.inputs[0].name): batch[names[0]].astype(np.float32)}
        arguments = arguments.replace(f"={names[0]}", f"={next(iter(batch))}")
    given = dict(re.findall(r"(\w+)=([^:,]+)", arguments))
    started = time.process_time()
    if what == "once":
        model(batch if len(batch) > 1 else next(iter(batch.values())))
        axes = (0, 3, 1, 2) if not subject.words else (0, 1)
        with torch.no_grad():
            port(**{a: torch.from_numpy(batch[b].transpose(axes).copy()) for a, b in given.items()})
    else:
        found = conformance.compare(model, port, batch, port_inputs=arguments, rounding=what == "rounding")
        assert found.agrees, str(found)
    return time.process_time() - started


def _made(importlib: Any, path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)()


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line for each subject; exit code 1 where one is over its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="*", help=f"which: {', '.join(SUBJECTS)}; all when left out")
    parser.add_argument("--only", choices=("once", *LIMITS), help=argparse.SUPPRESS)
    parsed = parser.parse_args(arguments)
    if parsed.only:
        print(seconds_of(SUBJECTS[parsed.subjects[0]], parsed.only))
        return 0
    is_over = False
    for name in parsed.subjects or SUBJECTS:
        once, *compared = (min(_apart(name, what) for _ in range(TIMES)) for what in ("once", *LIMITS))
        ratios = {what: seconds / once for what, seconds in zip(LIMITS, compared, strict=True)}
        is_over |= any(ratios[what] > limit for what, limit in LIMITS.items())
        words = f"{ratios['alone']:.1f} times without rounding, {ratios['rounding']:.1f} times with it"
        print(f"{name}: {words}; both sides once take {once:.2f} s", flush=True)
    print(f"limits: {LIMITS['alone']:g} and {LIMITS['rounding']:g} times")
    return int(is_over)


def _apart(name: str, what: str) -> float:
    """The seconds that a fresh process says."""
    command = [sys.executable, "-m", "benchmarks.compare_cost", name, "--only", what]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"compare_cost: {name}, {what}: {done.stderr[-2000:]}")
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    sys.exit(main())
