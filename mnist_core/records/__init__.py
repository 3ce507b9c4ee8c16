"""The frozen records that pass between engine, store, command line and pages: no behaviour, no tensors.

Accuracies are fractions from 0 to 1, times of day are UTC, durations are seconds.
"""

from mnist_core.records.run import (
    ADJUSTABLE,
    CURVE_POINTS,
    LIVE_BATCHES,
    Adjustment,
    Command,
    Confusion,
    EvalMetrics,
    Event,
    History,
    Intervention,
    PendingCommand,
    ProcessIdentity,
    Progress,
    Provenance,
    Results,
    Run,
    RunStatus,
    StepMetrics,
)

__all__ = [
    "ADJUSTABLE",
    "CURVE_POINTS",
    "LIVE_BATCHES",
    "Adjustment",
    "Command",
    "Confusion",
    "EvalMetrics",
    "Event",
    "History",
    "Intervention",
    "PendingCommand",
    "ProcessIdentity",
    "Progress",
    "Provenance",
    "Results",
    "Run",
    "RunStatus",
    "StepMetrics",
]
