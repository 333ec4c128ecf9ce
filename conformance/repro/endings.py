"""Scripts of lanes that gave no answer: whose weights are of other shapes, or whose process did not survive."""

from __future__ import annotations

from conformance.record.lane import LaneRecord
from conformance.record.parts import FailureRecord
from conformance.repro.errors import NotScriptable
from conformance.repro.evidence import Evidence
from conformance.repro.literals import quoted
from conformance.repro.parts import Body

_OF_THE_SYSTEM = "SIGKILL"
"""A signal that the system sends to what takes too much memory: nobody knows whether a script would."""


def signal_of(held: LaneRecord) -> str:
    """The signal that ended a lane's process, `SIGFPE`; empty where it was none, or may have been the system's own."""
    return held.signal if held.signal and held.signal != _OF_THE_SYSTEM else ""


def signal_lines(body: Body, name: str, runs: list[str]) -> list[str]:
    """The whole course of a script whose case ends the process: it starts itself again, and sees how that ends."""
    return [
        'if sys.argv[-1] != "child":  # what follows ends the process that runs it',
        '    child = subprocess.run([sys.executable, __file__, "child"], check=False)',
        "    code = child.returncode",
        '    ended = signal.Signals(-code).name if code < 0 else f"exit code {code}"',
        '    print(f"the process that ran the case ended with {ended}")',
        f"    is_same = ended == {quoted(name)}",
        f'    print("reproduced" if is_same else "NOT REPRODUCED: the report says: {name}")',
        "    sys.exit(0 if is_same else 1)",
        "",
        *body.build,
        *body.call,
        *(line for run in runs for line in (*body.before_run, f"graph(**{body.argument % run})")),
        'print("the case ran to its end")',
    ]


def shape_lines(evidence: Evidence, body: Body, failure: FailureRecord) -> list[str]:
    """The whole course of a script whose layer makes a weight of another shape. Raises NotScriptable for others."""
    other = failure.weight
    if other is None or other.got is None:
        raise NotScriptable(f"the weights are not those of the reference: {failure.message}")
    layer, key, got = other.layer, other.key, other.got
    weights = evidence.plan.layers[layer].weights
    index, name = list(weights).index(key), body.names(layer)
    wanted = ", ".join(f'("{other}", {value.shape})' for other, value in weights.items())
    return [
        *body.build,
        f"print({quoted(f'weights of {layer}:')}, [(weight.name, tuple(weight.shape)) for weight in {name}.weights])",
        f'print("the reference expects:", [{wanted}])',
        f"is_same = tuple({name}.weights[{index}].shape) == {got}",
        f'print("reproduced" if is_same else "NOT REPRODUCED: the report says that {key} has shape {got}")',
        "sys.exit(0 if is_same else 1)",
    ]
