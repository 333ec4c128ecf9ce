"""Mutants of the source of the reference and of the judge, made by cosmic-ray, and which of them the tests find.

    python -m benchmarks.source_mutants list -o FILE [--per-module 12]      where cosmic-ray is installed
    python -m benchmarks.source_mutants run FILE -o docs/evidence/source_mutants.md  where the project is

`list` takes a sample from every module: those of all its mutants whose hash comes first, the same each time. `run`
forks a process for each, in which the changed text stands in for the module, so that no file changes: first the tests
of that module, then, for what is left of the reference, every case that the module has a part in, judged as if the
mutant were a lane. NumPy only, no framework. What survives all of it and is not argued to be equivalent is a gap.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PACKAGES = ("conformance/reference", "conformance/judge")
LEFT_OUT = ("Variable", "Bit", "Shift", "_Is", "Is_", "IsNot", "Decorator", "Exception")
"""Operators that ask for names, that raise for any float and would flatter the score, or that change no number."""


def modules() -> list[Path]:
    """The files of both packages, but for those without code."""
    every = (path for package in PACKAGES for path in sorted((ROOT / package).glob("*.py")))
    return [path for path in every if path.name not in ("__init__.py", "catalog.py")]


def mutants_of(path: Path, count: int) -> Iterator[dict[str, Any]]:
    """A sample of the mutants of one file, with the changed text of the whole file."""
    ray: Any = importlib.import_module("cosmic_ray")  # in an environment of its own, not in the project's
    for part in ("ast", "mutating", "plugins"):
        importlib.import_module(f"cosmic_ray.{part}")
    ast_nodes, get_ast, mutate_code = ray.ast.ast_nodes, ray.ast.get_ast, ray.mutating.mutate_code
    get_operator, operator_names = ray.plugins.get_operator, ray.plugins.operator_names
    text = path.read_text(encoding="utf-8")
    nodes = list(ast_nodes(get_ast(text)))
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    places: list[tuple[str, int, int]] = []
    ours = lines_of_mistakes(text)
    for name in sorted(operator_names()):
        if any(part in name for part in LEFT_OUT):
            continue
        operator = get_operator(name)()
        positions = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        places += [(name, number, line) for number, (line, _) in enumerate(positions) if line not in ours]
    order = sorted(places, key=lambda one: hashlib.sha256(f"{module} {one[0]} {one[1]}".encode()).digest())
    found = 0
    for name, number, line in order:
        changed = mutate_code(text, get_operator(name)(), number)
        if changed is None or not is_other_code(text, changed):
            continue
        before, after = differing_lines(text, changed)
        yield {
            "module": module,
            "of": len(places),
            "operator": name.removeprefix("core/"),
            "line": line,
            "before": before,
            "after": after,
            "text": changed,
        }
        found += 1
        if found == count:
            return


def lines_of_mistakes(text: str) -> set[int]:
    """The lines of the mutants that layers come with: they are material for tests, not mathematics."""
    calls = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    named = (node for node in calls if isinstance(node.func, ast.Name) and node.func.id == "Mutant")
    return {line for node in named for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def is_other_code(text: str, changed: str) -> bool:
    """Whether anything but annotations differs: these are never evaluated."""
    try:
        return _code_of(text) != _code_of(changed)
    except SyntaxError:
        return False


def _code_of(text: str) -> str:
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
        if isinstance(node, ast.arg):
            node.annotation = None
        if isinstance(node, ast.AnnAssign):
            node.annotation = ast.Constant(None)
    return ast.dump(tree)


def differing_lines(text: str, changed: str) -> tuple[str, str]:
    """The first lines that are not the same."""
    for mine, theirs in zip(text.splitlines(), changed.splitlines(), strict=False):
        if mine != theirs:
            return mine.strip(), theirs.strip()
    return "", ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Lists or runs; exit code 1 where a mutant survives that nobody has argued about."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(required=True, dest="command")
    making = commands.add_parser("list")
    making.add_argument("-o", "--output", type=Path, required=True)
    making.add_argument("--per-module", type=int, default=12)
    running = commands.add_parser("run")
    running.add_argument("mutants", type=Path)
    running.add_argument("-o", "--output", type=Path)
    running.add_argument("--keep", type=Path, help="where outcomes are kept as they come, and read again")
    parsed = parser.parse_args(arguments)
    if parsed.command == "list":
        found = [mutant for path in modules() for mutant in mutants_of(path, parsed.per_module)]
        parsed.output.parent.mkdir(parents=True, exist_ok=True)
        parsed.output.write_text(json.dumps(found), encoding="utf-8")
        return 0
    from benchmarks.notes import with_notes
    from benchmarks.source_mutants_run import NOTES, is_good, page, run

    outcomes = run(json.loads(parsed.mutants.read_text(encoding="utf-8")), parsed.keep)
    text = page(outcomes)
    if parsed.output is None:
        sys.stdout.write(text)
    else:
        parsed.output.write_text(with_notes(text, parsed.output, NOTES), encoding="utf-8")
    return 0 if is_good(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
