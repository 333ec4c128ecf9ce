"""A script in parts, before the check is added: what differs between the lanes."""

from __future__ import annotations

from dataclasses import dataclass

from conformance.repro.names import Names


@dataclass(frozen=True)
class Body:
    """The lane's own part of a script, in lines."""

    imports: tuple[str, ...]
    helpers: tuple[str, ...]
    """Whole definitions, in the order in which they must stand."""
    build: tuple[str, ...]
    """What can raise in the phase `build`."""
    call: tuple[str, ...]
    """What can raise in the phase `call`, before the graph runs; `graph` is defined by the end of it."""
    argument: str
    """From `%s`, the name of a mapping of arrays, to the mapping that `graph` takes."""
    to_numpy: str
    """From `value` to its NumPy array."""
    mask: str
    """From `value` to its mask or None; empty where the lane has none."""
    names: Names
    before_run: tuple[str, ...] = ()
    """What a second run begins with."""
    beside_outputs: str = ""
    """What gives weights after steps of training, or gradients, by label: a call of a function that `call` defines."""
    has_hidden: bool = False
    """Whether `graph` gives more than the report speaks of: a loss that is not observed."""
    has_symbolic: bool = False
    masks_beside: bool = False
    """Whether `graph` gives pairs of a value and its mask."""
    is_lazy: bool = False
    """Whether the lane computes an array when its numbers are asked for, and raises only then."""
