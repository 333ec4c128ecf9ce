"""What written modules say of weights that are not theirs: a function that a loader calls before it moves anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

CHECK = '''\
def check(found, wanted):
    """Raises ValueError for weights that are missing, not asked for, or of another shape."""
    wrong = [name for name in {**wanted, **found} if found.get(name) != wanted.get(name)]
    if wrong:
        told = (f"{name}: {found.get(name, 'missing')}, not {wanted.get(name, 'asked for')}" for name in wrong)
        raise ValueError("; ".join(told))
'''


def wanted(shapes: Mapping[str, Any], width: int) -> list[str]:
    """The statement that names all shapes, in one line or in one for each name."""
    whole = f"wanted = {dict(shapes)!r}".replace("'", '"')
    if len(whole) <= width:
        return [whole]
    return ["wanted = {", *(f'    "{name}": {shape!r},' for name, shape in shapes.items()), "}"]
