"""Pages that are drawn on demand, packed: a passing case costs little, and opening the report unpacks none of them.

Pages travel as JSON in parts of some dozens, each deflated and in base64, so that a page is read by unpacking its part
alone. What every search needs, ids and questions, is a part of its own. The same zlib gives the same bytes.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

from conformance.report.blocks import GLYPHS, Page, page_lists

PAGES = 64
"""Pages that are packed together: fewer share less, more take longer to open."""


def packed(pages: Sequence[Page]) -> dict[str, Any]:
    """Everything that the script draws from: `found` has id and question of each page, `parts` the pages in order."""
    lists = [page_lists(page) for page in pages]
    return {
        "glyphs": GLYPHS,
        "size": PAGES,
        "found": deflated([[page.id, page.question] for page in pages]),
        "parts": [deflated(lists[first : first + PAGES]) for first in range(0, len(lists), PAGES)],
    }


def deflated(value: Any) -> str:
    """JSON as the script's `inflated` reads it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode("utf-8"), 9)).decode("ascii")


def inflated(text: str) -> Any:
    """The reverse of `deflated`."""
    return json.loads(zlib.decompress(base64.b64decode(text)))
