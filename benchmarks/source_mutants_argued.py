"""Generic mutants that compute the same as the source, each with the argument."""

from __future__ import annotations

from collections.abc import Mapping

ARGUED: Mapping[tuple[str, str, str], str] = {}
"""Module, line before and line after to why nothing can tell them apart."""
