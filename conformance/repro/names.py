"""The names of a case in a script: kept where they can be, moved aside where Python or the script needs them."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable

from conformance.repro.errors import NotScriptable

OURS = frozenset(
    [
        "base64",
        "sys",
        "os",
        "textwrap",
        "np",
        "keras",
        "tf",
        "torch",
        "F",
        "inputs",
        "graph",
        "answer",
        "symbolic",
        "reported",
        "expected",
        "packed",
        "object_array",
        "leaves",
        "named",
        "as_reported",
        "is_same",
        "shapes",
        "masks",
        "phase",
        "error",
        "mask_of",
        "each_mask",
        "Layer",
        "Weights",
        "Config",
        "Parameters",
        "PORTS",
        "Disconnected",
        "dataclass",
        "dataclasses",
        "name",
        "value",
        "array",
        "exact",
    ]  # a list is a page long
)
"""Names that scripts use themselves."""


class Names:
    """From a case's names to a script's; `taken` are those of carried code."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = OURS | set(taken)
        self._given: dict[str, str] = {}

    def __call__(self, name: str) -> str:
        """The same name, or with underscores after it. Raises NotScriptable for what can be no name at all."""
        if name not in self._given:
            if not name.isidentifier() or not name.isascii():
                raise NotScriptable(f"{name!r} cannot be a name in Python")
            chosen = name
            while self._is_taken(chosen) or chosen in self._given.values():
                chosen += "_"
            self._given[name] = chosen
        return self._given[name]

    def fresh(self, wish: str) -> str:
        """A name that nothing else has: the wish, or the wish with a number."""
        number, chosen = 2, wish
        while self._is_taken(chosen) or chosen in self._given.values():
            chosen, number = f"{wish}_{number}", number + 1
        self._given[chosen] = chosen
        return chosen

    def _is_taken(self, name: str) -> bool:
        return name in self._taken or keyword.iskeyword(name) or hasattr(builtins, name)
