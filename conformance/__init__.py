"""A Keras-equivalence conformance suite: one question, several lanes, one answer.

Importing this package imports neither TensorFlow nor torch; only the adapters in `conformance.lanes` do, each in a
process of its own.
"""

__version__ = "0.1.0"
