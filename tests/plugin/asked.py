"""Functions of the house as tests ask them: with the JSON of records."""

from __future__ import annotations

import conformance.report.html as report_html_module
from tests.typed import typed

render = typed(report_html_module.render)
