"""What the command line calls a model and a port: a file, or a name in a module that the user lets run."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from conformance.case.problems import did_you_mean
from conformance.comparison.ends import CompareError, ProcessEnd, SideRequests, exported_to, far_spec
from conformance.comparison.pairing import Pairing
from conformance.comparison.values import Model
from conformance.lanes.declare import parse
from conformance.lanes.spec import LaneSpec

_NAMED = re.compile(r"(?P<path>.+\.py):(?P<name>[A-Za-z_][\w.]*)")
_MODELS = (".keras", ".h5", ".hdf5")
MAX_PAIRS = 1 << 20
"""Bytes of a file of pairs."""


def spec_of(text: str, what: str) -> dict[str, Any]:
    """`path.keras`, or `module.py:name`. Raises CompareError with how it is written."""
    matched = _NAMED.fullmatch(text)
    if matched is not None:
        return {"path": matched["path"], "name": matched["name"]}
    path = Path(text)
    if path.suffix == ".py":
        raise CompareError(f"{what} {text} names no object", f"as in {text}:build")
    if what == "the port" and path.suffix not in _MODELS:
        raise CompareError(f"{what} {text} is not understood", "name a module as path/to/port.py:name")
    if not path.exists():
        raise CompareError(f"there is no file {text}", "a .keras or .h5 file, or path/to/module.py:name")
    if not path.is_file():
        raise CompareError(f"{text} is a folder", "save the model with model.save('model.keras')")
    with path.open("rb") as file:
        start = file.read(8)
    if not start.startswith((b"PK", b"\x89HDF")):
        is_pickle = start[:1] == b"\x80"
        said = (
            "a pickle, which could run any code; it is not opened" if is_pickle else "neither a .keras nor an .h5 file"
        )
        raise CompareError(f"{text} is {said}", "save the model with model.save('model.keras')")
    return {"path": text, "name": None}


def allowed_of(texts: Sequence[str]) -> list[dict[str, str]]:
    """The custom objects that a file may use, each as `module.py:Name`. Raises CompareError."""
    found = []
    for text in texts:
        matched = _NAMED.fullmatch(text)
        if matched is None:
            raise CompareError(f"--allow {text} is not understood", "as in --allow path/to/layers.py:Scale")
        found.append({"path": matched["path"], "name": matched["name"]})
    return found


def lane_of(text: str | None, spec: dict[str, Any], usual: str, is_port: bool = False) -> LaneSpec:
    """The lane that a side runs in; a port may be the model after export.

    Raises CompareError where it cannot run it, UsageError for what is no lane.
    """
    is_keras_file = spec["name"] is None
    found = parse(text if text is not None else "keras" if is_keras_file else usual)
    if found.host:
        raise CompareError(f"{found.name} is on another machine; arrays of a comparison go through files here")
    if found.adapter not in ("keras", "torch"):
        raise CompareError(f"a model cannot run in the lane {found.name}", "keras, tf_keras or torch")
    told = [str(found.options[key]) for key in ("mode", "policy") if key in found.options]
    if exported_to(found):
        if not is_port:
            hint = f"the exported model is the port: MODEL MODEL --port-lane '{text}'"
            raise CompareError(f"the model that is compared with cannot run in the lane {found.name}", hint)
        return far_spec(found)
    if told:  # layers are watched and fed one by one, which only eager calls let one do
        hint = f"--lane {found.name.partition('-')[0]}; {', '.join(told)} can be asked of cases, by pytest --lane"
        raise CompareError(f"a comparison runs layer by layer, eagerly: not in the lane {found.name}", hint)
    return far_spec(found)


def end_of(
    side: str, lane: LaneSpec, spec: dict[str, Any], folder: str, load: str | None, time_limit: float
) -> ProcessEnd:
    """A side in its lane."""
    if load is not None and not Path(load).is_file():
        raise CompareError(f"there is no file {load}", "weights of the port, as torch.save(port.state_dict(), path)")
    return ProcessEnd(lane, SideRequests(side, folder, spec, load), time_limit)


def read_pairs(path: Path) -> dict[str, str]:
    """The pairs of a YAML file: the model's layer to the port's module. Raises CompareError."""
    if not path.is_file():
        raise CompareError(f"there is no file {path}", "--write-pairs FILE writes one to begin with")
    if path.stat().st_size > MAX_PAIRS:
        raise CompareError(f"{path} is too large for pairs")
    try:
        read = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        at = f":{mark.line + 1}:{mark.column + 1}" if mark is not None else ""
        raise CompareError(f"{path}{at}: not YAML: {str(error).splitlines()[0]}") from None
    pairs = read.get("pairs") if isinstance(read, dict) else None
    if not isinstance(pairs, dict) or not pairs:
        raise CompareError(f"{path} holds no pairs", "as in pairs: {dense_1: head.linear}")
    if not all(isinstance(key, str) and isinstance(value, str) for key, value in pairs.items()):
        raise CompareError(f"{path}: a pair is the path of a layer and of a module, both text")
    return dict(pairs)


def check_pairs(pairs: dict[str, str], model: Model, port: Model, where: str) -> None:
    """Raises CompareError for a layer or a module that there is not."""
    for layer, module in pairs.items():
        if layer not in model.layers:
            raise CompareError(f"{where}: the model has no layer {layer}", did_you_mean(layer, list(model.layers)))
        if module not in port.layers:
            raise CompareError(f"{where}: the port has no module {module}", did_you_mean(module, list(port.layers)))


def pairs_text(pairing: Pairing) -> str:
    """The pairs as a file that can be reviewed and given back."""
    lines = ["# layer of the model: module of the port  (how it was found)", "pairs:"]
    for pair in pairing.pairs:
        lines.append(f"  {_quoted(pair.model)}: {_quoted(pair.port)}  # {pair.how}")
    if pairing.left_of_model:
        lines.append("# without a module of their own, judged with what the port computes there:")
        lines += [f"#   {path}" for path in pairing.left_of_model]
    if pairing.left_of_port:
        lines.append("# modules without a layer:")
        lines += [f"#   {path}" for path in pairing.left_of_port]
    return "\n".join(lines) + "\n"


def _quoted(path: str) -> str:
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'
