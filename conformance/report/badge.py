"""A badge that says what a run found: an SVG without network, and the JSON of shields' endpoint."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape

from conformance.record.run import Results
from conformance.report.facts import is_failure

COLOURS: Mapping[str, str] = {"brightgreen": "#2f7d32", "red": "#b3261e", "lightgrey": "#6b6b6b"}
"""shields' names to colours on which white text can be read."""
_CHARACTER = 6.6
"""Width of a character of the SVG's text, in its units."""


def message(results: Results) -> tuple[str, str]:
    """What the badge says and shields' name of its colour: a run that is not whole is never green."""
    failing = sum(count for outcome, count in results.counts.items() if is_failure(outcome))
    agreeing, total = (
        sum(n for outcome, n in results.counts.items() if outcome == "agree"),
        sum(results.counts.values()),
    )
    if failing:
        return f"{failing} of {total} cases differ", "red"
    if not results.footer.complete or not agreeing:
        return "incomplete" if total else "nothing ran", "lightgrey"
    return f"{agreeing} of {total} cases agree", "brightgreen"


def svg(results: Results, label: str) -> str:
    """The badge as an image, with its words as its title."""
    words, colour = message(results)
    left, right = (round(len(text) * _CHARACTER) + 12 for text in (label, words))
    label, words = escape(label, quote=True), escape(words, quote=True)
    font = 'font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" fill="#fff" text-anchor="middle"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img" '
        f'aria-label="{label}: {words}"><title>{label}: {words}</title>'
        f'<rect width="{left}" height="20" fill="#444"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{COLOURS[colour]}"/>'
        f'<g {font}><text x="{left / 2}" y="14">{label}</text>'
        f'<text x="{left + right / 2}" y="14">{words}</text></g></svg>\n'
    )


def endpoint(results: Results, label: str) -> str:
    """What shields.io reads at an address of yours: https://shields.io/badges/endpoint-badge."""
    words, colour = message(results)
    return json.dumps({"schemaVersion": 1, "label": label, "message": words, "color": colour}) + "\n"
