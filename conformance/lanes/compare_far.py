"""What the far ends of a comparison share: arrays on disk, nested arguments as leaves, code that the user named.

A far end answers requests about one model: what it is made of, what its layers gave for a batch, what they give when
they are fed other arrays. Arrays go to files and never through the channel, so that neither process holds a model's
activations. Runs in lane processes: standard library and NumPy only.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.util
import math
import os
import re
import shutil
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

SPARE = 64 * 2**20
"""Bytes of a disk that a comparison leaves free."""
LARGE = 1 << 17
"""Bytes from which on an array's digest is made of sums of its words."""
STRETCH = 1 << 13
"""Words that are summed up together."""
ALIGNED = 64
"""Bytes that every array of a store begins at a multiple of."""
SMALL = 1 << 14
"""Bytes up to which an array that was read is held: 32 MiB for all of them."""
LEAF_LIMIT = 256
"""Arrays of one call that are kept; a call with more is not one of a layer."""

DROPPING = "Dropout"
"""What names of classes that drop numbers in training have in them, in Keras, torch and packages on top of them."""


class Refused(Exception):
    """What a far end cannot do: `kind` says which sort of it, the hint what the user can do."""

    def __init__(self, kind: str, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.kind, self.hint = kind, hint


@dataclass(frozen=True)
class Request:
    """What a far end is asked: it takes a plan's place on the way to a worker."""

    id: str
    time_limit: float
    body: Mapping[str, Any]

    def to_wire(self) -> dict[str, Any]:
        """The request as built-in types."""
        return {"id": self.id, "time_limit": self.time_limit, "body": dict(self.body)}

    @classmethod
    def from_wire(cls, message: Mapping[str, Any]) -> Request:
        """The request of such a message."""
        return cls(message["id"], message["time_limit"], message["body"])


class Store:
    """A folder of arrays, each kept once, all in one file: making a file for each cost more than writing it."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        made, self._file = tempfile.mkstemp(dir=self.folder, prefix="arrays-")
        os.close(made)
        self._end = 0
        self._known: dict[str, int] = {}
        """Where in the file an array begins, by its digest."""
        self._room = 0
        """Bytes that may be written before the disk is asked again."""
        self._made = 0

    def keep(self, array: Any) -> dict[str, Any]:
        """Writes an array and gives its reference: file, offset, shape, dtype, digest. Raises Refused for no room."""
        array = np.asarray(array)
        array = np.ascontiguousarray(array) if array.ndim else array  # a scalar would come back as (1,)
        if array.dtype.kind not in "biufcSU":  # bfloat16 and its like are types of a package, not of NumPy's files
            array = array.astype(np.float32)
        name = digest_of(array)
        if name not in self._known:
            self.make_room(array.nbytes)
            self._known[name] = self._appended(array)
        return {
            "file": self._file,
            "offset": self._known[name],
            "shape": [int(length) for length in array.shape],
            "dtype": str(array.dtype),
            "digest": name,
        }

    def _appended(self, array: np.ndarray[Any, Any]) -> int:
        """Writes the bytes of an array behind all others; where they begin: a place for numbers of any kind."""
        start = -(-self._end // ALIGNED) * ALIGNED
        with open(self._file, "r+b") as file:
            file.seek(start)
            file.write(array.reshape(-1).view(np.uint8).data)
        self._end = start + array.nbytes
        return start

    def fresh(self) -> Path:
        """A file for an array that is still being made; no two are the same, whatever they are asked for."""
        self._made += 1
        return self.folder / f"made-{self._made}.bytes"

    def make_room(self, size: int) -> None:
        """Raises Refused where so many bytes would fill the disk; asks it again after every SPARE bytes."""
        if size <= self._room:
            self._room -= size
            return
        if shutil.disk_usage(self.folder).free < size + 2 * SPARE:
            hint = "make room, name another folder by TMPDIR, or compare a smaller batch"
            words = f"an array of {size / 2**20:.0f} MiB"
            raise Refused("disk", f"{self.folder} has no room for {words}", hint)
        self._room = SPARE


def digest_of(array: np.ndarray[Any, Any]) -> str:
    """The same for the same bytes, dtype and shape.

    A large array is not hashed byte by byte but by two sums of its words, each times an odd number drawn for its place:
    several times as fast, and nobody gains by making two arrays of their own model look the same. Times any odd number
    the highest bit of a word, which is a sign, stays the highest bit alone, and signs that change in pairs would cancel
    out: it is mixed into the lower half first, to where no sign of a shorter number stands.
    """
    digest = hashlib.blake2b(f"{array.dtype.str}{array.shape}".encode(), digest_size=12)
    if array.nbytes < LARGE:
        digest.update(array.tobytes())
        return digest.hexdigest()
    flat = array.reshape(-1).view(np.uint8)
    whole = flat.size // (8 * STRETCH) * STRETCH
    words = flat[: 8 * whole].view(np.uint64).reshape(-1, STRETCH)
    digest.update(np.stack([_factors() @ (row ^ (row >> np.uint64(33))) for row in words]).tobytes())
    digest.update(flat[8 * whole :].tobytes())
    return digest.hexdigest()


@functools.cache
def _factors() -> np.ndarray[Any, Any]:
    drawn = np.random.Generator(np.random.Philox(key=[1, 2])).integers(0, 2**63, (2, STRETCH), dtype=np.uint64)
    return 2 * drawn + np.uint64(1)


def opened(reference: Mapping[str, Any]) -> np.ndarray[Any, Any]:
    """The array of a reference, read-only; a large one is read from disk as it is needed."""
    return read(reference["file"], reference["offset"], tuple(reference["shape"]), reference["dtype"])


def read(file: str, offset: int, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    """The array that a store keeps at a place of a file."""
    if np.dtype(dtype).itemsize * math.prod(shape) <= SMALL:
        return _small(file, offset, shape, dtype)
    return np.memmap(file, np.dtype(dtype), "r", offset, shape)


@functools.lru_cache(maxsize=2048)
def _small(file: str, offset: int, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    """Arrays of a store never change, and most are small: reading them again and again costs more than holding them."""
    array: np.ndarray[Any, Any] = np.fromfile(file, np.dtype(dtype), math.prod(shape), offset=offset).reshape(shape)
    array.setflags(write=False)
    return array


def leaves(value: Any, is_leaf: Callable[[Any], bool], place: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of nested lists, tuples and mappings with its place: `0`, `kwargs.mask`, `1.0`."""
    if is_leaf(value):
        yield place, value
    elif isinstance(value, Mapping):
        for key in value:
            yield from leaves(value[key], is_leaf, f"{place}.{key}" if place else str(key))
    elif isinstance(value, (list, tuple)):
        for index, item in enumerate(value):
            yield from leaves(item, is_leaf, f"{place}.{index}" if place else str(index))


def replaced(value: Any, new: Mapping[str, Any], place: str = "") -> Any:
    """The same nest with other leaves at the places named; what is not a plain container is left as it is."""
    if place in new:
        return new[place]
    if not any(one.startswith(f"{place}." if place else "") for one in new):
        return value

    def inner(key: Any) -> str:
        return f"{place}.{key}" if place else str(key)

    if isinstance(value, Mapping):
        changed = {key: replaced(value[key], new, inner(key)) for key in value}
        if type(value) is dict:
            return changed
        made = type(value)
        return made(**changed) if made.__module__.startswith("transformers") else made(changed)  # type: ignore[call-arg]
    if isinstance(value, (list, tuple)):
        items = [replaced(item, new, inner(index)) for index, item in enumerate(value)]
        if isinstance(value, list):
            return items
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    return value


def laid_out(array: Any, order: Mapping[str, Any]) -> Any:
    """An array in another order of axes: `axes` first, then cut to `rows` and `steps`, then as `shape`."""
    array = np.transpose(array, order["axes"])
    if order.get("rows") is not None:
        array = array[: order["rows"]]
    if order.get("steps") is not None:
        array = array[:, : order["steps"]]
    return np.ascontiguousarray(array).reshape(order["shape"])


def named_object(path: str, name: str) -> Any:
    """What a module's file calls `name`; the file is run, for the user named it. Raises Refused."""
    file = Path(path)
    if not file.is_file():
        raise Refused("missing", f"there is no file {path}", "name it as path/to/module.py:name")
    sys.path.insert(0, str(file.resolve().parent))
    module_name = f"conformance_user_{file.stem}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise Refused("missing", f"{path} is not a Python module", "name it as path/to/module.py:name")
    module = sys.modules.get(module_name)
    if module is None:
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException as error:
            del sys.modules[module_name]
            raise Refused("code", f"{path} cannot be imported: {_said(error, path)}") from None
    value: Any = module
    for part in name.split("."):
        if not hasattr(value, part):
            public = sorted(one for one in vars(module) if not one.startswith("_"))
            raise Refused("missing", f"{path} has no {name}", f"it has {', '.join(public[:12]) or 'nothing'}")
        value = getattr(value, part)
    return value


def called(maker: Any, path: str, name: str) -> Any:
    """What a function or class of the user's gives when it is called without arguments. Raises Refused."""
    try:
        return maker()
    except Exception as error:
        raise Refused("code", f"{name}() of {path} raised {_said(error, path)}") from None


def _said(error: BaseException, path: str) -> str:
    """An error in one line, with the line of the user's file where it happened."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if os.path.realpath(frame.filename) == os.path.realpath(path)
    ]
    at = f" (line {lines[-1]})" if lines else ""
    return f"{type(error).__name__}: {str(error)[:500]}{at}"


def said(error: BaseException) -> str:
    """An error in one line, without the colours of a terminal."""
    return f"{type(error).__name__}: {' '.join(_COLOUR.sub('', str(error)[:2000]).split())}"


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@contextlib.contextmanager
def refusing() -> Iterator[dict[str, Any]]:
    """Collects an answer; what is refused or raised on the way becomes its `failure`."""
    answer: dict[str, Any] = {}
    try:
        yield answer
    except Refused as error:
        answer["failure"] = {"kind": error.kind, "message": str(error), "hint": error.hint}
    except MemoryError:
        hint = "compare a smaller batch"
        answer["failure"] = {"kind": "memory", "message": "there is not enough memory", "hint": hint}
    except Exception as error:
        answer["failure"] = {"kind": "raised", "message": said(error), "hint": ""}


def factors(pattern: int, place: int, shape: Any, unit: float) -> np.ndarray[Any, Any]:
    """Factors around 1 by at most a relative unit, the same for a pattern and a place in every process."""
    generator = np.random.Generator(np.random.Philox(key=[pattern, place]))
    drawn: np.ndarray[Any, Any] = 1.0 + unit * generator.uniform(-1.0, 1.0, shape)
    return drawn
