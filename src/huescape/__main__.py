"""`python -m huescape`."""

import sys

from huescape.cli import main

if __name__ == "__main__":
    sys.exit(main())
