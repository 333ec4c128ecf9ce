"""What a lane may be told beyond its versions: how it executes a case, and in which precision.

    keras[mode=xla]                          tf.function with jit_compile=True
    keras[mode=model]                        a functional model called with arrays, with masks
    keras[jax,mode=predict]                  model.predict, on another backend
    keras[policy=mixed_bfloat16]             a dtype policy
    keras[export=onnx]                       the model exported, and run by onnxruntime; or litert
    torch[native]                            torch's own layers as its users call them, not Keras' formula
    torch[compile=aot_eager]                 torch.compile with that backend; mode=compile is compile=inductor
    keras[env=TF_ENABLE_ONEDNN_OPTS=0]       an environment variable, which the lane is started with
    fast=keras,mode=predict,policy=float64   the same after commas

docs/modes.md says what each of them can be asked, and how it is judged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from conformance.case.problems import did_you_mean, listed, shown
from conformance.errors import UsageError
from conformance.protocol.names import NATIVE

_KERAS_MODES = ("eager", "model", "function", "xla", "predict")
EXPORTS = ("onnx", "litert")
"""Formats that a model of Keras is exported to; see keras_exports."""
_KERAS_POLICIES = ("float32", "float64", "mixed_bfloat16", "mixed_float16")
COMPILERS = ("inductor", "aot_eager", "eager")
"""Backends of torch.compile; none is taken in place of another."""

ALLOWED: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "keras": {"mode": _KERAS_MODES, "policy": _KERAS_POLICIES, "export": EXPORTS},
    "tf_keras": {"mode": _KERAS_MODES, "policy": _KERAS_POLICIES},
    "torch": {
        "mode": ("eager", "compile", NATIVE),
        "policy": ("float32", "float64", "bfloat16", "float16"),
        "compile": COMPILERS,
    },
}
"""What each adapter may be told; the others may be told nothing."""
OPTIONS = ("mode", "policy", "compile", "export", "env")
_SETTING = re.compile(r"([A-Z][A-Z0-9_]*)=([^,\]\s]*)")
_OURS = ("KERAS_BACKEND", "OMP_NUM_THREADS", "PATH", "TF_CPP_MIN_LOG_LEVEL", "TF_USE_LEGACY_KERAS")
"""Variables that the lane's other words decide; and all that begin with PYTHON or LD_."""
_OF_TENSORFLOW = ("function", "xla")
"""Modes that are TensorFlow's own."""


def every(key: str) -> tuple[str, ...]:
    """All values of an option, of any adapter."""
    return tuple(dict.fromkeys(value for options in ALLOWED.values() for value in options.get(key, ())))


def check(package: str, table: Mapping[str, Any], where: str) -> None:
    """Raises UsageError for an option that this adapter does not have, and for a value that it does not take."""
    allowed = ALLOWED.get(package, {})
    settings_of(table, where)
    for key in OPTIONS:
        if key not in table or key == "env":
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
    if "export" in table and (
        backend != "tensorflow" or "mode" in table or table.get("policy", "float32") != "float32"
    ):
        hint = "export is a way of executing by itself, over TensorFlow, in float32"
        raise UsageError(f"lane {where}: export={table['export']} goes with no mode, policy or backend", hint)
    if "compile" in table and table.get("mode") == "eager":
        raise UsageError(f"lane {where}: mode=eager and compile={table['compile']} contradict each other")


def settings_of(table: Mapping[str, Any], where: str = "") -> dict[str, str]:
    """The environment variables of `env`, by name. Raises UsageError for what is no setting, and for one twice."""
    given = table.get("env", ())
    found: dict[str, str] = {}
    for text in [given] if isinstance(given, str) else given:
        matched = _SETTING.fullmatch(str(text))
        if matched is None:
            hint = "a variable and its value: env=TF_ENABLE_ONEDNN_OPTS=0"
            raise UsageError(f"lane {where}: env={shown(str(text))} is no setting", hint)
        name = matched[1]
        if name in _OURS or name.startswith(("PYTHON", "LD_")):
            raise UsageError(f"lane {where}: {name} is not for env", "the other words of the lane decide it")
        if found.setdefault(name, matched[2]) != matched[2]:
            raise UsageError(f"lane {where}: {name} is set twice", "once, to one value")
    return found


def for_worker(table: Mapping[str, Any]) -> dict[str, str]:
    """The options as the worker gets them; empty for what is usual."""
    found = {key: str(table[key]) for key in ("mode", "policy") if key in table}
    if "compile" in table or table.get("mode") == "compile":
        found["mode"] = f"compile={table.get('compile', COMPILERS[0])}"
    if "export" in table:
        found["mode"] = f"export={table['export']}"
    return found


def suffix(table: Mapping[str, Any]) -> str:
    """`-xla-mixed_bfloat16`: what the options add to a lane's own name."""
    settings = [f"{name}-{re.sub('[^A-Za-z0-9.]+', '-', value)}" for name, value in settings_of(table).items()]
    return "".join(f"-{value.replace('=', '-')}" for value in (*for_worker(table).values(), *settings))


def taken_out(parts: list[str], table: dict[str, Any], where: str) -> Iterator[str]:
    """Moves `mode=...`, `policy=...` and `compile=...` from the parts of a line to the table; gives the others."""
    for part in parts:
        key, is_option, value = part.partition("=")
        if part == NATIVE and table.get("adapter") == "torch":
            table["mode"] = NATIVE
        elif not is_option or value.startswith("=") or key[-1:] in "<>!~" or key == "python":
            yield part
        elif key == "env":
            table[key] = [*table.get(key, []), value]
        elif key in OPTIONS:
            table[key] = value
        elif hint := did_you_mean(key, (*OPTIONS, "python")):
            raise UsageError(f"lane {where}: unknown option {shown(key)}", hint)
        else:
            yield part
