"""Reads case files and folders of them: all cases, or every mistake in all of them."""

from __future__ import annotations

import gc
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conformance.case.matrix import unfold
from conformance.case.model import Case
from conformance.case.problems import Problems, TooManyProblems
from conformance.case.schema import FILE
from conformance.case.validate import case_of, head_of
from conformance.case.yaml import Document, Located, Point, read
from conformance.errors import CaseError, Position, Problem, UsageError

SUFFIX = ".case.yaml"
MAX_CASES = 2000
"""Cases in a file, those of every matrix counted."""

_PART = re.compile(r"[a-z0-9][a-z0-9_-]*")


def load_folder(path: str | Path) -> tuple[Case, ...]:
    """All cases below a folder, in the order of paths and of lines.

    Raises CaseError with the problems of all files, and UsageError where there is no folder or no case file in it.
    """
    with _uncollected():
        return _load_folder(Path(path))


def load_each(path: str | Path) -> Loaded:
    """What the files below a folder hold, each case by itself: a mistake in one of them costs that one.

    A file none of whose cases can be read is one bad case, called after its path. Raises UsageError as `load_folder`.
    """
    cases: list[Case] = []
    bad: list[BadCase] = []
    with _uncollected():
        for file in _files(Path(path)):
            try:
                held = load_parts(file)
            except CaseError as error:
                bad.append(BadCase(display_path(file.absolute()), error.problems[0].position, error))
                continue
            cases += held.cases
            bad += held.bad
    return Loaded(tuple(cases), tuple(bad))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keeps the garbage collector still: what is read stays, and it would walk all of it again and again."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def _files(folder: Path) -> list[Path]:
    """The case files below a folder, by path. Raises UsageError where there are none."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", "name a folder that holds case files")
    files = sorted(file for file in folder.rglob("*") if file.name.endswith((SUFFIX, ".case.yml")))
    if not files:
        raise UsageError(f"there is no case file in {folder}", f"case files end in {SUFFIX}")
    return files


def _load_folder(folder: Path) -> tuple[Case, ...]:
    cases: list[Case] = []
    problems: list[Problem] = []
    for file in _files(folder):
        try:
            cases += load_file(file)
        except CaseError as error:
            problems += error.problems
    problems += _duplicates(cases)
    if problems:
        raise CaseError(problems)
    return tuple(cases)


@dataclass(frozen=True, slots=True)
class BadCase:
    """A case that cannot be read: its id as far as it is known, where it stands, and every mistake in it."""

    id: str
    position: Position
    error: CaseError


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds: the cases that are in order, and those that are not."""

    cases: tuple[Case, ...]
    bad: tuple[BadCase, ...]


def load_file(path: str | Path, display: str | None = None) -> tuple[Case, ...]:
    """The cases of one file, in its order; `display` is the path that messages and positions name.

    Raises CaseError with every problem of the file.
    """
    loaded = load_parts(path, display)
    if loaded.bad:
        raise CaseError([problem for bad in loaded.bad for problem in bad.error.problems])
    return loaded.cases


def load_parts(path: str | Path, display: str | None = None) -> Loaded:
    """What one file holds, each case by itself: a mistake in one of them costs that one.

    Raises CaseError for what all its cases share: a name that is none, text that is no YAML, a bad head.
    """
    file = Path(path).absolute()
    shown = display if display is not None else display_path(file)
    prefix = _prefix(file, shown)
    document = read(file, shown)
    problems = document.problems
    cases: list[Case] = []
    written: list[Located] = []
    try:
        head = head_of(document.root, prefix, file.parent.resolve(), problems)
        for node, text in written_cases(document):
            written.append(node)
            variants = unfold(node, text, problems)
            if len(cases) + len(variants) > MAX_CASES:
                problems.add(node, f"more than {MAX_CASES} cases in one file", "split the file")
                break
            cases += filter(None, [case_of(head, variant, text) for variant in variants])
    except TooManyProblems:
        pass
    problems.found += _duplicates(cases)
    return _parted(cases, written, problems.found, Position(shown, 1, 1), prefix)


def _parted(
    cases: Sequence[Case], written: Sequence[Located], problems: Sequence[Problem], top: Position, prefix: str
) -> Loaded:
    """The cases in whose lines no mistake stands, and the others, each with its own.

    Raises CaseError with every mistake where one stands outside of all cases.
    """
    mine: dict[int, list[Problem]] = {}
    for problem in problems:
        line = problem.position.line
        index = next((i for i, node in enumerate(written) if node.line <= line <= node.last_line), None)
        if index is None:
            raise CaseError(list(problems))
        mine.setdefault(index, []).append(problem)
    bad = []
    for index, found in sorted(mine.items()):
        node = written[index]
        name = node.get("id")
        id = f"{prefix}.{name.value}" if name is not None and isinstance(name.value, str) else prefix
        bad.append(BadCase(id, Position(top.path, node.line, node.column), CaseError(found)))
    places = {one.position for one in bad}
    return Loaded(tuple(case for case in cases if case.position not in places), tuple(bad))


def display_path(file: Path) -> str:
    """A path as people write it: from the working directory where the file is below it."""
    here = Path.cwd()
    return (file.relative_to(here) if file.is_relative_to(here) else file).as_posix()


def _prefix(file: Path, shown: str) -> str:
    """`family/topic` of a file, from the names of its folder and itself."""
    problems = Problems(shown, [])
    topic = file.name.removesuffix(SUFFIX)
    if topic == file.name:
        problems.add(Point(1, 1), "not the name of a case file", f"case files end in {SUFFIX}")
    for what, name in (("folder", file.parent.name), ("file", topic)):
        if topic != file.name and not _PART.fullmatch(name):
            hint = "lower-case letters, digits, _ and -: folder and file are part of the ids"
            problems.add(Point(1, 1), f"the {what} name {name!r} cannot be part of an id", hint)
    problems.raise_if_any()
    return f"{file.parent.name}/{topic}"


def written_cases(document: Document) -> list[tuple[Located, str]]:
    """Each case and its own lines; notes where `cases` is no list of mappings."""
    root, problems = document.root, document.problems
    if not root.is_mapping:
        return []
    cases = root.get("cases")
    if cases is None:
        problems.add(root, "the case file needs the key cases", f"cases: {FILE.fields['cases'].description}")
        return []
    if not cases.is_list or not cases.value:
        problems.add(cases, "cases must be a list of at least one case", "each starts with `- id: ...`")
        return []
    if len(cases.value) > MAX_CASES:
        problems.add(cases, f"{len(cases.value)} cases in one file; {MAX_CASES} are allowed", "split the file")
        return []
    written = []
    for index, node in enumerate(cases.value):
        if node.is_mapping:
            written.append((node, "\n".join(document.lines[node.line - 1 : node.last_line])))
        else:
            problems.add(node, f"cases[{index}] must be a mapping", "a case starts with `- id: ...`")
    return written


def _duplicates(cases: list[Case]) -> list[Problem]:
    first: dict[str, Case] = {}
    problems = []
    for case in cases:
        other = first.setdefault(case.id, case)
        if other is not case:
            message = f"a second case has the id {case.id}"
            problems.append(Problem(case.position, message, f"the first is at {other.position}"))
    return problems
