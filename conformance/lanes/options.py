"""What a lane may be told beyond its versions: how it executes a case, and in which precision.

    keras[mode=xla]                          tf.function with jit_compile=True
    keras[jax,mode=predict]                  model.predict, on another backend
    keras[policy=mixed_bfloat16]             a dtype policy
    torch[compile=aot_eager]                 torch.compile with that backend; mode=compile is compile=inductor
    fast=keras,mode=predict,policy=float64   the same after commas

docs/modes.md says what each of them can be asked, and how it is judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from conformance.case.problems import did_you_mean, listed, shown
from conformance.errors import UsageError

_KERAS_MODES = ("eager", "function", "xla", "predict")
_KERAS_POLICIES = ("float32", "float64", "mixed_bfloat16", "mixed_float16")
COMPILERS = ("inductor", "aot_eager", "eager")
"""Backends of torch.compile; none is taken in place of another."""

ALLOWED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "keras": {"mode": _KERAS_MODES, "policy": _KERAS_POLICIES},
    "tf_keras": {"mode": _KERAS_MODES, "policy": _KERAS_POLICIES},
    "torch": {
        "mode": ("eager", "compile"),
        "policy": ("float32", "float64", "bfloat16", "float16"),
        "compile": COMPILERS,
    },
}
"""What each adapter may be told; the others may be told nothing."""
OPTIONS = ("mode", "policy", "compile")
_OF_TENSORFLOW = ("function", "xla")
"""Modes that are TensorFlow's own."""


def every(key: str) -> tuple[str, ...]:
    """All values of an option, of any adapter."""
    return tuple(dict.fromkeys(value for options in ALLOWED.values() for value in options.get(key, ())))


def check(package: str, table: Mapping[str, Any], where: str) -> None:
    """Raises UsageError for an option that this adapter does not have, and for a value that it does not take."""
    allowed = ALLOWED.get(package, {})
    for key in OPTIONS:
        if key not in table:
            continue
        value = str(table[key])
        if key not in allowed:
            hint = f"its options: {listed(allowed)}" if allowed else f"lanes with options: {listed(ALLOWED)}"
            raise UsageError(f"lane {where}: {package} has no option {key}", hint)
        if value not in allowed[key]:
            longer = [name for name in allowed[key] if value and value in name]
            near = f"did you mean {longer[0]}?" if longer else did_you_mean(value, allowed[key])
            hint = near or f"one of {listed(allowed[key])}"
            raise UsageError(f"lane {where}: there is no {key} {shown(value)} of {package}", hint)
    backend = table.get("backend", "tensorflow")
    if table.get("mode") in _OF_TENSORFLOW and backend != "tensorflow":
        hint = "leave the backend out, or take mode=predict"
        raise UsageError(f"lane {where}: mode {table['mode']} is TensorFlow's, the backend is {backend}", hint)
    if "compile" in table and table.get("mode") == "eager":
        raise UsageError(f"lane {where}: mode=eager and compile={table['compile']} contradict each other")


def for_worker(table: Mapping[str, Any]) -> dict[str, str]:
    """The options as the worker gets them; empty for what is usual."""
    found = {key: str(table[key]) for key in ("mode", "policy") if key in table}
    if "compile" in table or table.get("mode") == "compile":
        found["mode"] = f"compile={table.get('compile', COMPILERS[0])}"
    return found


def suffix(table: Mapping[str, Any]) -> str:
    """`-xla-mixed_bfloat16`: what the options add to a lane's own name."""
    return "".join(f"-{value.replace('=', '-')}" for value in for_worker(table).values())


def taken_out(parts: list[str], table: dict[str, Any], where: str) -> Iterator[str]:
    """Moves `mode=...`, `policy=...` and `compile=...` from the parts of a line to the table; gives the others."""
    for part in parts:
        key, is_option, value = part.partition("=")
        if not is_option or value.startswith("=") or key[-1:] in "<>!~" or key == "python":
            yield part
        elif key in OPTIONS:
            table[key] = value
        elif hint := did_you_mean(key, (*OPTIONS, "python")):
            raise UsageError(f"lane {where}: unknown option {shown(key)}", hint)
        else:
            yield part
