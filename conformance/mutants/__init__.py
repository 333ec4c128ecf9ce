"""Layers with one named mistake each, and which cases tell them from the real ones. NumPy only, no framework."""
