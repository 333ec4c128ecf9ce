"""Known deviations: differences that somebody looked at and explained, as data in `deviations/*.yaml`.

    schema_version: 1
    deviations:
      - id: merge-masks-before-3-4
        cases: [merging/masks.average]       exact ids, or a folder: merging/*
        lanes: [keras]                       names of lanes, or of adapters
        aspect: mask
        observed: {node: merged, got: none}  see `conformance.gate.signature`; a list of them where one bug shows in
                                             several ways, each with an `aspect` where it is another one
        when: keras>=3 and keras<3.4         PEP 440, over the versions that the lane proved; always when left out;
                                             `or` between alternatives: keras<3 or tf_keras<3
        modes: [function, xla]               execution modes and dtype policies; any when left out, but then it is never
        policies: [mixed_bfloat16]           stale where a lane runs in an unusual one
        env: [TF_ENABLE_ONEDNN_OPTS=0]       variables that the lane was started with, in the same way
        began: keras==3.0.0                  the release in which it began; keras<=3.0.0 where none older was tried
        kind: upstream                       bug, upstream, by design, ours to do
        reason: Keras 3.0 to 3.3 attached no mask to the output of a merge layer.
        link: https://...                    needed for `bug` and `upstream`
        owner: alice
        added: 2026-11-21
        expires: 2027-05-01

Every mistake in a file is a problem with its place, as in case files.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from conformance.case.problems import did_you_mean, listed, shown
from conformance.case.yaml import Document, Located, read
from conformance.errors import CaseError, Position, Problem, UsageError
from conformance.gate.signature import KEYS
from conformance.lanes.options import COMPILERS, EXPORTS, every

KINDS = ("bug", "upstream", "by design", "ours to do")
_TEXTS = ("id", "aspect", "kind", "reason", "owner", "added", "expires", "when", "link", "began")
_LISTS = ("cases", "lanes", "modes", "policies", "env")
_OPTIONAL = ("when", "link", "modes", "policies", "env", "began")
_WAYS = {
    "modes": (
        *(mode for mode in every("mode") if mode != "compile"),
        *(f"compile={name}" for name in COMPILERS),
        *(f"export={name}" for name in EXPORTS),
    ),
    "policies": every("policy"),
}
_FIELDS = ("id", "cases", "lanes", "aspect", "observed", *_OPTIONAL, "kind", "reason", "owner", "added", "expires")
_BEGAN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*(?:==|<=)[0-9][A-Za-z0-9.]*")
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_CASE = re.compile(r"[a-z0-9][a-z0-9_-]*/(?:\*|[A-Za-z0-9_.-]+)")


@dataclass(frozen=True, slots=True)
class Observed:
    """One way in which a deviation shows: what differs first, and its signature."""

    aspect: str
    signature: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Deviation:
    """One known difference of some lanes in some cases."""

    id: str
    cases: tuple[str, ...]
    lanes: tuple[str, ...]
    aspect: str
    observed: tuple[Observed, ...]
    """In which ways it shows; any of them is the deviation."""
    kind: str
    reason: str
    owner: str
    added: datetime.date
    expires: datetime.date
    position: Position
    last_line: int
    when: str = ""
    link: str = ""
    modes: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    began: str = ""
    """The release in which it began, as `keras==3.7.0`; with `<=` where none older was tried."""

    def covers(self, case: str) -> bool:
        """Whether it is about this case, by its id or by its folder."""
        return case in self.cases or any(name.endswith("/*") and case.startswith(name[:-1]) for name in self.cases)

    @property
    def exact(self) -> tuple[str, ...]:
        """The cases that are named by their ids; each of them must show it."""
        return tuple(name for name in self.cases if not name.endswith("/*"))

    def holds(
        self,
        lane: str,
        adapter: str,
        versions: Mapping[str, str],
        mode: str = "eager",
        policy: str = "float32",
        settings: Collection[str] = (),
    ) -> bool:
        """Whether it is about this lane as it proved to be."""
        is_meant = mode in (self.modes or (mode,)) and policy in (self.policies or (policy,))
        is_meant = is_meant and set(self.env) <= set(settings)
        return is_meant and bool({lane, adapter} & set(self.lanes)) and holds(self.when, versions)

    def claims(self, lane: str, mode: str = "eager", policy: str = "float32", settings: Collection[str] = ()) -> bool:
        """Whether it says that this lane differs, so that it is stale where the lane agrees.

        One that names only an adapter and no versions excuses other versions of it where they do the same, and says
        nothing of those that do not; so with execution modes, dtype policies and variables that it does not name.
        """
        is_meant = mode in ("eager", *self.modes) and policy in ("float32", *self.policies)
        is_meant = is_meant and set(settings) <= set(self.env)
        return is_meant and (lane in self.lanes or bool(self.when))


def alternatives(condition: str) -> list[list[Requirement]]:
    """The parts of a condition, `keras>=3 and keras<3.4 or tf_keras<3`. Raises InvalidRequirement."""
    return [
        [Requirement(part.strip()) for part in re.split(r"\band\b", either)]
        for either in (re.split(r"\bor\b", condition) if condition else [])
    ]


def holds(condition: str, versions: Mapping[str, str]) -> bool:
    """Whether a condition is true of a lane; a package that the lane does not have makes a part of it false."""
    known = {name.replace("-", "_").lower(): version for name, version in versions.items()}
    return not condition or any(_all_hold(parts, known) for parts in alternatives(condition))


def _all_hold(parts: Sequence[Requirement], known: Mapping[str, str]) -> bool:
    for part in parts:
        version = known.get(part.name.replace("-", "_").lower())
        if version is None:
            return False
        try:
            if not part.specifier.contains(Version(version), prereleases=True):
                return False
        except InvalidVersion:
            return False
    return True


def load_folder(folder: Path, root: Path | None = None) -> tuple[Deviation, ...]:
    """All deviations of a folder, in the order of files and lines; paths in messages are shown from `root` on.

    Raises CaseError with the problems of all files, and UsageError where the folder is none.
    """
    if not folder.is_dir():
        raise UsageError(
            f"{folder} is not a folder", "name a folder that holds deviations as YAML: --deviations FOLDER"
        )
    found: list[Deviation] = []
    problems: list[Problem] = []
    for file in sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")]):
        try:
            found += load_file(file, _display(file, root))
        except CaseError as error:
            problems += error.problems
    first: dict[str, Deviation] = {}
    for deviation in found:
        other = first.setdefault(deviation.id, deviation)
        if other is not deviation:
            problems.append(
                Problem(deviation.position, f"a second deviation is called {deviation.id}", f"first: {other.position}")
            )
    if problems:
        raise CaseError(problems)
    return tuple(found)


def _display(file: Path, root: Path | None) -> str:
    if root is not None and file.resolve().is_relative_to(root.resolve()):
        return file.resolve().relative_to(root.resolve()).as_posix()
    return file.as_posix()


def load_file(file: Path, display: str | None = None) -> list[Deviation]:
    """The deviations of one file. Raises CaseError with all its problems."""
    document = read(file, display or file.as_posix())
    found = [_deviation(item, document) for item in document.entries("deviations", "id")]
    document.problems.raise_if_any()
    return [deviation for deviation in found if deviation is not None]


def _deviation(item: Located, document: Document) -> Deviation | None:
    """One deviation; None, and its problems noted, where it is not one."""
    problems = document.problems
    before = len(problems.found)
    if not item.is_mapping:
        problems.add(item, "a deviation must be a mapping", f"its keys: {', '.join(_FIELDS)}")
        return None
    for key, where in item.keys.items():
        if key not in _FIELDS:
            problems.add(where, f"unknown key {shown(key)} in a deviation", did_you_mean(key, _FIELDS))
    for key in _FIELDS:
        if key not in item and key not in _OPTIONAL:
            problems.add(item, f"the deviation needs the key {key}", _HELP.get(key))
    texts = {key: _text(item[key], key, document) for key in _TEXTS if key in item}
    lists = {key: _texts(item[key], key, document) for key in _LISTS if key in item}
    _check_words(item, texts, lists, document)
    observed = _every_observed(item.get("observed"), texts.get("aspect", ""), document)
    dates = {key: _date(item[key], document) for key in ("added", "expires") if key in item}
    if len(problems.found) > before:
        return None
    return Deviation(
        position=Position(problems.path, item.line, item.column),
        last_line=item.last_line,
        cases=lists["cases"],
        lanes=lists["lanes"],
        modes=lists.get("modes", ()),
        policies=lists.get("policies", ()),
        env=lists.get("env", ()),
        observed=observed,
        added=dates["added"],
        expires=dates["expires"],
        **{key: text for key, text in texts.items() if key not in ("added", "expires")},
    )


_HELP = {
    "expires": "a date, 2027-05-01: when somebody should look at it again",
    "observed": "what the lane gave; `conformance deviations draft RESULTS` writes it",
    "owner": "who looks at it when it expires",
}


def _text(item: Located, key: str, document: Document) -> str:
    if not isinstance(item.value, str) or not item.value.strip():
        document.problems.add(item, f"{key} must be text", "write it in quotes")
        return ""
    return item.value.strip()


def _texts(item: Located, key: str, document: Document) -> tuple[str, ...]:
    if not item.is_list or not item.value:
        document.problems.add(item, f"{key} must be a list of at least one name", f"{key}: [one, two]")
        return ()
    return tuple(_text(entry, f"an entry of {key}", document) for entry in item.value)


def _check_words(
    item: Located, texts: Mapping[str, str], lists: Mapping[str, Sequence[str]], document: Document
) -> None:
    """Notes words that are none of those allowed, ids of the wrong form, and conditions that are not PEP 440."""
    problems = document.problems
    for key, allowed in (("kind", KINDS), ("aspect", tuple(KEYS))):
        if texts.get(key) and texts[key] not in allowed:
            hint = did_you_mean(texts[key], allowed) or f"one of {listed(allowed)}"
            problems.add(item[key], f"there is no {key} {shown(texts[key])}", hint)
    for key, allowed in _WAYS.items():
        for index, word in enumerate(lists.get(key, ())):
            if word and word not in allowed:
                hint = did_you_mean(word, allowed) or f"one of {listed(allowed)}"
                problems.add(item[key].value[index], f"there is no {shown(word)} among {key}", hint)
    for index, word in enumerate(lists.get("env", ())):
        if word and "=" not in word:
            where = item["env"].value[index]
            problems.add(where, f"{shown(word)} is no setting", "a variable and its value: TF_ENABLE_ONEDNN_OPTS=0")
    if texts.get("id") and not _ID.fullmatch(texts["id"]):
        problems.add(item["id"], f"{shown(texts['id'])} cannot be an id", "letters, digits, `_`, `-` and `.`")
    for index, case in enumerate(lists.get("cases", ())):
        if case and not _CASE.fullmatch(case):
            where = item["cases"].value[index]
            problems.add(where, f"{shown(case)} is not a case id", "family/topic.variant, or a folder: family/*")
    if texts.get("when"):
        try:
            alternatives(texts["when"])
        except InvalidRequirement as error:
            why = str(error).splitlines()[0]
            hint = f"as pip writes it, parts joined by `and` or `or`: keras>=3 and keras<3.4 ({why})"
            problems.add(item["when"], f"{shown(texts['when'])} is not a condition on versions", hint)
    if texts.get("began") and not _BEGAN.fullmatch(texts["began"]):
        problems.add(item["began"], f"{shown(texts['began'])} is not a release", "keras==3.7.0, or keras<=3.0.0")
    if texts.get("kind") in ("bug", "upstream") and "link" not in item:
        problems.add(item, f"a deviation of kind {texts['kind']} needs the key link", "where it is reported")
    if texts.get("link") and not re.match(r"https?://\S+$", texts["link"]):
        problems.add(item["link"], f"{shown(texts['link'])} is not a link", "https://...")


def _every_observed(item: Located | None, aspect: str, document: Document) -> tuple[Observed, ...]:
    """Every way in which a deviation shows: one mapping, or a list of them that may each name another aspect."""
    if item is None or not item.is_list:
        return (Observed(aspect, _observed(item, aspect, document)),)
    if not item.value:
        document.problems.add(item, "observed must say what the lane gave", "a mapping, or a list of them")
    found = []
    for entry in item.value:
        own = entry.get("aspect") if entry.is_mapping else None
        name = aspect if own is None else str(own.value)
        if name not in KEYS and aspect in KEYS:
            hint = did_you_mean(name, KEYS) or f"one of {listed(KEYS)}"
            document.problems.add(own or entry, f"there is no aspect {shown(name)}", hint)
            continue
        if own is not None:
            rest = {key: value for key, value in entry.value.items() if key != "aspect"}
            keys = {key: where for key, where in entry.keys.items() if key != "aspect"}
            entry = Located(rest, entry.line, entry.column, entry.last_line, keys)
        found.append(Observed(name, _observed(entry, name, document)))
    return tuple(found)


def _observed(item: Located | None, aspect: str, document: Document) -> Mapping[str, Any]:
    if item is None or aspect not in KEYS:
        return {}
    if not item.is_mapping:
        document.problems.add(item, "observed must be a mapping", f"its keys: {listed(KEYS[aspect])}")
        return {}
    for key, where in item.keys.items():
        if key not in KEYS[aspect]:
            keys = listed(KEYS[aspect])
            document.problems.add(where, f"the aspect {aspect} has no {shown(key)} to observe", f"its keys: {keys}")
    if KEYS[aspect] and not item.value:
        document.problems.add(item, "observed must say what the lane gave", f"its keys: {listed(KEYS[aspect])}")
    numeric = {"values": "got", "special": "got", "gradient": "off"}.get(aspect, "")
    if numeric in item and not _is_number(item[numeric].value):
        document.problems.add(item[numeric], f"{numeric} must be a number", "write nan or inf in small letters")
    found: dict[str, Any] = item.plain()
    return found


def _is_number(value: Any) -> bool:
    return (isinstance(value, int | float) and not isinstance(value, bool)) or value in ("nan", "inf", "-inf")


def _date(item: Located, document: Document) -> datetime.date:
    try:
        return datetime.date.fromisoformat(str(item.value))
    except ValueError:
        document.problems.add(item, f"{shown(str(item.value))} is not a date", "year-month-day: 2027-05-01")
        return datetime.date.min
