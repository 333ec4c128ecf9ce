"""Why there is no script."""

from __future__ import annotations

from conformance.errors import ConformanceError, Exit


class NotScriptable(ConformanceError):
    """No script can honestly say this; the message is the reason."""

    exit = Exit.DISAGREE
