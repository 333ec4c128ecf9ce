"""Runs mutants of the source, each in a process of its own, and writes down which survive."""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import json
import os
import pickle
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from benchmarks.source_mutants_argued import ARGUED

ROOT = Path(__file__).parents[1]
SECONDS = 120
"""A mutant that takes longer is found: it does not end."""

TESTS: Mapping[str, tuple[str, ...]] = {
    "conformance.reference.base": ("core", "merging", "wrappers"),
    "conformance.reference.batch_normalization": ("normalization",),
    "conformance.reference.distances": ("more_losses",),
    "conformance.reference.gates": ("recurrent", "rnn"),
    "conformance.reference.margins": ("more_losses",),
    "conformance.reference.multi_head_attention": ("attention",),
    "conformance.reference.optimizer_base": ("optimizers",),
    "conformance.reference.global_pooling": ("pooling",),
    "conformance.reference.windows": ("conv", "pooling", "depthwise"),
}
"""Modules whose tests are not called after them."""
JUDGED_BY = {
    "changes": ("tests/judge/test_transforms.py", "tests/mutants/test_explain.py"),
    "divergence": ("tests/judge/test_divergence.py", "tests/judge/test_case.py", "tests/mutants/test_explain.py"),
    "explain": ("tests/mutants/test_explain.py", "tests/mutants/test_feeding.py", "tests/mutants/test_trained.py"),
    "feeding": ("tests/mutants/test_feeding.py",),
    "gates": ("tests/mutants/test_feeding.py",),
    "transforms": ("tests/judge/test_transforms.py", "tests/mutants/test_explain.py"),
}
"""Modules of the judge that the tests in `tests/judge` are not enough for."""

NOTES = "## This run"
"""From here on the page is written by hand and stays."""

Mutant = Mapping[str, Any]


def tests_of(module: str) -> list[str]:
    """The test files of a module of the reference or of the judge."""
    if not module.startswith("conformance.reference."):
        return list(JUDGED_BY.get(module.rpartition(".")[2], ("tests/judge", "tests/test_fakes.py", "tests/relations")))
    names = TESTS.get(module, (module.rpartition(".")[2],))
    files = (f"tests/reference/test_{name}.py" for name in (*names, "longest_sum", "bounds"))
    return [file for file in files if (ROOT / file).exists()]


class Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads one module from a text instead of its file."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> Any:
        if fullname != self.name:
            return None
        file = ROOT.joinpath(*fullname.split(".")).with_suffix(".py")
        return importlib.util.spec_from_file_location(fullname, file, loader=self)

    def create_module(self, spec: Any) -> None:
        return None

    def pytest_configure(self) -> None:
        """Steps before pytest's own importer, which takes the modules of plugins from their files."""
        sys.meta_path.insert(0, self)

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.text, str(module.__file__), "exec"), module.__dict__)


def forked(work: Any) -> int:
    """The exit code of a piece of work in a process of its own, silent; 99 where it does not end in time."""
    child = os.fork()
    if child == 0:
        code = 98
        try:
            signal.alarm(SECONDS)
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            code = int(work())
        except BaseException:
            code = 97
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    return 99 if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def in_tests(mutant: Mutant) -> int:
    """0 where all tests of the module pass with the mutant in its place."""

    def work() -> int:
        import pytest

        marks = "not torch and not frameworks and not browser"
        asked = ["-x", "-q", "-p", "no:cacheprovider", "-m", marks, *tests_of(mutant["module"])]
        return int(pytest.main(asked, plugins=[Changed(mutant["module"], mutant["text"])]))

    return forked(work)


def expected(path: Path) -> None:
    """Writes every case's plan and the reference's observation, made by the real modules."""

    def work() -> int:
        from conformance.case.load import load_folder
        from conformance.oracle.run import answer
        from conformance.plans.draw import plan_of

        rows = []
        for case in load_folder(ROOT / "cases"):
            plan = plan_of(case, with_gradients=False)
            modules = {part for kind in case.layer_types for part in _modules(kind)}
            rows.append((case, plan, answer(plan), modules))
        path.write_bytes(pickle.dumps(rows))
        return 0

    limit, globals()["SECONDS"] = SECONDS, 3600
    try:
        if forked(work) != 0:
            raise SystemExit("the reference's own answers could not be made")
    finally:
        globals()["SECONDS"] = limit


def _modules(kind: str) -> set[str]:
    """The modules of the reference that a layer may run through: its own, and what that imports of them."""
    from conformance.reference.catalog import LAYERS

    if kind not in LAYERS:
        return set()
    found: set[str] = set()
    waiting = [LAYERS[kind].__module__]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        held = vars(importlib.import_module(name)).values()
        waiting += [
            m for one in held if (m := str(getattr(one, "__module__", ""))).startswith("conformance.reference.")
        ]
    return found


def in_cases(mutant: Mutant, path: Path) -> int:
    """0 where no case tells the mutant from the real module: values, masks, shapes, expectations and claims."""

    def work() -> int:
        sys.meta_path.insert(0, Changed(mutant["module"], mutant["text"]))
        import numpy as np

        from conformance.judge.case import judge_lane
        from conformance.oracle.run import Depth, answer

        for case, plan, reference, modules in pickle.loads(path.read_bytes()):
            if mutant["module"] not in modules:
                continue
            with np.errstate(all="ignore"):
                try:
                    got = answer(plan, Depth.VALUES)
                except Exception:
                    if reference.failure is None:
                        return 1
                    continue
            if reference.failure is not None or got.failure is not None:
                if (reference.failure is None) != (got.failure is None):
                    return 1
                continue
            if judge_lane(case, got, reference, gives_masks=True).cause is not None:
                return 1
        return 0

    return forked(work)


def run(mutants: Sequence[Mutant], keep: Path | None = None) -> list[dict[str, Any]]:
    """Every mutant with what found it: `tests`, `cases`, `time` or nothing; kept as they come.

    Raises SystemExit where the tests of a module fail without any mutant: then they would find all of them.
    """
    done: dict[str, str] = json.loads(keep.read_text(encoding="utf-8")) if keep and keep.exists() else {}
    for name in ("numpy", "autograd.numpy", "pytest"):
        importlib.import_module(name)
    groups = {tuple(tests_of(mutant["module"])): mutant["module"] for mutant in mutants}
    for module in groups.values():
        text = ROOT.joinpath(*module.split(".")).with_suffix(".py").read_text(encoding="utf-8")
        if in_tests({"module": module, "text": text}) != 0:
            raise SystemExit(f"the tests of {module} do not pass as it is")
        if in_tests({"module": module, "text": "raise ImportError"}) == 0:
            raise SystemExit(f"the tests of {module} do not see what is put in its place")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "expected.pickle"
        for mutant in mutants:
            key = f"{mutant['module']}|{mutant['operator']}|{mutant['line']}|{mutant['after']}"
            if key not in done:
                done[key] = _found(mutant, path)
                if keep is not None:
                    keep.write_text(json.dumps(done, indent=1), encoding="utf-8")
    keys = [f"{m['module']}|{m['operator']}|{m['line']}|{m['after']}" for m in mutants]
    return [{**mutant, "found": done[key]} for mutant, key in zip(mutants, keys, strict=True)]


def _found(mutant: Mutant, path: Path) -> str:
    code = in_tests(mutant)
    if code == 99:
        return "time"
    if code != 0:
        return "tests"
    if not mutant["module"].startswith("conformance.reference."):
        return ""
    if not path.exists():
        expected(path)
    return "cases" if in_cases(mutant, path) else ""


def argument(outcome: Mapping[str, Any]) -> str:
    """Why a mutant that survives computes the same; empty where nobody has said."""
    return ARGUED.get((outcome["module"].removeprefix("conformance."), outcome["before"], outcome["after"]), "")


def is_good(outcomes: Sequence[Mapping[str, Any]]) -> bool:
    """Whether every mutant is found or argued to be equivalent."""
    return all(one["found"] or argument(one) for one in outcomes)


def page(outcomes: Sequence[Mapping[str, Any]]) -> str:
    """The outcomes as markdown."""
    found = [one for one in outcomes if one["found"]]
    left = [one for one in outcomes if not one["found"]]
    equivalent = [one for one in left if argument(one)]
    gaps = [one for one in left if not argument(one)]
    modules = dict.fromkeys(one["module"] for one in outcomes)
    every = sum({one["module"]: one["of"] for one in outcomes}.values())
    by = {kind: sum(one["found"] == kind for one in found) for kind in ("tests", "cases", "time")}
    told = len(outcomes) - len(equivalent)
    lines = [
        "# Generic mutants of the source",
        "",
        f"{len(outcomes)} of {every} mutants that cosmic-ray makes of `conformance/reference/` and",
        "`conformance/judge/`: a sample from every module that is the same each time. Annotations, bitwise operators",
        "on floats and the named mutants themselves are left out. Made by `nox -s source_mutants`. A mutant of the",
        "reference is looked for by the tests of its module and then by every case that the module has a part in; one",
        "of the judge by its tests. No framework runs: literal expectations and the real reference stand for lanes.",
        "",
        f"- found: {len(found)} of {len(outcomes)}; by tests {by['tests']}, by cases only {by['cases']}, "
        f"by not ending {by['time']}",
        f"- equivalent, with an argument: {len(equivalent)}",
        f"- gaps: {len(gaps)}",
        f"- score without the equivalent ones: {len(found)} of {told}, {100 * len(found) / max(told, 1):.1f} %",
        "",
        "| module | mutants | of | found by tests | by cases only | equivalent | gaps |",
        "|---|---|---|---|---|---|---|",
    ]
    for module in modules:
        own = [one for one in outcomes if one["module"] == module]
        tested, cased = (sum(one["found"] in kinds for one in own) for kinds in (("tests", "time"), ("cases",)))
        argued = sum(not one["found"] and bool(argument(one)) for one in own)
        rest = len(own) - tested - cased - argued
        name = module.removeprefix("conformance.")
        lines.append(f"| {name} | {len(own)} | {own[0]['of']} | {tested} | {cased} | {argued} | {rest} |")
    for title, some in (("Gaps", gaps), ("Equivalent", equivalent)):
        lines += ["", f"## {title}", "", *(_row(one) for one in some)]
        lines += [] if some else ["None."]
    return "\n".join(lines) + "\n"


def _row(one: Mapping[str, Any]) -> str:
    where = f"{one['module'].removeprefix('conformance.')}:{one['line']}"
    why = f": {text}" if (text := argument(one)) else ""
    return f"- {where}, {one['operator']}: `{one['before']}` becomes `{one['after']}`{why}"
