"""Entry point of ``python3 -m testhost``."""

import sys

from testhost.cli import main

sys.exit(main())
