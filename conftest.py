"""Root of the test session: the plugin comes with the installed package; plugin tests need pytester."""

pytest_plugins = ["pytester"]
