"""Root of the test session: says what is missing where pytest runs without the plugin that the package brings.

It names no plugins: pytest allows that in the root of a session only, and `--suite` runs these cases from any folder.
"""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Raises UsageError where the package is not installed: nothing would read case files then, or say so."""
    if not config.pluginmanager.has_plugin("conformance"):
        raise pytest.UsageError("the plugin `conformance` is not there: python3 -m pip install -e . installs it")
