"""Functions of the house as tests ask them: with the JSON of records."""

from __future__ import annotations

import conformance.results as results_module
from tests.typed import typed

assemble = typed(results_module.assemble)
lane_row = typed(results_module.lane_row)
read = typed(results_module.read)
as_text = typed(results_module.as_text)
write = typed(results_module.write)
