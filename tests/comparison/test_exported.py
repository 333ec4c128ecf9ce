"""A Keras model beside what is left of it after export: its results, and the layer where they begin to differ."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from conformance.comparison.compare import Options, compare
from conformance.comparison.ends import CompareError, LiveEnd, SideRefused, SideRequests
from conformance.comparison.result import Comparison
from conformance.comparison.session import Settings
from conformance.comparison.sides import lane_of
from conformance.errors import Exit
from conformance.lanes.keras_exports import Traced
from tests.in_process import keras_here

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore"),  # the frameworks' own; elsewhere a lane's process writes them to a file
]
IDS = np.array([[3, 9, 27, 1, 5], [7, 7, 0, 0, 0], [29, 1, 2, 0, 0]], dtype=np.int32)


class Kept:
    """A format that keeps the trace and runs it: what an export without a fault gives."""

    name = "kept"
    packages = ("numpy",)
    slip = staticmethod(lambda concrete: concrete)
    """What goes wrong on the way."""

    def exported(self, traced: Traced) -> Any:
        self.traced = traced
        return b""

    def loaded(self, file: bytes) -> Callable[[Mapping[str, Any]], list[Any]]:
        def run(given: Mapping[str, Any]) -> list[Any]:
            return [np.asarray(one) for one in self.traced.concrete(*map(self._tensor, given.values()))]

        return run

    @staticmethod
    def _tensor(array: Any) -> Any:
        import tensorflow as tf

        return tf.constant(array)


class Refusing(Kept):
    """A format without an operation."""

    def exported(self, traced: Traced) -> Any:
        raise NotImplementedError("error: 'tf.Cumsum' op is not supported")


@pytest.fixture(scope="module")
def keras() -> Any:
    return keras_here()


@pytest.fixture(scope="module")
def model(keras: Any) -> Any:
    layers = keras.layers
    keras.utils.set_random_seed(1)
    ids = keras.Input((5,), dtype="int32", name="ids")
    hidden = layers.Bidirectional(layers.GRU(3, return_sequences=True), name="gru")(
        layers.Embedding(30, 4, mask_zero=True, name="embed")(ids)
    )
    pooled = layers.GlobalAveragePooling1D(name="pool")(hidden)
    return keras.Model(ids, layers.Dense(2, activation="softmax", name="scores")(2.0 * pooled))


def compared(
    keras: Any, model: Any, batch: Any, folder: Path, format: Any, options: Options | None = None
) -> Comparison:
    from conformance.lanes.compare_exported import ExportedEnd

    end = LiveEnd(model, SideRequests("the model", f"{folder}/model"))
    port = LiveEnd(model, SideRequests("the port", f"{folder}/port"))
    port._far = ExportedEnd(keras, {"keras": keras.__version__}, {}, format, model)
    return compare(end, port, ("model", "port"), batch, folder, Settings(), options or Options())


def test_every_layer_of_an_exported_model_is_judged(keras: Any, model: Any, tmp_path: Path) -> None:
    found = compared(keras, model, {"ids": IDS}, tmp_path, Kept())
    assert found.agrees, found.starts
    assert [output.share.by for output in found.outputs] == ["float64"]
    judged = {row.path for row in found.rows if row.alone is not None}
    assert judged == {"embed", "gru", "pool", "scores", "scores/activation"}
    assert {row.path: row.mask for row in found.rows}["embed"] == "10 of 15 true"
    assert any("after export to kept" in remark for remark in found.remarks)


def test_a_layer_that_an_export_changes_is_the_only_start(keras: Any, tmp_path: Path) -> None:
    class Slips(keras.layers.Layer):  # type: ignore[misc]  # a fixture has no type
        """Right with numbers, and off by a hundredth in a graph."""

        def call(self, x: Any) -> Any:
            import tensorflow as tf

            return x if tf.executing_eagerly() else 1.01 * x

    x = keras.Input((3,), name="x")
    first = keras.layers.Dense(4, name="first")(x)
    slip = Slips(name="slip")(first)
    model = keras.Model(x, keras.layers.Dense(2, name="last")(keras.layers.ReLU(name="relu")(slip)))
    batch = {"x": np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)}
    found = compared(keras, model, batch, tmp_path, Kept())
    assert [(start.kind, start.layer) for start in found.starts] == [("layer", "slip")]
    assert {row.path: row.state for row in found.rows if row.state != "not compared"} == {
        "first": "agree",
        "slip": "start",
        "relu": "follows",
        "last": "follows",
    }
    assert not found.outputs[0].share.agrees


@pytest.mark.parametrize("name", ["onnx", "litert"])
def test_both_formats_give_what_every_layer_gives(name: str, keras: Any, model: Any, tmp_path: Path) -> None:
    from conformance.lanes.keras_exports import FORMATS

    found = compared(keras, model, {"ids": IDS}, tmp_path, FORMATS[name]())
    assert found.agrees, found.starts
    assert {row.path for row in found.rows if row.alone is not None} >= {"embed", "gru", "pool", "scores"}


def test_what_an_exporter_refuses_is_said_in_its_words(keras: Any, model: Any, tmp_path: Path) -> None:
    with pytest.raises(SideRefused, match="op is not supported") as refused:
        compared(keras, model, {"ids": IDS}, tmp_path, Refusing())
    assert (refused.value.kind, refused.value.exit) == ("export", Exit.BAD_INPUT)


def test_a_file_without_gradients_is_asked_for_none(keras: Any, model: Any, tmp_path: Path) -> None:
    with pytest.raises(SideRefused, match="gives no gradients"):
        compared(keras, model, {"ids": IDS}, tmp_path, Kept(), Options(with_gradients=True))


def test_an_exported_model_is_the_port_and_not_what_it_is_held_against() -> None:
    spec = {"path": "clf.keras", "name": None}
    lane = lane_of("keras[export=onnx]", spec, "keras", is_port=True)
    assert (lane.adapter, lane.options["mode"]) == ("conformance.lanes.compare_exported", "export=onnx")
    with pytest.raises(CompareError) as raised:
        lane_of("keras[export=onnx]", spec, "keras")
    assert raised.value.hint == "the exported model is the port: MODEL MODEL --port-lane 'keras[export=onnx]'"
