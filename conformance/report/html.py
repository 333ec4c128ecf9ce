"""results.json as one HTML file: no network, readable without script and style, the same bytes for the same results.

Text reaches the page only through autoescaping. A content security policy allows the one style and the one script of
the file, by their hashes, and nothing else.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from conformance.record.run import Results
from conformance.report.blocks import GLYPHS, Page
from conformance.report.frame import Filter, Head, slug
from conformance.report.pack import packed
from conformance.report.view import Detail, report_of

_FOLDER = Path(__file__).parent
KINDS = {
    "Paragraph": "p",
    "Table": "table",
    "Chips": "chips",
    "Code": "code",
    "Command": "command",
    "Fold": "fold",
    "Link": "link",
    "Pictures": "pictures",
}


LARGE, LARGEST = 10_000_000, 25_000_000
"""Bytes from which on a report is said to be large, and beyond which it leaves out more."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """A report, and what whoever writes it should be told of its size; empty for one of a usual size."""

    text: str
    remark: str


def rendered(results: Results) -> Rendered:
    """The report of a results file in as much detail as its size allows."""
    for detail in Detail:
        text = _rendered(results, detail)
        size = len(text.encode("utf-8"))
        if size <= LARGEST:
            break
    return Rendered(text, _remark(size, detail))


def _remark(size: int, detail: Detail) -> str:
    if size <= LARGE and detail is Detail.FULL:
        return ""
    words = f"the report has {size / 1e6:.1f} MB"
    if detail is not Detail.FULL:
        words += f"; whole it would have more than {LARGEST / 1e6:.0f}: it says at its top what is left out"
    return words if size <= LARGEST else f"{words}; split the run with --shard, or select cases"


def render(results: Results) -> str:
    """The report of a results file."""
    return rendered(results).text


def _rendered(results: Results, detail: Detail) -> str:
    report = report_of(results, detail)
    return document("report.html.j2", report.head, report.filter, report.drawn, report.on_demand, report=report)


def document(
    template: str,
    head: Head,
    filter: Filter | None = None,
    drawn: Sequence[Page] = (),
    on_demand: Sequence[Page] = (),
    styles: Sequence[str] = (),
    role: str = "",
    **view: Any,
) -> str:
    """Any page of this project: its template with what every page has. `view` is what the template shows beside it.

    Pages in `drawn` are written out, those in `on_demand` packed. A page without a filter has no script.
    """
    from markupsafe import Markup

    style = "".join(static(name) for name in ("page.css", *styles))
    script = static("page.js") if filter is not None else ""
    packed_pages = packed([(page.id, page.question, render_page(page)) for page in on_demand])
    return str(
        environment()
        .get_template(template)
        .render(
            head=head,
            filter=filter,
            drawn=drawn,
            pages=Markup(island(packed_pages)),
            style=Markup(style),
            script=Markup(script),
            policy=policy(style, script),
            role=role,
            glyphs=GLYPHS,
            **view,
        )
    )


def render_page(page: Page) -> str:
    """One case's page alone, as the report writes it out."""
    return str(_case_template().case(page, GLYPHS))


@lru_cache(maxsize=1)
def _case_template() -> Any:
    return environment().get_template("case.html.j2").module


def static(name: str) -> str:
    """A file of `static/` as it stands in the page."""
    return (_FOLDER / "static" / name).read_text(encoding="utf-8").strip() + "\n"


def policy(style: str, script: str = "") -> str:
    """The content security policy: this style, this script where there is one, images inside the file, nothing else."""
    scripts = f"script-src '{_digest(script)}'; " if script else ""
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; {scripts}img-src data:; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def island(value: Any) -> str:
    """JSON that may stand in a script element: no `<`, so that nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


@lru_cache(maxsize=1)
def environment() -> Any:
    """The templates, with text escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    found = Environment(
        loader=FileSystemLoader(_FOLDER / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["kind"] = lambda block: KINDS[type(block).__name__]
    found.filters["slug"] = slug
    found.globals["judged"] = ("agree", "differ")
    return found
