"""A Keras-equivalence conformance suite: one question, several lanes, one answer.

    conformance.compare(keras_model, torch_module, inputs)       where does my port differ, is it rounding, why
    conformance.explain("Conv1D(100, 4, padding='same')", (50, 300))        what do Keras and torch make of a layer

What stands in `__all__` is public; every other module of this package is private and may change. Importing it imports
neither TensorFlow nor torch: only the adapters in `conformance.lanes` do, in processes of their own, and `compare`
works on the objects that you give it. `Answer` is what `compare` gives, `Start` and `Row` are what stands in it, and
`Difference` is what its `raise_for_difference` raises.
"""

from typing import TYPE_CHECKING

from conformance.api import Explanation, compare, explain
from conformance.errors import ConformanceError
from conformance.version import __version__

if TYPE_CHECKING:
    from conformance.comparison.live import Answer, Difference
    from conformance.comparison.result import Row, Start

__all__ = [
    "Answer",
    "ConformanceError",
    "Difference",
    "Explanation",
    "Row",
    "Start",
    "__version__",
    "compare",
    "explain",
]

_LATER = {
    "Answer": "conformance.comparison.live",
    "Difference": "conformance.comparison.live",
    "Row": "conformance.comparison.result",
    "Start": "conformance.comparison.result",
}
"""Types that are imported when they are first asked for: their modules import NumPy."""


if not TYPE_CHECKING:  # else a name that is none would be typed too

    def __getattr__(name: str) -> object:
        if name not in _LATER:
            raise AttributeError(f"module {__name__} has no attribute {name}")
        from importlib import import_module

        return getattr(import_module(_LATER[name]), name)
