"""A comparison as one HTML page: no network, no script, everything escaped, its one style allowed by its hash."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

from conformance.comparison.result import Comparison
from conformance.comparison.text import GLYPHS, WORDS, of_rounding, place, share_words, verdict
from conformance.report.html import policy, static

_FOLDER = Path(__file__).parent / "templates"
BARS = 10
"""Steps of the bar that a share is drawn with, one for each factor of ten from a thousandth to a million."""


def page(comparison: Comparison) -> str:
    """The page."""
    from markupsafe import Markup

    style = static("page.css") + (_FOLDER / "compare.css").read_text(encoding="utf-8")
    return str(
        _environment()
        .get_template("compare.html.j2")
        .render(
            found=comparison,
            sentence=verdict(comparison),
            style=Markup(style),
            policy=policy(style),
            glyphs=GLYPHS,
            words=WORDS,
            place=place,
            of_rounding=of_rounding,
            share=share_words,
            bar=_bar,
            shape=_shape,
        )
    )


def _bar(used: float | None) -> int:
    """How long a share's bar is: 0 for none, 3 for what rounding explains, one more for each factor of ten."""
    if used is None or used <= 0.0:
        return 0
    steps = 3
    while used > 1.0 and steps < BARS:
        used, steps = used / 10.0, steps + 1
    while used < 0.1 and steps > 0:
        used, steps = used * 10.0, steps - 1
    return steps


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape)) if shape else ""


@lru_cache(maxsize=1)
def _environment() -> Any:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
