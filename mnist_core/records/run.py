"""The plain, frozen records that pass between engine, store, command line and page. No behaviour, no tensors.

Accuracies are fractions from 0 to 1, times of day are UTC, durations are seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

import numpy as np

from mnist_core.config import SETTINGS, TrainConfig

Confusion = tuple[tuple[int, ...], ...]
"""10 rows of 10 counts: rows are true digits, columns are predictions."""


ADJUSTABLE = ("lr", "momentum", "batch_size")
"""Settings that can be changed while a run is going."""

LIVE_BATCHES = 100
"""The live confusion matrix is summed over this many of the latest training batches."""


CURVE_POINTS = 40
"""At most so many points are kept of a run's training loss beside it."""


@dataclass(frozen=True, slots=True)
class StepMetrics:
    """What one update (one batch) showed. Loss and accuracy are of the batch, before the update."""

    step: int
    """Completed updates of the run, this one included; the first is 1."""
    epoch: int
    """1-based."""
    loss: float
    """Mean negative log-likelihood over the batch, in nats."""
    accuracy: float
    lr: float
    momentum: float
    examples_per_second: float
    """Images of this batch by the time its update took."""
    elapsed_seconds: float
    """Training and evaluation time of the run so far; the consumer's time between events is left out."""
    confusion: Confusion


@dataclass(frozen=True, slots=True)
class EvalMetrics:
    """What one pass over a held-out split showed, after `step` updates."""

    step: int
    epoch: int
    split: str
    """`validation` (to choose settings by) or `test` (for the record)."""
    loss: float
    accuracy: float
    confusion: Confusion
    predictions: np.ndarray
    """uint8, one predicted label per image, in the split's order."""
    elapsed_seconds: float


@dataclass(frozen=True, slots=True)
class Adjustment:
    """A change to a run in progress, sent into `train()`; it applies from the next batch. None keeps a value."""

    lr: float | None = None
    momentum: float | None = None
    batch_size: int | None = None
    evaluate: bool = False
    """Evaluate before the next batch."""

    def settings(self) -> dict[str, float]:
        """The settings that it changes and their values, valid ones. Raises `ConfigError` when one is out of range."""
        asked = {name: getattr(self, name) for name in ADJUSTABLE}
        return {name: SETTINGS[name].validate(value) for name, value in asked.items() if value is not None}


Event = StepMetrics | EvalMetrics


class Command(StrEnum):
    """What a person may ask of a run in progress, besides to stop."""

    PAUSE = "pause"
    """Hold after the batch in hand."""
    RESUME = "resume"
    """Go on."""
    STEP = "step"
    """Train one batch and hold again; pauses a run that is going."""
    EVALUATE = "evaluate"
    """Evaluate before the next batch, also while paused."""
    ADJUST = "adjust"
    """Change settings from the next batch on."""


@dataclass(frozen=True, slots=True)
class PendingCommand:
    """A command on its way to the trainer of a run."""

    id: int
    command: Command
    by: str
    """Who gave it."""
    adjustment: Adjustment = Adjustment()
    """With `ADJUST`: what to change."""


@dataclass(frozen=True, slots=True)
class Intervention:
    """One setting that was changed while a run was going."""

    step: int
    """Updates completed when it was changed; the next one is the first that it applies to."""
    field: str
    """`lr`, `momentum` or `batch_size`."""
    old: float
    new: float
    at: datetime
    by: str


class RunStatus(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    """Waits for a trainer process."""
    PREPARING = "preparing"
    """A trainer has taken it and loads or downloads the dataset."""
    RUNNING = "running"
    """Training."""
    PAUSED = "paused"
    """Held between two batches by a person."""
    STOPPING = "stopping"
    """Asked to stop; the trainer ends after the batch in hand."""
    COMPLETED = "completed"
    """Trained all its epochs."""
    STOPPED = "stopped"
    """Ended early by a person; everything recorded so far is kept."""
    FAILED = "failed"
    """Ended by an error, which `Run.reason` names."""
    DIVERGED = "diverged"
    """The loss became NaN or infinite."""
    INTERRUPTED = "interrupted"
    """Its process ended before the run did: server closed, machine off, process killed."""

    @property
    def label(self) -> str:
        """Name of the status on pages and in the terminal."""
        return "Finished" if self is RunStatus.COMPLETED else self.value.capitalize()

    @property
    def is_finished(self) -> bool:
        """No trainer will add to the run any more; it is immutable but for name, notes, tags, star, archive and bin."""
        return self in (RunStatus.COMPLETED, RunStatus.STOPPED, RunStatus.FAILED, RunStatus.DIVERGED)

    @property
    def is_active(self) -> bool:
        """A live process holds the run."""
        return self in (RunStatus.PREPARING, RunStatus.RUNNING, RunStatus.PAUSED, RunStatus.STOPPING)


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """Names one process for good: a pid alone is reused, and wall-clock start times move with the clock."""

    pid: int
    start_ticks: int
    boot_id: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The latest numbers of a run, kept beside it so that lists need not read its steps."""

    step: int = 0
    epoch: int = 0
    loss: float | None = None
    accuracy: float | None = None
    examples_per_second: float | None = None
    elapsed_seconds: float = 0.0
    live_confusion: Confusion | None = None
    """Summed over the last `LIVE_BATCHES` training batches."""


@dataclass(frozen=True, slots=True)
class Results:
    """What the evaluations of a run came to so far."""

    validation_accuracy: float | None = None
    """At the latest evaluation."""
    best_validation_accuracy: float | None = None
    test_accuracy: float | None = None
    test_loss: float | None = None


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a run was made with: enough to make it again, and to tell why another came out differently."""

    commit: str
    """The git commit of the program; empty outside a checkout."""
    is_dirty: bool
    """The checkout held changes that are in no commit."""
    python: str
    packages: dict[str, str]
    """Versions by name, of those that numbers depend on."""
    platform: str
    processor: str
    device: str
    precision: str
    threads: int
    seed: int
    dataset: str
    dataset_checksum: str
    """SHA-256 over images and labels of both splits."""
    test_checksum: str
    """SHA-256 over the test split: runs with the same one can be compared image by image."""
    command: str
    """The command line that trains it again."""


@dataclass(frozen=True, slots=True)
class Run:
    """One row of the store."""

    id: int
    name: str
    status: RunStatus
    config: TrainConfig
    attempt: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    reason: str
    """Why it failed, diverged or was interrupted; one sentence, empty otherwise."""
    notice: str
    """What a person should know while it goes on, such as a download's progress or which dataset stood in."""
    dataset: str
    """The dataset really used (`config.dataset` may be `auto`); empty until the trainer has loaded it."""
    train_images: int
    validation_images: int
    test_images: int
    total_steps: int
    """Updates of the whole run; 0 until the dataset is known."""
    interventions: tuple[Intervention, ...]
    """What was changed while it was going, in order."""
    plan: tuple[Intervention, ...]
    """What is to be changed again at the same steps, as in the run that it repeats or in an earlier attempt at it."""
    parent_id: int | None
    """The run it goes on from, or whose interventions it repeats."""
    parent_step: int | None
    """The step of the parent's checkpoint that it goes on from; None if it began from the first weights."""
    device: str
    """Where it trains, such as `cpu`; empty until the trainer knows."""
    threads: int
    """Threads that the trainer computes with; results repeat to the last bit only with the same number."""
    trainer: ProcessIdentity | None
    model_file: str
    progress: Progress
    results: Results
    notes: str
    """Markdown, as somebody wrote it."""
    tags: tuple[str, ...]
    starred: bool
    archived: bool
    deleted_at: datetime | None
    """Since when it is in the bin, where nothing but restoring it is possible; a trainer may still be ending it."""
    provenance: Provenance | None
    """None before training begins, and of runs older than this record."""
    curve: tuple[float, ...]
    """The training loss in at most `CURVE_POINTS` means of equally many steps each, for a sparkline."""
    revision: int = field(default=0, compare=False)
    """Higher after every write to the row: tells the newer of two readings of a run. 0 if it is in no store."""


@dataclass(frozen=True, eq=False)
class History:
    """All that was recorded of a run beside its row."""

    steps: np.ndarray
    """`step_codec.STEP_COLUMNS`, one row a step from 1 on."""
    evaluations: tuple[EvalMetrics, ...] = ()
    test_labels: np.ndarray | None = None
    """uint8, of the test set in `Run.provenance`, in the order of the predictions; None if unknown."""
