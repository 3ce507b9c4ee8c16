"""The frozen records that pass between engine, store, command line and pages. They hold no tensors.

Accuracies are fractions from 0 to 1, times of day are UTC, durations are seconds.
"""

from mnist_core.records.drawings import DRAWING_BYTES, MAX_DRAWINGS, DrawingScore, KeptDrawing
from mnist_core.records.events import ROUNDING, Confusion, EvalMetrics, Event, StepMetrics, matches_labels
from mnist_core.records.files import FileKind, RunFile
from mnist_core.records.interventions import ADJUSTABLE, Adjustment, Command, Intervention, PendingCommand
from mnist_core.records.json_values import encode_json, json_value, round_number
from mnist_core.records.layer_norms import LayerNorms
from mnist_core.records.metrics import LIVE_BATCHES, METRICS, Metric, Progress, Results
from mnist_core.records.network_source import MAX_SOURCE_BYTES, NetworkSource
from mnist_core.records.probabilities import (
    MAX_CODING_ERROR,
    MAX_LEVEL,
    check_levels,
    decode_probabilities,
    encode_probabilities,
)
from mnist_core.records.run import (
    CURVE_POINTS,
    DETAIL_LABELS,
    NOT_ARCHIVED,
    NOT_IN_BROWSER,
    NOT_IN_TABLES,
    NOT_IN_TERMINAL,
    REMOVED_FROM_QUEUE,
    History,
    ProcessIdentity,
    Provenance,
    Run,
    RunStatus,
    run_values,
)
from mnist_core.records.sweeps import Sweep, SweepStatus, Trial, TrialRole, TrialStatus, Validation

__all__ = [
    "ADJUSTABLE",
    "CURVE_POINTS",
    "DETAIL_LABELS",
    "DRAWING_BYTES",
    "LIVE_BATCHES",
    "MAX_CODING_ERROR",
    "MAX_DRAWINGS",
    "MAX_LEVEL",
    "MAX_SOURCE_BYTES",
    "METRICS",
    "NOT_ARCHIVED",
    "NOT_IN_BROWSER",
    "NOT_IN_TABLES",
    "NOT_IN_TERMINAL",
    "REMOVED_FROM_QUEUE",
    "ROUNDING",
    "Adjustment",
    "Command",
    "Confusion",
    "DrawingScore",
    "EvalMetrics",
    "Event",
    "FileKind",
    "History",
    "Intervention",
    "KeptDrawing",
    "LayerNorms",
    "Metric",
    "NetworkSource",
    "PendingCommand",
    "ProcessIdentity",
    "Progress",
    "Provenance",
    "Results",
    "Run",
    "RunFile",
    "RunStatus",
    "StepMetrics",
    "Sweep",
    "SweepStatus",
    "Trial",
    "TrialRole",
    "TrialStatus",
    "Validation",
    "check_levels",
    "decode_probabilities",
    "encode_json",
    "encode_probabilities",
    "json_value",
    "matches_labels",
    "round_number",
    "run_values",
]
