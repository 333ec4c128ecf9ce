"""A Keras-equivalence conformance suite: one question, several lanes, one answer.

    conformance.compare(keras_model, torch_module, inputs)       where does my port differ, is it rounding, why
    conformance.explain("Conv1D(100, 4, padding='same')", (50, 300))        what do Keras and torch make of a layer

What stands in `__all__` is public; every other module of this package is private and may change. Importing it imports
neither TensorFlow nor torch: only the adapters in `conformance.lanes` do, in processes of their own, and `compare`
works on the objects that you give it.
"""

from conformance.api import Explanation, compare, explain
from conformance.errors import ConformanceError
from conformance.version import __version__

__all__ = ["ConformanceError", "Explanation", "__version__", "compare", "explain"]
