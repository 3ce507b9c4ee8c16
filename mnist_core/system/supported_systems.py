"""Where this program runs. Imports nothing that Windows lacks."""

import sys


def refuse_windows() -> None:
    """End the program with one sentence on Windows, which lacks the locks, signals and forks that trainers need."""
    if sys.platform == "win32":
        sys.exit(
            "MNIST Trainer runs on Linux and macOS. On Windows, install the Windows Subsystem for Linux (WSL, "
            "https://learn.microsoft.com/windows/wsl/install) and start it there."
        )
