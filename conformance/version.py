"""The version of this package: of the wheel, of results, of `conformance --version`."""

__version__ = "0.1.0"
