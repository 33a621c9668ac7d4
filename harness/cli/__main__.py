"""`python -m harness.cli`: the command, for those who start it with a certain interpreter."""

import sys

from harness.cli import main

sys.exit(main())
