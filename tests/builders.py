"""Cases and runs for tests, from a few lines of YAML."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent
from typing import Any

from conformance.case.load import load_file
from conformance.case.model import Case
from conformance.form import to_json
from conformance.lanes.spec import LaneSpec
from conformance.protocol.plan import Plan, PlannedLayer, read_only
from conformance.repro.kept import with_scripts
from conformance.run import LANES, Run

POOLED = """
    schema_version: 1
    topic: a masked mean
    dims: {batch: 2, steps: 5, dim: 3}
    source: {kind: hand}
    cases:
      - id: masked
        question: Are padded steps left out?
        inputs:
          ids: {shape: [batch, steps], dtype: int32, fill: {values: [[1, 2, 0, 0, 0], [3, 4, 5, 0, 0]]}}
        layers:
          embed: {type: Embedding, input_dim: 7, output_dim: dim, mask_zero: true}
          pool: {type: GlobalAveragePooling1D}
        graph:
          embedded: embed(ids)
          pooled: pool(embedded)
"""
"""A case that has a shape, a dtype, a mask and values to get wrong."""


def cases_of(text: str, folder: Path, name: str = "topic") -> tuple[Case, ...]:
    """The cases of a YAML text, as a file of family `fam` would give them."""
    path = folder / "fam" / f"{name}.case.yaml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text).lstrip("\n"), encoding="utf-8")
    return load_file(path)


def plan_with(**fields: Any) -> Plan:
    """A plan of nothing but these fields."""
    nothing: dict[str, Any] = {"id": "x", "layers": {}, "models": {}, "inputs": {}, "graph": (), "observed": ()}
    return Plan(**{**nothing, "runs": (), "time_limit": 60.0, **fields})


def layer_with(*weights: str) -> PlannedLayer:
    """A planned layer that has weights of these names, a zero each."""
    return PlannedLayer("Dense", {}, weights={name: read_only([0.0]) for name in weights})


def fake(behaviour: str, **options: Any) -> LaneSpec:
    """A lane of `tests.fakes`, named for what it does."""
    return LaneSpec(behaviour, "tests.fakes", {"behaviour": behaviour, **options})


@contextmanager
def running(*specs: LaneSpec, in_process: bool = True) -> Iterator[Run]:
    """A run of these lanes beside the reference; in this process unless isolation is what is tested."""
    every = (*specs, LANES["numpy"])
    run = Run(every, in_process=[spec.name for spec in every] if in_process else ["numpy"], scripts=with_scripts)
    try:
        yield run
    finally:
        run.stop()


def records_of(cases: tuple[Case, ...], *specs: LaneSpec, in_process: bool = True) -> list[dict[str, Any]]:
    """The judged records of these cases in these lanes."""
    with running(*specs, in_process=in_process) as run:
        run.announce([(case, [spec.name for spec in specs]) for case in cases])
        return [to_json(run.record(case)) for case in cases]
