"""The Keras model that a comparison is about: from a file in safe mode, or from the user's own code.

What a file holds of code is not run. What is no model is refused with what it is, and what the user can do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from conformance.lanes.compare_far import Refused, called, named_object, said
from conformance.lanes.compare_keras_arrays import is_keras_3

_REASON = "Exception encountered: "
"""What Keras writes before the error that ended the loading of an inner layer; around it stand all configurations."""


def model_of(keras: Any, spec: Mapping[str, Any]) -> Any:
    """The model that a request names: that of a file, or what a name in the user's code gives. Raises Refused."""
    path, name = spec["path"], spec.get("name")
    if name is None:
        return _from_file(keras, path, spec.get("allow", ()))
    found = named_object(path, name)
    model = found if is_model(keras, found) else called(found, path, name) if callable(found) else found
    if not is_model(keras, model):
        kind = type(model).__name__
        raise Refused("no model", f"{path}:{name} is a {kind}, no Keras model", "name a model, or a function of one")
    return model


def is_model(keras: Any, value: Any) -> bool:
    """Whether a value is a layer or a model, and no class of them."""
    layer = keras.layers.Layer
    return isinstance(value, layer) and not isinstance(value, type)


def _from_file(keras: Any, path: str, allowed: Sequence[Mapping[str, str]]) -> Any:
    """The model of a file, in safe mode. Raises Refused with what it is, where it is no model."""
    with open(path, "rb") as file:
        start = file.read(8)
    is_zip, is_hdf = start.startswith(b"PK"), start.startswith(b"\x89HDF")
    if not (is_zip or is_hdf):
        pickled = start[:1] == b"\x80"
        what = "a pickle, which could run any code" if pickled else "neither a .keras nor an .h5 file"
        raise Refused("no model", f"{path} is {what}", "save the model with model.save('model.keras')")
    custom = allowed_objects(allowed)
    arguments: dict[str, Any] = {"custom_objects": custom, "compile": False}
    if is_keras_3(keras):
        arguments["safe_mode"] = True
    try:
        return keras.models.load_model(path, **arguments)
    except Exception as error:
        raise _unloadable(path, error) from None


def allowed_objects(named: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """The classes and functions of their own files that the user allows a saved model to name."""
    return {one["name"].rpartition(".")[2]: named_object(one["path"], one["name"]) for one in named}


def _unloadable(path: str, error: Exception) -> Refused:
    words = str(error)
    missing = _quoted(words)
    if missing:
        hint = f"allow it by naming its file: --allow path/to/module.py:{missing}"
        return Refused("custom", f"{path} needs {missing}, which no import gives", hint)
    if "lambda" in words.lower() or "safe_mode" in words:
        hint = "name a function that builds the model instead: module.py:build, with --load for its weights"
        return Refused("unsafe", f"{path} holds code (a Lambda), which is not run from a file", hint)
    return Refused("no model", f"{path} cannot be loaded: {_innermost(error)}", "is it a whole saved model?")


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
