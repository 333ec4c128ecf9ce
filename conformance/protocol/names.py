"""Names that every room uses, where nothing has to be imported to have them."""

from __future__ import annotations

REFERENCE = "numpy"
"""The lane against which every other is judged."""
USUAL = "float32"
"""The dtype policy of a lane that is not told otherwise, and the one that the reference stands for."""
EAGER = "eager"
"""How a lane executes that is not told otherwise."""
NATIVE = "native"
"""The mode of torch in which its own layers answer, as its users call them; `torch[native]` for short."""

SHAPES, MASKS = "compute_output_shape", "compute_mask"
"""The methods of a Keras layer that are asked directly."""
ADAPT = "adapt"
"""The one argument of a layer in a case that is a method in Keras: what it learns from data before it is called."""
WRITTEN = "written"
"""The node under which a lane hands out the file that it was asked to write."""
