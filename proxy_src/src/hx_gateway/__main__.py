"""`python -m hx_gateway` is the same as the `hx-gateway` command."""

import sys

from hx_gateway.cli import main

sys.exit(main())
