"""Results of a few cases as one page that shows each of them at once: no index, no script."""

from __future__ import annotations

from conformance.record.run import Results
from conformance.report.blocks import GLYPHS
from conformance.report.html import environment, static, style_policy
from conformance.report.view import report_of


def render_single(results: Results) -> str:
    """The page: cases first, then the lanes and how the run was made."""
    from markupsafe import Markup

    report = report_of(results)
    style = static("report.css")
    pages = {page.id: page for page in (*report.drawn, *report.on_demand)}
    return str(
        environment()
        .get_template("single.html.j2")
        .render(
            report=report,
            cases=list(pages.values()),
            style=Markup(style),
            policy=style_policy(style),
            glyphs=GLYPHS,
        )
    )
