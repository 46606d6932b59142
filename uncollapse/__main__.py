"""`python -P -m uncollapse` is the command `uncollapse`."""

import sys

from uncollapse.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
