"""The command line, one module per group of commands."""

from mnist_core.system.supported_systems import refuse_windows

refuse_windows()
