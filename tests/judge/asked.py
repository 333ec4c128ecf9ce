"""Functions of the house as tests ask them: with the JSON of records."""

from __future__ import annotations

import conformance.record.again as judge_again_module
from tests.typed import typed

judge_again = typed(judge_again_module.judge_again)
