"""A case's functional model after export: as ONNX in onnxruntime, as LiteRT in its interpreter.

The model is traced for the lengths of each size, and the exporter of the format gets the function as users give it:
tf2onnx for ONNX, TensorFlow's own converter for LiteRT; in both, weights become constants and loops stay loops. Only
operations that the format has by itself are allowed: none is handed back to TensorFlow. What an exporter or a runtime
refuses is `Unsupported` with its words; what the exported model gives or raises when it runs is the lane's answer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from conformance.lanes.keras_modes import Functional, Inputs
from conformance.protocol.adapter import Unsupported

EXPORT = "export="
"""What the modes here begin with."""
OPSET = 18
"""The ONNX operator set: the newest that tf2onnx 1.17 writes."""
EXTRA = "pip install 'conformance[export]'"
SEED = "seed_generator_state"
"""How Keras names the variable of a seed generator."""
LONGEST = 400
"""Characters of an exporter's words."""


@dataclass(frozen=True)
class Traced:
    """A model as a function of its inputs, traced for the lengths of one size."""

    function: Any
    signature: Sequence[Any]
    """A TensorSpec for each input, with its name."""
    concrete: Any
    """The trace."""

    @property
    def count(self) -> int:
        """How many outputs it has."""
        return len(self.concrete.outputs)


class Format(Protocol):
    """One format: what exports a traced function to it, and what runs the file."""

    @property
    def name(self) -> str: ...
    @property
    def packages(self) -> Sequence[str]:
        """Distributions that make and run it, for the versions that a lane proves."""

    def exported(self, traced: Traced) -> bytes:
        """The file of a traced function; raises what the exporter raises."""

    def loaded(self, file: bytes) -> Callable[[Mapping[str, Any]], list[Any]]:
        """What runs the file: inputs by name to the outputs in their order. Raises what the runtime raises."""


class Onnx:
    """tf2onnx makes it, onnxruntime runs it."""

    name = "onnx"
    packages = ("tf2onnx", "onnx", "onnxruntime")

    def exported(self, traced: Traced) -> bytes:
        import tf2onnx

        made, _ = tf2onnx.convert.from_function(traced.function, input_signature=traced.signature, opset=OPSET)
        file: bytes = made.SerializeToString()
        return file

    def loaded(self, file: bytes) -> Callable[[Mapping[str, Any]], list[Any]]:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # as every lane: sums in one order
        session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        taken = [one.name for one in session.get_inputs()]  # an input that nothing needs is left out

        def run(given: Mapping[str, Any]) -> list[Any]:
            found: list[Any] = session.run(None, {name: given[name.partition(":")[0]] for name in taken})
            return found

        return run


class LiteRT:
    """TensorFlow's converter makes it, the interpreter of LiteRT runs it."""

    name = "litert"
    packages = ("tensorflow", "ai-edge-litert")

    def exported(self, traced: Traced) -> bytes:
        import tensorflow as tf
        from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

        # loops stay loops, for LiteRT has no switches; variables that stayed would have to be initialised by a caller
        frozen = convert_variables_to_constants_v2(traced.concrete, lower_control_flow=False)
        converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen])
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        file: bytes = converter.convert()
        return file

    def loaded(self, file: bytes) -> Callable[[Mapping[str, Any]], list[Any]]:
        from ai_edge_litert.interpreter import Interpreter

        interpreter = Interpreter(model_content=file, num_threads=1)
        interpreter.allocate_tensors()

        def run(given: Mapping[str, Any]) -> list[Any]:
            for held in interpreter.get_input_details():
                name = held["name"].removeprefix("serving_default_").partition(":")[0]
                interpreter.set_tensor(held["index"], given[name])
            interpreter.invoke()
            return [interpreter.get_tensor(held["index"]) for held in interpreter.get_output_details()]

        return run


FORMATS: Mapping[str, Callable[[], Format]] = {"onnx": Onnx, "litert": LiteRT}


class Exported(Functional):
    """The functional model of a case, exported and run elsewhere. It gives numbers alone: no masks, no gradients."""

    gives_masks = False

    def __init__(self, keras: Any, format: Format, to_tensor: Callable[[Any], Any]) -> None:
        super().__init__(keras, to_tensor)
        self.format = format
        self.name = f"{EXPORT}{format.name}"
        self.called = f"a model exported to {format.name}"
        self.versions = versions_of(format)

    def _answered(self, inputs: Inputs) -> Any:
        names = [f"input_{place}" for place in range(len(inputs))]
        arrays = {name: np.asarray(value) for name, value in zip(names, inputs.values(), strict=True)}
        traced = traced_for(self.keras, self._outputs, arrays, self.called)
        return answer_of(self.format, traced, arrays, self.called)

    def _outputs(self, *given: Any) -> list[Any]:
        found = self._model(list(given))
        return found if isinstance(found, list) else list(found) if isinstance(found, tuple) else [found]

    def _tensor(self, value: Any) -> Any:
        return self._to_tensor(value)


def traced_for(keras: Any, outputs: Callable[..., list[Any]], arrays: Mapping[str, Any], called: str) -> Traced:
    """A function of a model, traced for the shapes of these arrays: the inputs by the names that the file gives them.

    Raises what the function raises, and Unsupported where a call of it changes a state.
    """
    import tensorflow as tf

    changed: set[str] = set()

    def graph(*given: Any) -> list[Any]:
        with _left_as_it_is(keras, changed):
            return [tf.identity(one) for one in outputs(*given)]

    signature = [tf.TensorSpec(array.shape, array.dtype, name=name) for name, array in arrays.items()]
    function = tf.function(graph, autograph=False)
    traced = Traced(function, signature, function.get_concrete_function(*signature))
    if changed:
        raise Unsupported(
            f"{called}: a call changes {', '.join(sorted(changed))}, and a file of constants keeps nothing"
        )
    return traced


def answer_of(format: Format, traced: Traced, arrays: Mapping[str, Any], called: str) -> list[Any]:
    """What the exported function gives for these arrays.

    Raises Unsupported with the exporter's or the loading runtime's words, and what the runtime raises when it runs.
    """
    exported, loaded = format.exported, format.loaded  # what is missing here is no exporter's word
    try:
        run = loaded(exported(traced))
    except Exception as error:
        raise Unsupported(f"{called}: {_words(error)}") from None
    found = run(arrays)
    if len(found) != traced.count:
        raise Unsupported(f"{called}: it has {len(found)} outputs where the model has {traced.count}")
    return found


@contextlib.contextmanager
def _left_as_it_is(keras: Any, changed: set[str]) -> Iterator[None]:
    """No call changes a variable: a file of constants has none to change. What would have been changed is noted.

    The states that random numbers are drawn from are not: a file that draws the same numbers each time is an answer,
    and docs/modes.md says so. One that forgets a layer's state answers another question.
    """
    original = keras.Variable.assign

    def left(variable: Any, value: Any) -> Any:
        if variable.name != SEED:
            changed.add(variable.path)
        return value

    keras.Variable.assign = left
    try:
        yield
    finally:
        keras.Variable.assign = original


def _words(error: BaseException) -> str:
    """What an exporter says, in one line: the first that says something, for traces of its own follow."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in lines if "error:" in line.lower() or "not supported" in line.lower()), "")
    return f"{type(error).__name__}: {(told or ' '.join(lines))[:LONGEST]}"


def versions_of(format: Format) -> dict[str, str]:
    """Of what makes and runs a format. Raises ValueError where a package is missing, with how it is installed."""
    return {package: _version(package) for package in format.packages}


def _version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        raise ValueError(f"a model is exported by {package}, which is not installed: {EXTRA}") from None


def exported_in(name: str, keras: Any, to_tensor: Callable[[Any], Any]) -> Exported:
    """The mode `export=NAME`. Raises ValueError where a package for it is missing."""
    return Exported(keras, FORMATS[name.removeprefix(EXPORT)](), to_tensor)
