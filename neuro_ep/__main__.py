"""``python -m neuro_ep`` is the command line."""

import sys

from neuro_ep.command.main import main

sys.exit(main())
