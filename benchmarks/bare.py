"""The floor of the Keras lane: the same Keras calls for the same plans, and nothing of what the lane makes of them.

    python -m benchmarks.bare [--every 4]

Builds each layer, calls the graph symbolically, assigns the weights, calls it with numbers under a tape, asks for the
gradients, calls the model of it. The lane beside it also checks every weight, looks at masks, packs what came out and
sends it. Both take turns in one process, case by case, so that other work on the machine meets both alike; the ratio is
of processor time. Cases that train or raise are left out on both sides.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import execnet
import numpy as np

from conformance.case.expressions import evaluate
from conformance.case.layers import torch_types
from conformance.case.load import load_folder
from conformance.gate.deviations import load_folder as load_deviations
from conformance.lanes.keras_config import Absent, constructor, find_type
from conformance.lanes.keras_weights import held_by
from conformance.lanes.known import LANES, is_meant
from conformance.lanes.worker import sendable, start_adapter
from conformance.plans.draw import plan_of
from conformance.protocol.carried import ARITHMETIC
from conformance.protocol.plan import Plan


class Calls:
    """The verbs of a graph, each the one call of Keras that it stands for."""

    def __init__(
        self, keras: Any, plan: Plan, operations: Any, values: dict[str, Any], layers: Mapping[str, Any]
    ) -> None:
        self.keras, self.plan, self.operations, self.values, self.layers = keras, plan, operations, values, layers
        self.models: dict[str, Any] = {}

    def run(self) -> dict[str, Any]:
        for node, expression in self.plan.expressions:
            self.values[node] = evaluate(expression, self)
        return self.values

    def name(self, name: str) -> Any:
        return self.values[name]

    def call(self, callee: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return self.layers[callee](*args, **kwargs)

    def operate(self, operation: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return self.operations.apply(operation, args, kwargs)

    def arithmetic(self, operator: str, left: Any, right: Any) -> Any:
        return ARITHMETIC[operator](left, right)

    def item(self, value: Any, index: Any) -> Any:
        return value[index if isinstance(index, tuple) or isinstance(value, list | tuple) else (index,)]

    def weight(self, layer: str, weight: str) -> Any:
        found = held_by(self.layers[layer], layer, self.plan.layers[layer])[weight]
        return self.keras.ops.convert_to_tensor(found)


def bare(keras: Any, tensorflow: Any, plan: Plan, operations: Any) -> Any:
    """Keras' own part of an answer to a plan."""
    layers = {
        name: constructor(keras, find_type(keras, planned.type))(name, planned.config)
        for name, planned in plan.layers.items()
    }
    symbolic = {
        name: Absent
        if given.holds_arrays or not given.shape
        else keras.Input(given.shape[1:], given.shape[0], given.dtype)
        for name, given in plan.inputs.items()
    }
    given = dict(symbolic)
    nodes = Calls(keras, plan, operations, given, layers).run()
    variables = {}
    for name, layer in layers.items():
        for key, variable in held_by(layer, name, plan.layers[name]).items():
            variables[f"{name}.{key}"] = variable.value
            if key not in plan.layers[name].as_built:
                variable.assign(plan.layers[name].weights[key])
    found = []
    for index, run in enumerate(plan.runs):
        inputs = {name: keras.ops.convert_to_tensor(array) for name, array in run.items()}
        if index or not plan.cotangents:
            found.append(_numbers(plan, Calls(keras, plan, operations, dict(inputs), layers).run()))
            continue
        sources = {name: value for name, value in inputs.items() if value.dtype.is_floating}
        with tensorflow.GradientTape() as tape:
            for source in [*sources.values(), *variables.values()]:
                tape.watch(source)
            values = Calls(keras, plan, operations, dict(inputs), layers).run()
            score = tensorflow.zeros(())
            for node, cotangents in plan.cotangents.items():
                for item, times in zip(_flat(values[node]), cotangents, strict=True):
                    if times is not None:
                        score += tensorflow.reduce_sum(item * times)
        gradients = tape.gradient(score, {**sources, **variables}, unconnected_gradients="zero")
        found.append([np.asarray(tensorflow.convert_to_tensor(value)) for value in gradients.values()])
        found.append(_numbers(plan, values))
    if plan.with_model:
        model = keras.Model(
            [symbolic[name] for name in plan.inputs], [leaf for n in plan.observed for leaf in _flat(nodes[n])]
        )
        for run in plan.runs:
            found.append([np.asarray(value) for value in _flat(model(list(run.values())))])
    return found


def _flat(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _flat(item)] if isinstance(value, list | tuple) else [value]


def _numbers(plan: Plan, values: Mapping[str, Any]) -> list[Any]:
    return [np.asarray(item) for node in plan.observed for item in _flat(values[node])]


def plans(every: int) -> Iterator[Plan]:
    """The plans of one case in so many, in Keras' words, as the lane gets them; none that trains, raises or crashes."""
    ends = [one for one in load_deviations(Path("deviations")) if one.aspect == "crash"]
    for case in load_folder("cases")[::every]:
        if any(one.covers(case.id) for one in ends) or any(spec.type in torch_types() for spec in case.layers):
            continue
        if not case.trainings and not case.expect.errors and is_meant(LANES["keras"], case):
            yield replace(plan_of(case), with_model=True)


def measured(every: int) -> dict[str, float]:
    """Processor seconds of the lane and of the floor, and how many cases gave both."""
    lane = start_adapter("keras", dict(LANES["keras"].options))
    keras, tensorflow = sys.modules["keras"], sys.modules["tensorflow"]
    operations = lane.generation.operations
    spent = {"lane": 0.0, "bare": 0.0, "cases": 0.0, "left out": 0.0}
    for number, plan in enumerate(plans(every)):
        wire = execnet.dumps(plan.to_wire())
        times = {}
        for side in ("lane", "bare") if number % 2 else ("bare", "lane"):
            started = time.process_time()
            try:
                if side == "lane":
                    answer = lane.observe(Plan.from_wire(execnet.loads(wire)))
                    execnet.dumps(sendable(answer))
                    if answer["failure"] is not None:
                        break
                else:
                    bare(keras, tensorflow, plan, operations)
            except Exception:
                break
            times[side] = time.process_time() - started
        if number < 3 or len(times) < 2:  # the first calls compile kernels
            spent["left out"] += 1
            lane.generation.clear_session()
            continue
        spent["cases"] += 1
        for side, seconds in times.items():
            spent[side] += seconds
    if spent["cases"] < spent["left out"]:
        raise SystemExit(f"more cases were left out ({spent['left out']:.0f}) than measured ({spent['cases']:.0f})")
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=4, metavar="N", help="one case in N")
    found = measured(parser.parse_args().every)
    print(
        f"Keras lane over bare script: {found['lane']:.1f} s over {found['bare']:.1f} s: "
        f"{found['lane'] / found['bare']:.2f} ({found['cases']:.0f} cases, {found['left out']:.0f} left out)"
    )


if __name__ == "__main__":
    main()
