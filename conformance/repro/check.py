"""The last part of a script: what the report says, as data, and the code that holds the answer against it."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping

import numpy as np

from conformance.record.parts import FailureRecord
from conformance.repro.account import Account, Said
from conformance.repro.literals import LITERAL, array_text, quoted, scalar_text
from conformance.repro.parts import Body

_LEAVES = '''\
def leaves(value):
    """What nested lists hold, in a row."""
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, (list, tuple)) else [value]


def named(nodes):
    """Every array by its name; those of a list as name[0], name[1], ..."""
    for name, value in nodes.items():
        is_list = isinstance(value, (list, tuple))
        for index, leaf in enumerate(leaves(value)):
            yield (f"{name}[{index}]" if is_list else name), leaf
'''

_COMPARE = '''\
def as_reported(name, value, mask, said):
    """Prints one answer, and whatever in it is not as the report says; returns whether all is."""
    shown = "none" if mask is None else np.asarray(mask).astype(int).tolist()
    print(f"{name}: shape {value.shape}, dtype {value.dtype.name}@MASK@")
    print(textwrap.indent(np.array2string(value, 110, threshold=100), "    "))
    wrong = []
    if value.shape != said["shape"]:
        wrong.append(f"shape {said['shape']}")
    if value.dtype.name != said["dtype"]:
        wrong.append(f"dtype {said['dtype']}")
@CHECKS@\
    for words in wrong:
        print(f"    NOT AS REPORTED, which says: {words}")
    return not wrong
'''
_CHECKS = {
    "mask": """\
    wanted = said.get("mask", mask)
    if isinstance(wanted, tuple):  # the shape of a large mask, and how many of its entries are true
        same = mask is not None and (np.shape(mask), int(np.sum(mask))) == wanted
    else:
        same = (mask is None) == (wanted is None) and (mask is None or np.array_equal(mask, wanted))
    if not same:
        wrong.append(f"mask {'none' if wanted is None else wanted}")
""",
    "symbolic": """\
    if "symbolic" in said and shapes[name] != said["symbolic"]:
        wrong.append(f"shape {said['symbolic']} without numbers, not {shapes[name]}")
""",
    "values": """\
    if "values" in said and not wrong:
        got, wanted = value.ravel()[:: said.get("every", 1)], said["values"].ravel()
        close = np.isclose(got, wanted, rtol=said.get("rtol", 0.0), atol=said["atol"], equal_nan=True)
        for index in np.flatnonzero(~close)[:3]:
            wrong.append(f"{wanted[index]!r} within {said['atol']:.3g} where this gives {got[index]!r}")
""",
    "worst": """\
    if not wrong:
        for index, wanted in said.get("worst", ()):
            if not np.isclose(value[index], wanted, rtol=0.0, atol=said["atol"], equal_nan=True):
                wrong.append(f"{wanted!r} at {index}, where this gives {value[index]!r}")
        finite = value[np.isfinite(value)].astype(float)
        if "outline" in said and not np.allclose([finite.min(), finite.max(), finite.mean()], said["outline"],
                                                rtol=0.0, atol=said["atol"]):
            wrong.append(f"least, largest and mean {said['outline']}")
""",
}


def error_lines(body: Body, failure: FailureRecord, runs: list[str]) -> list[str]:
    """The whole course of a script whose case raises: it must raise again, in the same phase, with the same type."""
    phase, kind = quoted(failure.phase), quoted(failure.type)
    is_backward = failure.phase == "backward"
    inside = ['phase = "build"', *body.build, 'phase = "call"', *body.call]
    calls = {run: f"graph(**{body.argument % run})" for run in runs}
    if body.is_lazy:
        calls = {run: f"for _, value in named({call}):\n    {body.to_numpy}" for run, call in calls.items()}
    inside += [line for run in runs for line in (*body.before_run, calls[run])]
    inside += ['phase = "backward"'] if is_backward else []
    inside += [body.beside_outputs] if body.beside_outputs else []
    return [
        *([*_LEAVES.rstrip().split("\n"), "", ""] if body.is_lazy or is_backward else []),
        "try:",
        *(f"    {line}".rstrip() for block in inside for line in block.split("\n")),
        "except Exception as error:",
        '    print(f"raised in phase {phase}: {type(error).__name__}: {error}")',
        f"    if (phase, type(error).__name__) == ({phase}, {kind}):",
        '        print("reproduced")',
        "        sys.exit(0)",
        "else:",
        '    print("nothing was raised")',
        f'print("NOT REPRODUCED: the report says: raised", {kind}, "in phase", {phase})',
        "sys.exit(1)",
    ]


def answer_lines(body: Body, account: Account, runs: list[str]) -> list[str]:
    """From the build to the exit code, for a case that answers."""
    lines = [*body.build, *body.call]
    lines += ["", "# what the report says", *_reported(account)]
    kinds = _kinds(body, account)
    lines += ["", "", *_LEAVES.rstrip().split("\n"), "", "", *_function(body, kinds)]
    if "symbolic" in kinds:
        lines += ["", "", "shapes = {name: tuple(tensor.shape) for name, tensor in named(symbolic)}"]
    lines += ["", "", "is_same = True"]
    for run, inputs in enumerate(runs):
        lines += [*body.before_run, *_run(body, inputs, run, account)]
    if called := body.beside_outputs:
        lines += [
            f"for name, value in {f'({called})' if '|' in called else called}.items():",
            f"    is_same &= as_reported(name, {body.to_numpy}, None, reported[name])",
            *_beside(account, 0),
        ]
    lines += [
        'print("reproduced" if is_same else "NOT REPRODUCED: see above")',
        "sys.exit(0 if is_same else 1)",
    ]
    return lines


def _run(body: Body, inputs: str, run: int, account: Account) -> list[str]:
    count, suffix = len(account.runs), f"_{run + 1}" if run else ""
    head = [f'print("run {run + 1} of {count}")'] if count > 1 else []
    call = f"graph(**{body.argument % inputs})"
    lines = [f"for name, value in named(answer{suffix}):"]
    mask = body.mask or "None"
    if body.masks_beside:
        head += [f"answer{suffix}, masks = {call}", "masks = dict(named(masks))"]
        mask = "masks.get(name)"
    else:
        head.append(f"answer{suffix} = {call}")
    if body.mask:
        lines += [f"    mask = {mask}", "    mask = None if mask is None else np.asarray(mask)"]
        mask = "mask"
    lines.append(f"    is_same &= as_reported(name, {body.to_numpy}, {mask}, reported{suffix}[name])")
    if body.has_hidden:
        lines[1:1] = [f"    if name not in reported{suffix}:  # computed, not observed", "        continue"]
    return [*head, *lines, *_beside(account, run)]


def _beside(account: Account, run: int) -> list[str]:
    """What prints the reference's answer below one that differs."""
    suffix = f"_{run + 1}" if run else ""
    if all(said.reference is None for said in account.runs[run].values()):
        return []
    return [f"    if name in expected{suffix}:", f"        print(expected{suffix}[name])"]


def _function(body: Body, kinds: set[str]) -> list[str]:
    checks = "".join(_CHECKS[kind] for kind in _CHECKS if kind in kinds)
    mask = ", mask {shown}" if "mask" in kinds else ""
    text = _COMPARE.replace("@CHECKS@", checks).replace("@MASK@", mask)
    if "mask" not in kinds:
        text = "\n".join(line for line in text.split("\n") if "shown =" not in line)
    return text.rstrip().split("\n")


def _kinds(body: Body, account: Account) -> set[str]:
    every = [said for run in account.runs for said in run.values()]
    kinds = {"values"} if any(said.values is not None for said in every) else set()
    if any(said.worst or said.outline for said in every):
        kinds.add("worst")
    if any(said.mask is not None for said in every):
        kinds.add("mask")
    if body.has_symbolic and any(said.symbolic is not None for said in every):
        kinds.add("symbolic")
    return kinds


def _reported(account: Account) -> list[str]:
    """`reported`, and `expected` where the lane differs from the reference; `reported_2` ... for further runs."""
    lines: list[str] = []
    for index, run in enumerate(account.runs):
        suffix = f"_{index + 1}" if index else ""
        lines.append(f"reported{suffix} = {{")
        for label, said in run.items():
            entries = ", ".join(f'"{key}": {text}' for key, text in _entries(said))
            long = [f'        "{key}": {text},' for key, text in _entries(said)]
            one = f"    {quoted(label)}: {{{entries}}},"
            lines += [one] if len(one) < 116 and "\n" not in one else [f"    {quoted(label)}: {{", *long, "    },"]
        lines.append("}")
        rows = [f"    {quoted(label)}: {text}," for label, text in _expected(run)]
        lines += [f"expected{suffix} = {{", *rows, "}"] if rows else []
    return [line for block in lines for line in block.split("\n")]


def _entries(said: Said) -> Iterable[tuple[str, str]]:
    yield "shape", repr(said.shape)
    yield "dtype", quoted(said.dtype)
    if isinstance(said.mask, np.ndarray):
        yield "mask", array_text(said.mask, 8)
    elif said.mask is not None:
        yield "mask", "None" if said.mask == "none" else repr(said.mask)
    if said.symbolic is not None:
        yield "symbolic", repr(said.symbolic)
    if said.values is not None:
        yield "values", array_text(said.values.reshape(said.shape) if said.every == 1 else said.values, 8)
        if said.every > 1:
            yield "every", str(said.every)
    if said.rtol:
        yield "rtol", repr(said.rtol)
    if said.worst:
        yield "worst", "[" + ", ".join(f"({index!r}, {scalar_text(value)})" for index, value in said.worst) + "]"
    if said.outline is not None:
        yield "outline", "(" + ", ".join(scalar_text(value) for value in said.outline) + ")"
    yield "atol", f"{said.atol:.3g}"


def _expected(run: Mapping[str, Said]) -> Iterable[tuple[str, str]]:
    for label, words in expected_words(run):
        yield label, _words(f"    the reference expects: {words}")


def expected_words(run: Mapping[str, Said]) -> Iterable[tuple[str, str]]:
    """What the reference gives where the lane differs, by node."""
    for label, said in run.items():
        if said.reference is None:
            continue
        wanted = said.reference
        mask = "none" if wanted.mask is None else wanted.mask.astype(int).tolist()
        dtype = "float32" if wanted.dtype == "float64" else wanted.dtype
        words = f"shape {wanted.shape}, dtype {dtype}, mask {mask}"
        values = wanted.values.astype(np.float32) if wanted.values.dtype.kind == "f" else wanted.values
        if values.size <= LITERAL:
            words += "\n" + textwrap.indent(np.array2string(values, max_line_width=100), "    ")
        for index, _ in said.worst:
            if len(index) == values.ndim and wanted.shape == said.shape:
                words += f"\n    {values[index]!s} at {index}"
        yield label, words


def _words(text: str) -> str:
    """A string of several lines, line below line."""
    lines = text.split("\n")
    parts = [quoted(line) if line is lines[-1] else _broken(line) for line in lines]
    return parts[0] if len(parts) == 1 else "(\n" + "\n".join(f"        {part}" for part in parts) + "\n    )"


def _broken(line: str) -> str:
    """A literal of a line and the line break after it."""
    return quoted(line)[:-1] + "\\n" + quoted(line)[-1]
