"""Why a trainer must end before its run does. Does not import torch: the command line reads the reasons."""

from __future__ import annotations

import signal
from types import FrameType

SHUTDOWN_REASONS = {
    signal.SIGINT: "Interrupted from the keyboard (Ctrl-C).",
    signal.SIGHUP: "The terminal it ran in was closed.",
    signal.SIGTERM: "Its process was asked to end (SIGTERM).",
    signal.SIGPIPE: "The program that read its output has ended.",
}
"""Why a run was interrupted. Python raises `BrokenPipeError` instead of SIGPIPE."""

SERVER_CLOSED = "The server was closed while it was training."
"""What SIGTERM means to the trainers of a server."""


class ShutdownSignals:
    """Catches SIGTERM, SIGINT and SIGHUP, so that the trainer can end between two batches."""

    def __init__(self, sigterm_reason: str) -> None:
        self.reason = ""
        """Why the trainer must end; empty until a signal arrives."""
        self._reasons = SHUTDOWN_REASONS | {signal.SIGTERM: sigterm_reason}
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        self.reason = self._reasons[signal.Signals(number)]
