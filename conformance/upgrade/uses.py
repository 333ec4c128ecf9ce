"""Which layers a model uses, and with which arguments: read from its configuration, without any framework.

A `.keras` file holds its configuration as JSON. Of an `.h5` file and of a model in code a lane says it
(`conformance.comparison.values.Model`).
"""

from __future__ import annotations

import dataclasses
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conformance.comparison.ends import CompareError
from conformance.comparison.values import Model
from conformance.reference.catalog import LAYERS

CONFIG_LIMIT = 1 << 26
"""Bytes of a configuration; that of a model with ten thousand layers has a tenth of it."""
_MODELS = ("Sequential", "Functional", "Model", "InputLayer")
"""Classes that hold layers and are none."""


@dataclass(frozen=True, slots=True)
class Use:
    """One layer as a model uses it: its class, and its switches that are not as by default.

    A switch is an argument that is true, false, a word or nothing; sizes and other numbers are not told. Of a class
    that the reference does not know nothing is told, for its defaults are not known.
    """

    type: str
    arguments: tuple[tuple[str, Any], ...] = ()
    count: int = 1
    is_known: bool = True

    def __str__(self) -> str:
        told = ", ".join(f"{name}={value!r}" for name, value in self.arguments)
        times = f" ({self.count} times)" if self.count > 1 else ""
        return f"{self.type}({told}){times}" if told else f"{self.type}{times}"


def uses_of_file(path: Path) -> tuple[Use, ...]:
    """What the model of a `.keras` file uses. Raises CompareError for a file that is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("config.json").file_size > CONFIG_LIMIT:
                raise CompareError(f"the configuration in {path} is too large")
            config = json.loads(archive.read("config.json"))
    except (OSError, KeyError, ValueError, RecursionError, zipfile.BadZipFile, NotImplementedError) as error:
        words = str(error).strip("'\"") or type(error).__name__
        hint = "save the model with model.save('model.keras')"
        raise CompareError(f"{path} is no .keras file: {words[:200]}", hint) from None
    return counted(layers_in(config))


def uses_of_model(model: Model) -> tuple[Use, ...]:
    """What a model uses that a lane has loaded."""
    found: list[Use] = []
    for path, layer in model.layers.items():
        if path and not path.endswith("/activation"):
            written = {"class_name": layer.type, "config": dict(layer.config or {})}
            found += layers_in(written) if layer.is_leaf else [use_of(layer.type, layer.config or {})]
    return counted(found)


def layers_in(config: Any) -> Iterator[Use]:
    """Every layer of a configuration as Keras writes it, layers inside of others too."""
    if isinstance(config, Mapping):
        name, held = config.get("class_name"), config.get("config")
        if isinstance(name, str) and isinstance(held, Mapping) and _is_layer(name, config):
            yield use_of(name, held)
        for value in config.values():
            yield from layers_in(value)
    elif isinstance(config, Sequence) and not isinstance(config, str):
        for item in config:
            yield from layers_in(item)


def _is_layer(name: str, config: Mapping[str, Any]) -> bool:
    """Whether a written class is a layer: of the reference, or with a name of its own as every layer has."""
    return name in LAYERS or (name not in _MODELS and "build_config" in config and "name" in config["config"])


def use_of(name: str, config: Mapping[str, Any]) -> Use:
    """A layer with the arguments that are not as usual."""
    kind = LAYERS.get(name)
    if kind is None:
        return Use(name, is_known=False)
    told = []
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]  # layers are made dataclasses when declared
        if field.default is dataclasses.MISSING or field.name not in config:
            continue
        value = plain(config[field.name])
        value = None if value == "linear" else value  # Keras writes no activation so
        if value != plain(field.default) and (isinstance(value, bool | str) or value is None):
            told.append((field.name, value))
    return Use(name, tuple(told))


def plain(value: Any) -> Any:
    """An argument as a case writes it: a class that stands for itself by its name, tuples as lists."""
    if isinstance(value, Mapping) and isinstance(value.get("class_name"), str):
        return value["class_name"] if not value.get("config") else dict(value)
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    return value


def counted(uses: Sequence[Use] | Iterator[Use]) -> tuple[Use, ...]:
    """Each use once, in the order in which they first come, with how often it does."""
    counts: dict[Use, int] = {}
    for use in uses:
        counts[use] = counts.get(use, 0) + use.count
    return tuple(dataclasses.replace(use, count=count) for use, count in counts.items())
