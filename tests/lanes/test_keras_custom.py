"""What can be said of the custom Keras layers without Keras: their names, their arguments, and what they refuse."""

from __future__ import annotations

import dataclasses
import importlib.util
import inspect
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from conformance.lanes.keras_custom import CUSTOM
from conformance.protocol.adapter import Unsupported
from conformance.reference.catalog import LAYERS


class Layer:
    """Stands for keras.layers.Layer: takes a name, and keeps nothing."""

    def __init__(self, **kwargs: Any) -> None:
        assert set(kwargs) <= {"name"}


def keras_like(**kwargs: Any) -> Any:
    """As much of a Keras as the factories look at before a layer is called."""
    generator = SimpleNamespace(ImageDataGenerator=object)
    return SimpleNamespace(
        __version__="2.15.0",
        __name__="keras_like",
        layers=SimpleNamespace(Layer=Layer),
        preprocessing=SimpleNamespace(image=generator),
        **kwargs,
    )


def test_every_custom_layer_is_a_layer_of_the_reference() -> None:
    assert set(CUSTOM) <= set(LAYERS)


@pytest.mark.parametrize("name", CUSTOM)
def test_arguments_and_defaults_are_those_of_the_reference(name: str) -> None:
    """ImageBatches hands the transformations on to the generator, whose defaults are its own."""
    parameters = inspect.signature(CUSTOM[name](keras_like(ops=SimpleNamespace()))).parameters
    for field in dataclasses.fields(LAYERS[name]):
        if name == "ImageBatches" and field.name not in parameters:
            continue
        default = inspect.Parameter.empty if field.default is dataclasses.MISSING else field.default
        assert parameters[field.name].default == default, field.name


@pytest.mark.parametrize("name", ["MaskedAverage", "BertModel"])
def test_layers_that_need_keras_ops_say_so(name: str) -> None:
    with pytest.raises(Unsupported, match=r"keras\.ops, which Keras 2\.15\.0 does not have"):
        CUSTOM[name](keras_like())


def test_the_old_image_generator_needs_scipy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(Unsupported, match="needs scipy"):
        CUSTOM["ImageBatches"](keras_like())


def test_only_what_runs_on_numbers_has_no_symbolic_run() -> None:
    eager = {name for name in CUSTOM if getattr(CUSTOM[name](keras_like(ops=SimpleNamespace())), "eager_only", False)}
    assert eager == {"CompiledLoss", "ImageBatches"}


def test_importing_the_module_imports_no_keras() -> None:
    code = "import sys, conformance.lanes.keras_custom; assert not {'keras', 'tensorflow', 'torch'} & set(sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
