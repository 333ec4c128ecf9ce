"""Pages that are shown on demand, packed: a passing case costs little, and opening the report unpacks none of them.

Pages travel as the HTML that the template wrote, many in a part, each part deflated and in base64: a page is read by
unpacking its part alone. What every search needs, ids and questions, is a part of its own. The same zlib gives the same
bytes.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Sequence
from typing import Any

PAGES = 128
"""Pages that are packed together: fewer share less, more take longer to open."""


def packed(pages: Sequence[tuple[str, str, str]]) -> dict[str, Any]:
    """What the script unpacks, from id, question and HTML of each page.

    `found` has id and question of each page, `parts` the pages in the same order.
    """
    written = [text for *_, text in pages]
    return {
        "size": PAGES,
        "found": deflated([[name, question] for name, question, _ in pages]),
        "parts": [deflated(written[first : first + PAGES]) for first in range(0, len(written), PAGES)],
    }


def deflated(value: Any) -> str:
    """JSON as the script's `inflated` reads it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return base64.b64encode(zlib.compress(text.encode("utf-8"), 9)).decode("ascii")


def inflated(text: str) -> Any:
    """The reverse of `deflated`."""
    return json.loads(zlib.decompress(base64.b64decode(text)))
