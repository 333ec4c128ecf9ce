"""The far end of a comparison over Keras, 2 or 3: loads a model, watches every layer, runs it in float64 too.

Every call of a layer of the model is seen by way of `Layer.__call__`, while numbers are in it; activations that are an
argument of their layer are layers of their own here (`dense/activation`), for a port often has them apart. A file is
loaded in safe mode: what it holds of code is not run.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from conformance.lanes.compare_far import (
    DROPPING,
    Refused,
    Request,
    Store,
    called,
    factors,
    leaves,
    named_object,
    opened,
    refusing,
    replaced,
    said,
)
from conformance.lanes.compare_recorder import Noise, Recorder
from conformance.protocol.adapter import Identity

_RANDOM = (DROPPING, "Noise", "Random")
"""What names of classes that draw numbers have in them."""


class KerasTensors:
    """Arrays of a Keras backend."""

    def __init__(self, keras: Any) -> None:
        self.keras = keras
        self._is_new = not str(keras.__version__).startswith("2.")

    def is_leaf(self, value: Any) -> bool:
        if self._is_new:
            return bool(self.keras.ops.is_tensor(value)) or isinstance(value, np.ndarray)
        import tensorflow as tf

        return bool(tf.is_tensor(value)) or isinstance(value, np.ndarray)

    def array(self, leaf: Any) -> np.ndarray[Any, Any]:
        return np.asarray(self.keras.ops.convert_to_numpy(leaf) if self._is_new else leaf)

    def mask(self, leaf: Any) -> np.ndarray[Any, Any] | None:
        mask = getattr(leaf, "_keras_mask", None)
        return None if mask is None else self.array(mask).astype(bool)

    def put_mask(self, leaf: Any, mask: np.ndarray[Any, Any] | None) -> None:
        with contextlib.suppress(AttributeError):
            leaf._keras_mask = None if mask is None else self.tensor(mask, "bool")

    def lengths(self, leaf: Any) -> list[int] | None:
        return None

    def token(self, leaf: Any) -> Any:
        return id(leaf)

    def like(self, array: np.ndarray[Any, Any], leaf: Any) -> Any:
        if tuple(array.shape) != tuple(leaf.shape):
            raise ValueError(f"shape {tuple(array.shape)} where the layer has {tuple(leaf.shape)}")
        return self.tensor(array, str(np.dtype(self.array(leaf).dtype)), getattr(leaf, "_keras_mask", None))

    def tensor(self, array: Any, dtype: str, mask: Any = None) -> Any:
        """A tensor of the backend, with a mask."""
        if self._is_new:
            made = self.keras.ops.convert_to_tensor(np.asarray(array), dtype=dtype)
        else:
            import tensorflow as tf

            made = tf.convert_to_tensor(np.asarray(array).astype(dtype))
        if mask is not None:
            with contextlib.suppress(AttributeError):
                made._keras_mask = mask
        return made


class KerasEnd:
    """The adapter: answers requests about one Keras model."""

    def __init__(self, keras: Any, versions: Mapping[str, str], files: Mapping[str, str], live: Any = None) -> None:
        self.keras = keras
        self.identity = Identity(versions, files, True)
        self.tensors = KerasTensors(keras)
        self._is_new = not str(keras.__version__).startswith("2.")
        self._model, self._live = live, live
        self._of: Any = None
        """What the model that is held was loaded from."""
        self._wide: Any = None
        self._store: Store | None = None
        self._asked: Mapping[str, Any] = {}

    from_wire = Request.from_wire
    """How the worker reads what it is sent."""

    def observe(self, asked: Request) -> dict[str, Any]:
        """The answer to a request, or its `failure`."""
        request = asked.body
        with refusing() as answer:
            self._asked = request
            self._store = self._store or Store(request["folder"])
            answer.update(getattr(self, f"_{request['verb']}")(request))
        return answer

    def leave(self) -> None:
        """Nothing of the model was changed for longer than a run."""

    # --- the model ---------------------------------------------------------------------------------------------

    def _loaded(self) -> Any:
        if self._live is not None:
            return self._live
        wanted = (self._asked["model"], self._asked.get("load"))
        if self._model is None or self._of != wanted:  # several models are asked one after the other in one process
            self._model = self._wide = None
            self._model = self._from(self._asked["model"])
            if self._asked.get("load"):
                self._model.load_weights(self._asked["load"])
            self._of = wanted
        return self._model

    def _from(self, spec: Mapping[str, Any]) -> Any:
        path, name = spec["path"], spec.get("name")
        if name is None:
            return self._from_file(path, spec.get("allow", ()))
        found = named_object(path, name)
        model = found if self._is_model(found) else called(found, path, name) if callable(found) else found
        if not self._is_model(model):
            kind = type(model).__name__
            raise Refused(
                "no model", f"{path}:{name} is a {kind}, no Keras model", "name a model, or a function of one"
            )
        return model

    def _is_model(self, value: Any) -> bool:
        layer = self.keras.layers.Layer
        return isinstance(value, layer) and not isinstance(value, type)

    def _from_file(self, path: str, allowed: Sequence[Mapping[str, str]]) -> Any:
        """The model of a file, in safe mode. Raises Refused with what it is, where it is no model."""
        with open(path, "rb") as file:
            start = file.read(8)
        is_zip, is_hdf = start.startswith(b"PK"), start.startswith(b"\x89HDF")
        if not (is_zip or is_hdf):
            pickled = start[:1] == b"\x80"
            what = "a pickle, which could run any code" if pickled else "neither a .keras nor an .h5 file"
            raise Refused("no model", f"{path} is {what}", "save the model with model.save('model.keras')")
        custom = _allowed(allowed)
        arguments: dict[str, Any] = {"custom_objects": custom, "compile": False}
        if self._is_new:
            arguments["safe_mode"] = True
        try:
            return self.keras.models.load_model(path, **arguments)
        except Exception as error:
            raise self._unloadable(path, error) from None

    def _unloadable(self, path: str, error: Exception) -> Refused:
        words = str(error)
        missing = _quoted(words)
        if missing:
            hint = f"allow it by naming its file: --allow path/to/module.py:{missing}"
            return Refused("custom", f"{path} needs {missing}, which no import gives", hint)
        if "lambda" in words.lower() or "safe_mode" in words:
            hint = "name a function that builds the model instead: module.py:build, with --load for its weights"
            return Refused("unsafe", f"{path} holds code (a Lambda), which is not run from a file", hint)
        return Refused("no model", f"{path} cannot be loaded: {_innermost(error)}", "is it a whole saved model?")

    # --- what it is made of ------------------------------------------------------------------------------------

    def _watched(self, model: Any) -> dict[int, tuple[str, Any]]:
        """Every layer to watch by id: its path, and the layer."""
        found: dict[int, tuple[str, Any]] = {}

        def walk(layer: Any, path: str) -> None:
            names: dict[str, int] = {}
            for child in _children(layer):
                if id(child) in found or type(child).__name__ == "InputLayer":
                    continue
                names[child.name] = names.get(child.name, 0) + 1
                name = child.name if names[child.name] == 1 else f"{child.name}#{names[child.name]}"
                inner = f"{path}/{name}" if path else name
                found[id(child)] = (inner, child)
                if not self._is_whole(child):
                    walk(child, inner)

        found[id(model)] = ("", model)
        if not self._is_whole(model):
            walk(model, "")
        return found

    def _is_whole(self, layer: Any) -> bool:
        """Whether its inner layers run once a step: it is watched as one."""
        kinds = self.keras.layers
        return isinstance(layer, (kinds.RNN, kinds.Bidirectional, kinds.TimeDistributed))

    def _activation_of(self, layer: Any) -> Any:
        """A function that a layer applies at its end; None for none and for the identity."""
        activation = vars(layer).get("activation")
        if activation is None or not callable(activation):
            return None
        if type(layer).__name__ == self.keras.layers.Activation.__name__:
            return None
        if hasattr(activation, "_flatten_layers") or getattr(activation, "__name__", "") == "linear":
            return None
        return activation

    def _describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        model = self._loaded()
        if request.get("inputs") and not (getattr(model, "built", False) and getattr(model, "inputs", None)):
            self._model_call(model, request["inputs"], "float32")  # a subclassed model is built by its first call
        watched = self._watched(model)
        layers = []
        for path, layer in watched.values():
            inside = [child for child_path, child in watched.values() if _is_below(child_path, path)]
            held = {id(weight) for child in inside for weight in child.weights}
            own = [weight for weight in layer.weights if id(weight) not in held]
            layers.append(
                {
                    "path": path,
                    "class": type(layer).__name__,
                    "module": type(layer).__module__,
                    "config": _config_of(layer),
                    "weights": [self._weight(weight) for weight in own],
                    "is_leaf": not inside,
                    "is_training": False,
                    "is_random": any(word in type(layer).__name__ for word in _RANDOM),
                }
            )  # fmt: skip
            activation = self._activation_of(layer)
            if activation is not None and not inside and not self._is_whole(layer):
                name = getattr(activation, "__name__", type(activation).__name__)
                layers.append(
                    {
                        "path": f"{path}/activation" if path else "activation",
                        "class": self.keras.layers.Activation.__name__,
                        "module": "keras.layers",
                        "config": {"activation": name},
                        "weights": [],
                        "is_leaf": True,
                        "is_training": False,
                        "is_random": False,
                    }
                )
        return {"class": type(model).__name__, "layers": layers, "inputs": self._inputs(model), "remarks": []}

    def _inputs(self, model: Any) -> list[dict[str, Any]]:
        given = getattr(model, "inputs", None) or []
        return [
            {
                "name": str(tensor.name).partition(":")[0],
                "shape": [None if length is None else int(length) for length in tensor.shape],
                "dtype": str(getattr(tensor.dtype, "name", tensor.dtype)),
            }
            for tensor in given
        ]

    def _weight(self, variable: Any) -> dict[str, Any]:
        assert self._store is not None
        path = str(getattr(variable, "path", variable.name)).partition(":")[0]
        return {
            "name": path.rpartition("/")[2],
            "full": path,
            "is_trained": bool(getattr(variable, "trainable", True)),
            "array": self._store.keep(self.tensors.array(variable)),
            "storage": id(variable),
        }

    # --- runs --------------------------------------------------------------------------------------------------

    def _run(self, request: Mapping[str, Any]) -> dict[str, Any]:
        model = self._loaded()
        recorder = Recorder(self.tensors, self._store, request.get("force", ()), request.get("only"))
        with self._watching(model, recorder):
            self._model_call(model, request["inputs"], "float32")
        return {"calls": recorder.calls}

    def _rounding(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The float64 model, exact and moved: every array of every layer, and how far rounding carries it."""
        assert self._store is not None
        wide = self._in_float64(request["inputs"])
        noise = Noise(self._store, request["unit"], request["is_local"])
        calls: list[dict[str, Any]] = []
        weights = [np.asarray(self.tensors.array(weight)) for weight in wide.weights]
        for pattern in (None, *range(request["patterns"])):
            noise.start(pattern)
            moved = None if pattern is None else (pattern, request["unit"])
            self._put(wide, weights, moved)
            recorder = Recorder(self.tensors, None, noise=noise)
            with self._watching(wide, recorder):
                self._model_call(wide, request["inputs"], "float64", moved)
            calls = calls or recorder.calls
        self._put(wide, weights, None)
        return {
            "arrays": noise.answer(),
            "calls": [{key: call[key] for key in ("path", "index", "order")} for call in calls],
        }

    def _train(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Gradients of the results times cotangents, and the weights after one step; in float64 moved by rounding."""
        if self.keras.backend.backend() != "tensorflow":
            raise Refused("backend", "gradients of a model are taken over TensorFlow", "--lane keras")
        model = self._loaded()
        wide = self._in_float64(request["inputs"]) if request["patterns"] else model
        storages = [id(weight) for weight in model.weights]
        exact: list[Any] = []
        sums: list[Any] = []
        for pattern in (None, *range(request["patterns"])):
            moved = None if pattern is None else (pattern, request["unit"])
            found = self._trained(wide, request, moved)
            if pattern is None:
                exact, sums = found, [None if array is None else np.zeros(array.shape) for array in found]
                continue
            for total, array, near in zip(sums, exact, found, strict=True):
                if total is not None:
                    total += (near - array) ** 2
        own = self._trained(model, request, None) if request["patterns"] else exact
        assert self._store is not None
        answer = []
        for place, storage in enumerate((*storages, *storages)):
            if exact[place] is None:
                continue
            size = None
            if request["patterns"]:
                size = self._store.keep(np.sqrt(sums[place] / request["patterns"]))
            answer.append(
                {
                    "storage": storage,
                    "of": "gradient" if place < len(storages) else "after",
                    "exact": self._store.keep(exact[place]),
                    "own": self._store.keep(own[place]),
                    "moved": size,
                }
            )
        return {"arrays": answer}

    def _trained(self, model: Any, request: Mapping[str, Any], moved: Any) -> list[Any]:
        """The gradient of every weight, then every weight after the step; None where there is none."""
        import tensorflow as tf

        dtype = str(self.tensors.array(model.weights[0]).dtype)
        before = [np.asarray(self.tensors.array(weight)) for weight in model.weights]
        rates = [(layer, layer.rate) for _, layer in self._watched(model).values() if _drops(layer)]
        cotangents = {place: np.asarray(opened(one)).astype(dtype) for place, one in request["cotangents"].items()}
        try:
            for layer, _ in rates:
                object.__setattr__(layer, "rate", 0.0)
            self._put(model, before, moved)
            is_step = request.get("step") is not None
            trained = model.trainable_weights
            with tf.GradientTape() as tape:
                result = self._model_call(model, request["inputs"], dtype, moved, is_training=is_step)
                held = dict(leaves({"": result} if self.tensors.is_leaf(result) else result, self.tensors.is_leaf))
                loss = sum(tf.reduce_sum(held[place] * array) for place, array in cotangents.items())
            values = [getattr(variable, "value", variable) for variable in trained]
            values = [value() if callable(value) else value for value in values]
            gradients = [None if one is None else tf.convert_to_tensor(one) for one in tape.gradient(loss, values)]
            by_id = {id(variable): one for variable, one in zip(trained, gradients, strict=True)}
            found = [None if by_id.get(id(w)) is None else np.asarray(by_id[id(w)]) for w in model.weights]
            if not is_step:
                return [*found, *(None for _ in found)]
            step = request["step"]
            if step.get("is_fit"):
                self._put(model, before, moved)  # moving statistics were moved by the gradient's run already
                self._fit(model, request, dtype, moved, result, cotangents)
            else:
                optimizer = getattr(self.keras.optimizers, step["type"])(**step["config"])
                pairs = [(one, variable) for one, variable in zip(gradients, trained, strict=True) if one is not None]
                optimizer.apply_gradients(pairs)
            return [*found, *(np.asarray(self.tensors.array(weight)) for weight in model.weights)]
        finally:
            for layer, rate in rates:
                object.__setattr__(layer, "rate", rate)
            self._put(model, before, None)

    @staticmethod
    def _put(model: Any, arrays: Sequence[Any], moved: Any) -> None:
        """Sets the model's weights, moved by rounding where a pattern says how."""
        for place, (variable, array) in enumerate(zip(model.weights, arrays, strict=True)):
            if moved is not None and array.dtype.kind == "f":
                array = array * factors(moved[0], -1 - place, array.shape, moved[1])
            variable.assign(array)

    def _fit(
        self, model: Any, request: Mapping[str, Any], dtype: str, moved: Any, result: Any, targets: Mapping[str, Any]
    ) -> None:
        """One step of `fit`, compiled with the mean squared error to the targets; the whole batch at once.

        Raises Refused for what has no `fit`, and for results that are no numbers to learn.
        """
        if not callable(getattr(model, "fit", None)):
            raise Refused("fit", f"{type(model).__name__} is a layer: it has no fit")
        nest = {"": result} if self.tensors.is_leaf(result) else result
        if set(dict(leaves(nest, self.tensors.is_leaf))) != set(targets):
            raise Refused("fit", "a result holds no floats that fit could learn")
        step = request["step"]
        wanted = replaced(nest, {place: np.asarray(target) for place, target in targets.items()})
        given = {name: np.asarray(array) for name, array in self._arrays(request["inputs"], dtype, moved).items()}
        rows = len(next(iter(given.values())))
        with self._policy(dtype):  # fit turns floats into Keras' default
            optimizer = getattr(self.keras.optimizers, step["type"])(**step["config"])
            # XLA, which Keras may choose by itself, would compile for seconds each time
            model.compile(optimizer=optimizer, loss="mean_squared_error", jit_compile=False)
            model.fit(_arranged(given, model), wanted, batch_size=rows, epochs=1, shuffle=False, verbose=0)

    def _in_float64(self, inputs: Mapping[str, Any]) -> Any:
        """The same model with every array in float64. Raises Refused where it cannot be made again."""
        if self._wide is not None:
            return self._wide
        model = self._loaded()
        try:
            wide = self._made_again(model)
            self._model_call(wide, inputs, "float64")
            wide.set_weights([np.asarray(self.tensors.array(weight)) for weight in model.weights])
        except Refused:
            raise
        except Exception as error:
            raise Refused("narrow", f"the model cannot be made again in float64: {said(error)[:300]}") from None
        kinds = {str(self.tensors.array(weight).dtype) for weight in wide.weights} - {"float64"}
        if any(kind.startswith(("float", "bfloat")) for kind in kinds):
            raise Refused("narrow", "the model keeps weights in float32 when it is made again in float64")
        self._wide = wide
        return wide

    def _made_again(self, model: Any) -> Any:
        """By its configuration where it has one, else by the function that the user named, under another policy."""
        spec = self._asked.get("model") or {}
        try:
            config = _widened(model.get_config())
            with self._policy("float64"):
                custom = _allowed(spec.get("allow", ()))
                custom |= {type(layer).__name__: type(layer) for _, layer in self._watched(model).values()}
                with self.keras.utils.custom_object_scope(custom):
                    return type(model).from_config(config)
        except Exception:
            if not spec.get("name"):
                raise
        with self._policy("float64"):
            found = named_object(spec["path"], spec["name"])
            if self._is_model(found):
                raise Refused("narrow", f"{spec['name']} is one model; a function could make it in float64")
            return called(found, spec["path"], spec["name"])

    @contextlib.contextmanager
    def _policy(self, dtype: str) -> Iterator[None]:
        """Layers made here compute in a dtype."""
        backend, mixed = self.keras.backend, self.keras.mixed_precision
        floatx, policy = backend.floatx(), (
            self.keras.config.dtype_policy() if self._is_new else mixed.global_policy()
        )  # fmt: skip
        put = self.keras.config.set_dtype_policy if self._is_new else mixed.set_global_policy
        backend.set_floatx(dtype)
        put(dtype)
        try:
            yield
        finally:
            backend.set_floatx(floatx)
            put(policy)

    def _model_call(
        self, model: Any, inputs: Mapping[str, Any], dtype: str, moved: Any = None, is_training: bool = False
    ) -> Any:
        """The model's answer to a batch."""
        given = self._arrays(inputs, dtype, moved)
        arrays = {name: self.tensors.tensor(array, str(array.dtype)) for name, array in given.items()}
        return model(_arranged(arrays, model), training=is_training)

    @staticmethod
    def _arrays(inputs: Mapping[str, Any], dtype: str, moved: Any) -> dict[str, Any]:
        """The batch in a dtype, moved by rounding where a pattern says how."""
        arrays = {}
        for place, (name, reference) in enumerate(inputs.items()):
            array = np.asarray(opened(reference))
            if array.dtype.kind == "f":
                array = array.astype(dtype)
                if moved is not None:
                    array = array * factors(moved[0], 2**40 + place, array.shape, moved[1])
            arrays[name] = array
        return arrays

    @contextlib.contextmanager
    def _watching(self, model: Any, recorder: Recorder) -> Iterator[None]:
        """Every call of a layer of the model goes through the recorder."""
        watched = self._watched(model)
        layer_class = self.keras.layers.Layer
        original = layer_class.__call__
        depth: list[int] = []

        def call(layer: Any, *args: Any, **kwargs: Any) -> Any:
            known = watched.get(id(layer))
            if known is None or (depth and depth[-1] == id(layer)):
                return original(layer, *args, **kwargs)
            depth.append(id(layer))
            try:
                args, kwargs = recorder.begin(known[0], args, kwargs)
                return recorder.end(original(layer, *args, **kwargs))
            finally:
                depth.pop()

        restored = []
        for path, layer in list(watched.values()):
            activation = self._activation_of(layer)
            if activation is None or self._is_whole(layer) or any(_is_below(p, path) for p, _ in watched.values()):
                continue
            object.__setattr__(
                layer, "activation", _seen(activation, recorder, f"{path}/activation" if path else "activation")
            )
            restored.append((layer, activation))
        layer_class.__call__ = call
        try:
            yield
        finally:
            layer_class.__call__ = original
            for layer, activation in restored:
                object.__setattr__(layer, "activation", activation)


def _allowed(named: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The classes and functions of their own files that the user allows a saved model to name."""
    return {one["name"].rpartition(".")[2]: named_object(one["path"], one["name"]) for one in named}


def _seen(activation: Any, recorder: Recorder, path: str) -> Any:
    def call(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = recorder.begin(path, args, kwargs)
        return recorder.end(activation(*args, **kwargs))

    return call


def _children(layer: Any) -> list[Any]:
    """The layers right below one, in the order in which they were made."""
    return [child for child in layer._flatten_layers(recursive=False, include_self=False) if child is not layer]


def _drops(layer: Any) -> bool:
    return DROPPING in type(layer).__name__ and hasattr(layer, "rate")


def _is_below(path: str, above: str) -> bool:
    return path != above and (above == "" or path.startswith(f"{above}/"))


def _config_of(layer: Any) -> Any:
    """The layer's arguments as plain values; None where it gives none."""
    try:
        return json.loads(json.dumps(layer.get_config(), default=str))
    except Exception:
        return None


def _widened(config: Any) -> Any:
    """A configuration with float64 wherever it says float32."""
    if isinstance(config, dict):
        made = {}
        for key, value in config.items():
            is_policy = isinstance(value, dict) and "Policy" in str(value.get("class_name"))
            made[key] = "float64" if key == "dtype" and (value == "float32" or is_policy) else _widened(value)
        return made
    if isinstance(config, (list, tuple)):
        return type(config)(_widened(item) for item in config)
    return config


def _arranged(arrays: Mapping[str, Any], model: Any) -> Any:
    """The batch in the structure that the model is called with: one array, a mapping, or a list."""
    structure = getattr(model, "_inputs_struct", None)
    inputs = getattr(model, "inputs", None)
    if isinstance(structure, dict):
        return {name: arrays[name] for name in structure}
    if len(arrays) == 1:
        return next(iter(arrays.values()))
    if inputs:
        return [arrays[str(tensor.name).partition(":")[0]] for tensor in inputs]
    return dict(arrays)


_REASON = "Exception encountered: "
"""What Keras writes before the error that ended the loading of an inner layer; around it stand all configurations."""


def _innermost(error: Exception) -> str:
    """Why a model cannot be loaded: the error of the layer that ended it, without the configurations around it."""
    words = said(error)
    if _REASON in str(error):
        words = str(error).rpartition(_REASON)[2]
    return " ".join(words.partition(" Full object config: ")[0].split())[:600]


def _quoted(words: str) -> str:
    """The class that a message is about."""
    for word in ("Could not locate class '", "Unknown layer: '", 'Unknown layer: "'):
        if word in words:
            return words.partition(word)[2].partition(word[-1])[0]
    return ""


def start(options: Mapping[str, Any]) -> KerasEnd:
    """Imports what was asked for, as the lane of the same name does."""
    from conformance.lanes import keras_start

    lane = keras_start.start(options)
    return KerasEnd(lane.keras, lane.identity.versions, lane.identity.files)


def over(model: Any) -> KerasEnd:
    """The far end of a live model, in this process."""
    import sys

    name = type(model).__mro__[-2].__module__.partition(".")[0]
    for kind in type(model).__mro__:
        if kind.__module__.partition(".")[0] in ("keras", "tf_keras"):
            name = kind.__module__.partition(".")[0]
            break
    keras = sys.modules[name]
    return KerasEnd(keras, {name: str(keras.__version__)}, {name: str(Path(str(keras.__file__)))}, model)
