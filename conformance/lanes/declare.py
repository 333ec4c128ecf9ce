"""Lanes from anywhere, in one line of text or a table of `pyproject.toml`, without code.

    keras@3.3.3                         this interpreter's packages, with another Keras laid over them
    keras[jax]                          Keras 3 on another backend
    tf_keras                            Keras 2 as it goes on beside Keras 3
    old=keras,tensorflow==2.15.1        a name, and an environment of its own with these packages
    old=keras,python=/path/to/python    whatever another interpreter has
    torch,python=ssh://me@host/usr/bin/python3    and on another machine, which needs nothing of ours
    ssh://host/path/to/python           the same for Keras, its lane called keras@host
    keras@./path                        a checkout of Keras, whatever its version
    keras[mode=xla]                     executed in another way, or in another precision; see lanes/options.py
    mine=team.lane                      an adapter of one's own: a module with `start(options)`, where the project's
                                        `imports` allow its package

In `pyproject.toml`, where a table says the same in keys:

    [tool.conformance.lanes]
    old = "keras,tensorflow==2.15.1"
    jax = {adapter = "keras", backend = "jax", version = "3.15.1", packages = ["jax==0.4.38"]}
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import tomllib
from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import InvalidVersion, Version

from conformance import imports
from conformance.case.problems import did_you_mean, listed, shown
from conformance.errors import UsageError
from conformance.lanes import options as lane_options
from conformance.lanes.gateway import HOST
from conformance.lanes.spec import LaneSpec

PACKAGES: Mapping[str, str] = {
    "keras": "keras",
    "tf_keras": "keras",
    "torch": "torch",
    "numpy": "numpy",
    "transformers": "transformers",
}
"""What a lane may be asked for, to the adapter that runs it."""
BACKENDS: Mapping[str, tuple[str, ...]] = {
    "tensorflow": ("tensorflow",),
    "torch": ("torch",),
    "jax": ("jax",),
    "numpy": ("numpy", "scipy", "jax"),  # its convolutions are JAX's: `import jax` in nn.py from 3.0 to 3.15
    "openvino": ("openvino", "scipy"),
}
"""Backends of Keras 3, and the packages that each needs."""
REMOTE = "ssh://"
"""How the place of an interpreter on another machine begins."""
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "OMP_NUM_THREADS": "1"}
"""Variables that every lane is started with: no chatter, one thread."""

_KEYS = ("adapter", "backend", "version", "packages", "python", *lane_options.OPTIONS)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.@+-]*")
_NAMED = re.compile(rf"({_NAME.pattern})=(?!=)(.*)", re.DOTALL)
_COMMA = re.compile(r",(?![^\[]*\])")
"""Between parts, not between brackets."""
_HEAD = re.compile(r"(?P<adapter>[A-Za-z_][A-Za-z0-9_.-]*)(?:\[(?P<inside>[^\]]*)\])?(?:@(?P<version>.+))?")


def parse(text: str) -> LaneSpec:
    """The lane of a specification. Raises UsageError that says which part is not understood."""
    named = _NAMED.fullmatch(text)
    name, rest = (named[1], named[2]) if named and named[1] != "python" else ("", text)
    if rest.startswith(REMOTE):
        rest = f"keras,python={rest}"
    head, *parts = [part.strip() for part in _COMMA.split(rest)]
    matched = _HEAD.fullmatch(head)
    if matched is None:
        raise UsageError(f"{shown(text)} does not begin with an adapter", "as in keras@3.3.3 or old=keras,numpy<2")
    table: dict[str, Any] = {key: value for key, value in matched.groupdict().items() if value is not None}
    inside = [part.strip() for part in table.pop("inside").split(",")] if "inside" in table else []
    for part in lane_options.taken_out(inside, table, shown(text)):
        if "backend" in table:
            raise UsageError(f"lane {shown(text)}: a second backend {shown(part)}", "one backend, then key=value")
        table["backend"] = part
    packages = []
    for part in lane_options.taken_out(parts, table, shown(text)):
        key, is_option, value = part.partition("=")
        if key == "python" and is_option and not value.startswith("="):
            table[key] = value
        else:
            packages.append(part)
    return lane(name or _own_name(table, packages), {**table, "packages": packages}, shown(text))


def _own_name(table: Mapping[str, Any], packages: Sequence[str]) -> str:
    """`keras-jax@3.3.3+tensorflow-2.15.1`: a name that can stand in a test's id."""
    name = str(table["adapter"]) + (f"-{table['backend']}" if "backend" in table else "")
    name += lane_options.suffix(table)
    if "version" in table:
        version = str(table["version"])
        name += f"@{Path(version).absolute().name if is_checkout(version) else version}"
    if (python := str(table.get("python", ""))).startswith(REMOTE):
        name += f"@{re.sub('[^A-Za-z0-9.-]+', '-', python.removeprefix(REMOTE).partition('/')[0].rpartition('@')[2])}"
    return name + "".join(f"+{re.sub('[^A-Za-z0-9.]+', '-', package)}" for package in packages)


def lane(name: str, table: Mapping[str, Any], where: str) -> LaneSpec:
    """The lane of a table. Raises UsageError; `where` says which lane in its message."""
    if imports.is_own(str(table.get("adapter", ""))):
        return _of_ones_own(name, table, where)
    _check(name, table, where)
    package = table["adapter"]
    pins = [_requirement(text, where) for text in table.get("packages", ())]
    checkout = _checkout(str(table["version"]), where) if is_checkout(str(table.get("version", ""))) else None
    version = None if checkout is not None else table.get("version")
    settings = lane_options.settings_of(table, where)
    options: dict[str, Any] = {"environment": {**QUIET, **settings}, **lane_options.for_worker(table)}
    if settings:
        options["settings"] = settings
    if package == "tf_keras":
        options["package"] = package
    if checkout is not None:
        options["overlays"] = [str(checkout)]
    if "backend" in table:
        options["backend"] = table["backend"]
    if table.get("backend") == "jax" and not str(table.get("python", "")).startswith(REMOTE):
        options["environment"] |= kept_compilations()
    wanted = {pin.name.replace("-", "_").lower(): str(pin.specifier) for pin in pins if pin.specifier}
    if version is not None:
        wanted[package] = f"=={version}"
    spec = LaneSpec(name, PACKAGES[package], options, wants=wanted)
    if "python" in table:
        host, interpreter = _place(str(table["python"]), where)
        return LaneSpec(name, spec.adapter, options, interpreter=interpreter, host=host, wants=wanted)
    return _with_packages(spec, package, version, pins, table.get("backend", "tensorflow"))


def _of_ones_own(name: str, table: Mapping[str, Any], where: str) -> LaneSpec:
    """A lane whose adapter is the user's own module. Raises UsageError where the project does not allow it."""
    adapter = str(table["adapter"])
    try:
        imports.check(f"{adapter}.start")
    except imports.NotAllowed as error:
        raise UsageError(f"lane {where}: {error}", error.hint) from None
    extra = [key for key in table if key not in ("adapter", "python") and table[key]]
    if extra:
        raise UsageError(f"lane {where}: an adapter of one's own takes no {extra[0]}", "python=/path/to/python alone")
    if not _NAME.fullmatch(name):
        raise UsageError(f"lane {where}: {shown(name)} cannot be a name", "letters, digits, and . _ @ + - inside")
    host, interpreter = _place(str(table["python"]), where) if "python" in table else ("", sys.executable)
    return LaneSpec(name, adapter, {"environment": dict(QUIET)}, interpreter=interpreter, host=host)


def is_checkout(version: str) -> bool:
    """Whether what stands for a version is the path of a checkout."""
    return version.startswith((".", "/", "~"))


def _checkout(path: str, where: str) -> Path:
    """The folder of a checkout. Raises UsageError for one that holds no Keras."""
    folder = Path(path).expanduser().absolute()
    if not (folder / "keras" / "__init__.py").is_file():
        hint = "the folder that holds keras/__init__.py, as a clone of it does"
        raise UsageError(f"lane {where}: there is no Keras in {folder}", hint)
    return folder


def kept_compilations() -> dict[str, str]:
    """Variables that let JAX keep what it compiles: every operation of every shape, most of a run's time otherwise."""
    from conformance.lanes.environments import cache_folder

    return {
        "JAX_COMPILATION_CACHE_DIR": str(cache_folder() / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }


def _with_packages(
    spec: LaneSpec, package: str, version: str | None, pins: Sequence[Requirement], backend: str
) -> LaneSpec:
    """The lane with what has to be installed for it: nothing, an overlay of pure Python, or a whole environment."""
    texts = [str(pin) for pin in pins]
    is_here = package != "keras" or all(importlib.util.find_spec(name) is not None for name in BACKENDS[backend])
    if not texts and version is None and is_here:
        return spec
    if package == "keras" and version is not None and Version(version).major >= 3 and not texts and is_here:
        more = ["dm-tree"] if Version(version).release[:2] == (3, 0) else []
        return dataclasses.replace(spec, overlay=(f"keras=={version}", *more))
    named = {pin.name.replace("-", "_").lower() for pin in pins}
    if version is not None:
        texts.append(f"{package}=={version}")
    if package == "keras" and backend not in named:
        is_old = version is not None and Version(version).major < 3
        texts += [f"tensorflow=={'.'.join(version.split('.')[:2])}.*"] if is_old and version else BACKENDS[backend]
    if package == "keras" and version is None and backend != "tensorflow" and "keras" not in named:
        texts.append(f"keras=={_installed('keras')}")
    if package not in ("keras", "numpy") and package not in named and version is None:
        texts.append(package)
    return dataclasses.replace(spec, environment=tuple(sorted(texts)))


def _place(python: str, where: str) -> tuple[str, str]:
    """The host, if it is another machine, and the interpreter. Raises UsageError."""
    if not python.startswith(REMOTE):
        return "", python
    host, _, path = python.removeprefix(REMOTE).partition("/")
    if not HOST.fullmatch(host) or not path or path.startswith("/"):
        hint = "as in ssh://host/usr/bin/python3 or ssh://me@host:2222/opt/env/bin/python"
        raise UsageError(f"lane {where}: {shown(python)} names no interpreter on a host", hint)
    return host, f"/{path}"


def _installed(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        raise UsageError(f"which {package}? none is installed here", f"name a version: {package}@...") from None


def _check(name: str, table: Mapping[str, Any], where: str) -> None:
    for key in table:
        if key not in _KEYS:
            raise UsageError(f"lane {where}: unknown key {shown(key)}", did_you_mean(key, _KEYS))
    lane_options.settings_of(table, where)  # a setting that is none would else be told as a part of the name
    if not _NAME.fullmatch(name):
        raise UsageError(f"lane {where}: {shown(name)} cannot be a name", "letters, digits, and . _ @ + - inside")
    package = table.get("adapter")
    if package not in PACKAGES:
        hint = did_you_mean(str(package), PACKAGES) or f"adapters: {listed(PACKAGES)}"
        raise UsageError(f"lane {where}: there is no adapter {shown(str(package))}", hint)
    backend = table.get("backend", "tensorflow")
    if backend not in BACKENDS or ("backend" in table and package not in ("keras", "tf_keras")):
        hint = did_you_mean(str(backend), BACKENDS) or f"backends of Keras: {listed(BACKENDS)}"
        raise UsageError(f"lane {where}: there is no backend {shown(str(backend))} of {package}", hint)
    if "backend" in table and package == "tf_keras" and table["backend"] != "tensorflow":
        raise UsageError(f"lane {where}: Keras 2 runs on TensorFlow only", "leave the backend out")
    lane_options.check(str(package), table, where)
    if is_checkout(str(table.get("version", ""))):
        if package != "keras":
            raise UsageError(f"lane {where}: a checkout is of Keras", "as in keras@./path")
    elif "version" in table:
        try:
            Version(table["version"])
        except InvalidVersion:
            hint = "one release, as in keras@3.3.3"
            raise UsageError(f"lane {where}: {shown(str(table['version']))} is not a version", hint) from None
    if "python" in table and "packages" in table and table["packages"]:
        hint = "leave the packages out; the interpreter has its own"
        raise UsageError(f"lane {where}: an interpreter and packages for it are both named", hint)


def _requirement(text: str, where: str) -> Requirement:
    try:
        return Requirement(text)
    except InvalidRequirement:
        hint = "a package with a version, tensorflow==2.15.1, or python=/path/to/python"
        raise UsageError(f"lane {where}: {shown(text)} is not understood", hint) from None


def declared(project: Path) -> dict[str, LaneSpec]:
    """The lanes that a project's `pyproject.toml` declares, by name. Raises UsageError."""
    if not project.is_file():
        return {}
    try:
        tables = tomllib.loads(project.read_text(encoding="utf-8")).get("tool", {}).get("conformance", {})
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{project}: not TOML: {error}") from None
    found = {}
    for name, table in tables.get("lanes", {}).items():
        where = f"{name} in {project.name}"
        found[name] = parse(f"{name}={table}") if isinstance(table, str) else lane(name, table, where)
    return found
