"""torch as text: what stands in a program that a person writes. Imports no torch."""
