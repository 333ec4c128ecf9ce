"""The far end of a comparison whose port is the Keras model after export: as ONNX, or as LiteRT.

The file that a user would write has inputs and results, and no layers. It is run as it is for the results. To see where
a difference starts, the model is exported once more with what every layer gets and gives among its results; and, to
feed layers, with what they get and give in the place of their own among its inputs. Each is one whole export, so that
an operation is converted beside the same neighbours. Masks are computed in the file like any array; gradients are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from conformance.lanes.compare_far import Refused, Store, laid_out, leaves, opened
from conformance.lanes.compare_keras import KerasEnd
from conformance.lanes.compare_keras_arrays import KerasTensors, arranged, arrays_of
from conformance.lanes.compare_keras_watch import watching
from conformance.lanes.compare_recorder import Recorder
from conformance.lanes.keras_exports import EXPORT, FORMATS, Format, answer_of, traced_for, versions_of
from conformance.protocol.adapter import Unsupported

Reference = dict[str, Any]


class ExportedEnd(KerasEnd):
    """Answers what a Keras model's end answers, but for runs, which are of the exported model."""

    def __init__(
        self, keras: Any, versions: Mapping[str, str], files: Mapping[str, str], format: Format, live: Any = None
    ) -> None:
        super().__init__(keras, {**versions, **versions_of(format)}, files, live)
        self.identity = replace(self.identity, mode=f"{EXPORT}{format.name}")
        self.format = format

    def _describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        found = super()._describe(request)
        made = ", ".join(f"{one} {self.identity.versions[one]}" for one in self.format.packages)
        found["remarks"].append(
            f"the port is the model after export to {self.format.name} ({made}); its layers were looked at in a second "
            "export, which gives them out"
        )
        return found

    def _run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        assert self._store is not None
        model = self._loaded()
        batch = {name: np.asarray(array) for name, array in arrays_of(request["inputs"], "float32", None).items()}
        watched = self._watched(model, batch, request)
        if not request.get("force"):
            self._put_results(model, batch, watched)
        return {"calls": watched}

    def _train(self, request: Mapping[str, Any]) -> dict[str, Any]:
        hint = "leave --gradients and --step out, or compare the model before its export"
        raise Refused("export", f"a model exported to {self.format.name} gives no gradients", hint)

    def _rounding(self, request: Mapping[str, Any]) -> dict[str, Any]:
        raise Refused("export", f"a model exported to {self.format.name} has no float64", "export is of the port")

    # --- the two exports ---------------------------------------------------------------------------------------

    def _put_results(self, model: Any, batch: Mapping[str, Any], calls: Sequence[Mapping[str, Any]]) -> None:
        """Runs the file as a user has it, and puts what it gives in the place of the watched one's results."""
        assert self._store is not None
        tensors = KerasTensors(self.keras)
        places: list[str] = []

        def graph(given: Mapping[str, Any]) -> list[Any]:
            nest = model(arranged(given, model), training=False)
            found = list(leaves({"": nest} if tensors.is_leaf(nest) else nest, tensors.is_leaf))
            places[:] = [place for place, _ in found]
            return [leaf for _, leaf in found]

        arrays = self._exported(graph, batch)
        root = next(call for call in calls if call["path"] == "")
        held = {entry["place"]: entry for entry in root["outputs"]}
        for place, array in zip(places, arrays, strict=True):
            held[place]["array"] = self._store.keep(array)

    def _watched(self, model: Any, batch: Mapping[str, Any], request: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Runs the model with every layer's arrays given out, and with those that a request puts in as inputs."""
        assert self._store is not None
        fed = _Fed(request.get("force") or ())
        made: list[dict[str, Any]] = []
        pending: list[Reference] = []

        def graph(given: Mapping[str, Any]) -> list[Any]:
            keeper = _Keeper()
            tensors = _GraphTensors(self.keras)
            recorder = _GraphRecorder(tensors, keeper, fed, given, request)
            with watching(self.keras, model, recorder):
                model(arranged({name: given[name] for name in batch}, model), training=False)
            made[:], pending[:] = recorder.calls, keeper.references
            return keeper.tensors

        arrays = self._exported(graph, {**batch, **fed.arrays})
        for reference, array in zip(pending, arrays, strict=True):
            reference.update(self._store.keep(array))
        return made

    def _exported(self, graph: Callable[[Mapping[str, Any]], list[Any]], batch: Mapping[str, Any]) -> list[Any]:
        """What the exported function gives for a batch. Raises Refused with the exporter's words."""
        names = {f"input_{place}": name for place, name in enumerate(batch)}
        arrays = {given: np.asarray(batch[name]) for given, name in names.items()}
        where = f"the model, exported to {self.format.name}"
        try:
            traced = traced_for(
                self.keras, lambda *given: graph(dict(zip(names.values(), given, strict=True))), arrays, where
            )
            return answer_of(self.format, traced, arrays, where)
        except Unsupported as error:
            hint = "`conformance explain LAYER --lane 'keras[export=...]'` asks of one layer alone"
            raise Refused("export", str(error), hint) from None


class _Fed:
    """The arrays that a request puts into the model, each once, as further inputs of the function."""

    def __init__(self, force: Sequence[Mapping[str, Any]]) -> None:
        self.arrays: dict[str, np.ndarray[Any, Any]] = {}
        self._names: dict[tuple[Any, ...], str] = {}
        for one in force:
            for side in ("inputs", "outputs"):
                for order in one.get(side, {}).values():
                    self._add(order, laid_out(opened(order["array"]), order))
                    if order.get("mask") is not None:
                        self._add(order["mask"], np.asarray(opened(order["mask"])).astype(bool))

    def _add(self, order: Mapping[str, Any], array: np.ndarray[Any, Any]) -> None:
        key = _key(order)
        if key not in self._names:
            name = self._names[key] = f"fed {len(self.arrays)}"
            self.arrays[name] = array

    def of(self, order: Mapping[str, Any]) -> str:
        """The name of the input that an array is."""
        return self._names[_key(order)]


def _key(order: Mapping[str, Any]) -> tuple[Any, ...]:
    if "array" not in order:  # a mask, as it is
        return order["file"], order["offset"], tuple(order["shape"])
    laid = tuple(order["axes"]), tuple(order["shape"]), order.get("steps"), order.get("rows")
    return order["array"]["file"], order["array"]["offset"], laid


class _Keeper(Store):
    """Keeps tensors of a graph, each once: its reference is filled in when the graph has run."""

    def __init__(self) -> None:
        self.tensors: list[Any] = []
        self.references: list[Reference] = []
        self._numbers: dict[int, int] = {}

    def keep(self, array: Any) -> Reference:
        number = self._numbers.setdefault(id(array), len(self.tensors))  # the list below holds it, and so its id
        if number == len(self.tensors):
            self.tensors.append(array)
            self.references.append({})
        return self.references[number]


class _GraphTensors(KerasTensors):
    """Tensors of a graph, which have no numbers yet."""

    def array(self, leaf: Any) -> Any:
        return leaf

    def mask(self, leaf: Any) -> Any:
        return getattr(leaf, "_keras_mask", None)

    def put_mask(self, leaf: Any, mask: Any) -> None:
        leaf._keras_mask = mask


class _GraphRecorder(Recorder):
    """Notes calls while a graph is made; what is put in the place of a layer's own is an input of the graph."""

    def __init__(
        self, tensors: _GraphTensors, keeper: _Keeper, fed: _Fed, given: Mapping[str, Any], request: Mapping[str, Any]
    ) -> None:
        super().__init__(tensors, keeper, request.get("force") or (), request.get("only"))
        self._fed, self._given = fed, given

    def _laid(self, order: Mapping[str, Any], leaf: Any) -> Any:
        import tensorflow as tf

        put, mask = self._given[self._fed.of(order)], self._mask(order)
        if not leaf.shape.is_compatible_with(put.shape):
            raise ValueError(f"shape {tuple(put.shape)} where the layer has {tuple(leaf.shape)}")
        put = tf.cast(put, leaf.dtype)
        if mask is not None and mask.shape == put.shape[: mask.shape.rank]:
            put = tf.where(tf.reshape(mask, [*mask.shape, *[1] * (put.shape.rank - mask.shape.rank)]), put, leaf)
        made = tf.identity(put)  # one array may stand in several places, each with its own mask
        made._keras_mask = getattr(leaf, "_keras_mask", None)
        return made

    def _mask(self, order: Mapping[str, Any]) -> Any:
        return None if order.get("mask") is None else self._given[self._fed.of(order["mask"])]


def start(options: Mapping[str, Any]) -> ExportedEnd:
    """Imports what was asked for, as the lane of the same name does."""
    from conformance.lanes import keras_start

    lane = keras_start.start(options)
    format = FORMATS[str(options["mode"]).removeprefix(EXPORT)]()
    return ExportedEnd(lane.keras, lane.identity.versions, lane.identity.files, format)
