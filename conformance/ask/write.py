"""A question as a case file: YAML that a person would have written, read by the same loader as every other."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conformance.ask.question import RESULT, Input, Question, described
from conformance.case.layers import every_type
from conformance.case.load import SUFFIX, load_file
from conformance.case.model import Case
from conformance.case.yaml import parse
from conformance.errors import CaseError, QuestionError, UsageError

SCHEMA = Path("schemas") / "case-v1.schema.json"
ASKED = f"asked/question{SUFFIX}"
"""What stands for the file of a question that was not saved."""
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")


def scalar(value: Any) -> str:
    """A value in YAML's flow style that the loader reads back as the same value."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {scalar(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(scalar(item) for item in value) + "]"
    if isinstance(value, str):
        return value if _is_plain(value) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, float) and value - value != 0:
        return ".nan" if value != value else ".inf" if value > 0 else "-.inf"
    return json.dumps(value)


def _is_plain(text: str) -> bool:
    """Whether text means itself without quotes."""
    if not _PLAIN.fullmatch(text):
        return False
    try:
        return bool(parse(text, "").root.value == text)
    except CaseError:
        return False


def snake(kind: str) -> str:
    """`GlobalAveragePooling1D` as an id: `global_average_pooling1d`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z][a-z])", "_", kind).lower().replace(".", "_")


def case_text(question: Question, schema: str | None = None) -> str:
    """The case file of a question; `schema` is the path of the JSON Schema from the file, for editors."""
    kind, config = question.asked
    masking = ["      masking: {type: Masking}  # makes a mask of steps that are zero"]
    lines = [
        *([f"# yaml-language-server: $schema={schema}"] if schema else []),
        "schema_version: 1",
        f"topic: {scalar(kind)}",
        f"dims: {scalar({name: sizes[0] if len(sizes) == 1 else sizes for name, sizes in question.dims.items()})}",
        *([f"dynamic: {scalar(question.dynamic)}"] if question.dynamic else []),
        "source: {kind: question}  # asked on the command line; a claim of your own needs another kind",
        "cases:",
        f"  - id: {snake(kind)}",
        f"    question: {scalar(described(question))}",
        "    inputs:",
        *(f"      {line}" for item in question.inputs for line in _input(item, kind)),
        "    layers:",
        f"      layer: {scalar({'type': kind, **config})}",
        *(masking if _needs_masking(question) else []),
        "    graph:",
        *(f"      {line}" for line in _graph(question)),
        "    # Nothing is expected beforehand: every lane is held to the NumPy reference. What documentation or your",
        "    # own calculation says of the outcome goes below, and its source above; do not copy a lane's answer.",
        "    # expect:",
        f"    #   {RESULT}: {{shape: [batch, ...]}}",
    ]
    return "\n".join(lines) + "\n"


def _input(item: Input, kind: str) -> list[str]:
    spec: dict[str, Any] = {"shape": list(item.shape)}
    if item.dtype != "float32":
        spec["dtype"] = item.dtype
    if item.fill is not None:
        spec["fill"] = item.fill
    lines = [f"{item.name}: {scalar(spec)}"]
    if item.mask is None:
        return lines
    dtype = {"dtype": item.dtype} if item.dtype != "float32" else {}
    rows = [list(row) for row in item.mask]
    lines.append(f"{_keep(item)}:  # 1 where a step is real, 0 where it is padding")
    lines.append(f"  shape: {scalar(['batch', item.axes[0]])}")
    lines += [f"  {key}: {value}" for key, value in dtype.items()]
    return [*lines, "  fill:", "    values:", *(f"      - {scalar(row)}" for row in rows)]


def _keep(item: Input) -> str:
    return f"real_{item.name}"


def _makes_masks(kind: str) -> bool:
    return every_type()[kind].makes_mask


def _needs_masking(question: Question) -> bool:
    return not _makes_masks(question.asked.type) and any(item.mask is not None for item in question.inputs)


def _graph(question: Question) -> list[str]:
    """Padding is zero in every feature, and a Masking layer, or the layer itself, finds it, as in models."""
    kind = question.asked.type
    lines, names = [], []
    for item in question.inputs:
        if item.mask is None:
            names.append(item.name)
            continue
        keep = _keep(item) if every_type()[kind].takes_ids else f"expand_dims({_keep(item)}, -1)"
        padded = f"{item.name} * {keep}"
        name = f"_masked_{item.name}"  # not observed: the question is about the layer
        lines.append(f"{name}: {padded if _makes_masks(kind) else f'masking({padded})'}")
        names.append(name)
    return [*lines, f"{RESULT}: {question.call.format(*names)}"]


def schema_of(path: Path) -> str | None:
    """The JSON Schema of case files as seen from a case file; None where no folder above it has one."""
    for folder in path.absolute().parents:
        if (folder / SCHEMA).is_file():
            return Path(os.path.relpath(folder / SCHEMA, path.absolute().parent)).as_posix()
    return None


def load(text: str, path: Path | None) -> Case:
    """The case of a question's text, as it would be loaded from that path; asked nowhere, it is `asked/<layer>`.

    Raises CaseError where the path cannot be the place of a case, or the text is none.
    """
    shown = Path(ASKED) if path is None else path
    if path is not None and not path.name.endswith(SUFFIX):
        raise QuestionError(
            f"{path} is not the name of a case file", f"case files end in {SUFFIX}: {path.stem}{SUFFIX}"
        )
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder:
        file = Path(folder) / (path.absolute().parent.name if path is not None else "asked") / shown.name
        file.parent.mkdir()
        file.write_text(text, encoding="utf-8")
        (case,) = load_file(file, shown.as_posix())
    return case


def save(text: str, path: Path) -> None:
    """Writes a case file that is not there yet. Raises UsageError where there is one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        hint = f"add the case to it by hand, or give another name: {path.with_name('another' + SUFFIX)}"
        raise UsageError(f"{path} is there already", hint) from None
