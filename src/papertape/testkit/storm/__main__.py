"""`python -m papertape.testkit.storm`."""

import sys

from papertape.testkit.storm.command import main

sys.exit(main())
