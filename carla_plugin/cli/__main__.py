"""`python -m carla_plugin.cli`: the command, for those who start it with a certain interpreter."""

import sys

from carla_plugin.cli import main

sys.exit(main())
