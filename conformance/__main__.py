"""`python -m conformance`: the command, for whoever has no script of it on the path."""

import sys

from conformance.cli import main

if __name__ == "__main__":
    sys.exit(main())
