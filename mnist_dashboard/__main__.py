"""`python -m mnist_dashboard`: the same commands as `mnist-trainer`."""

import sys

from mnist_dashboard.cli import main

sys.exit(main(program="python -m mnist_dashboard"))
