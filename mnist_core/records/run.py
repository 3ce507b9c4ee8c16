"""A run: one row of the store. `Run` is the one list of its fields; everything else derives from it.

The store has a column for each field, archives hold it and check it on import, and tables, `runs --json` and the
browser show it, apart from the exceptions listed below `Run`. To add a field, add it here with a default, add its
column in `store/database/migrations.py`, and give archives that lack it a value in `exports/run_json.py`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np

from mnist_core import labels
from mnist_core.config import TrainConfig
from mnist_core.records.events import EvalMetrics
from mnist_core.records.interventions import Intervention
from mnist_core.records.layer_norms import LayerNorms
from mnist_core.records.metrics import Progress, Results
from mnist_core.records.network_source import NetworkSource

CURVE_POINTS = 40
"""Maximum number of points in `Run.curve`."""

REMOVED_FROM_QUEUE = "Removed from the queue."
"""The reason of a run that a person took off the queue."""


class RunStatus(StrEnum):
    """State of a run."""

    QUEUED = "queued"
    """Waits for a trainer process."""
    PREPARING = "preparing"
    """A trainer has claimed the run and loads or downloads the dataset."""
    RUNNING = "running"
    """Training."""
    PAUSED = "paused"
    """Paused by a person between two batches."""
    STOPPING = "stopping"
    """Asked to stop; the trainer ends after the current batch."""
    COMPLETED = "completed"
    """Trained all its epochs, or until early stopping ended it."""
    STOPPED = "stopped"
    """Ended early by a person; everything recorded until then is kept."""
    FAILED = "failed"
    """Ended by an error, which `Run.reason` names."""
    DIVERGED = "diverged"
    """The loss became NaN or infinite."""
    INTERRUPTED = "interrupted"
    """Its process ended before the run did: server closed, machine off, process killed."""
    DAMAGED = "damaged"
    """What is stored of it cannot be read; see `Run.damage`. Shown in place of the stored status, and never stored."""

    @property
    def label(self) -> str:
        """Name of the status on pages and in the terminal."""
        return labels.FINISHED if self is RunStatus.COMPLETED else self.value.capitalize()

    @property
    def word(self) -> str:
        """The label as a word within a sentence."""
        return self.label.lower()

    @property
    def is_finished(self) -> bool:
        """Whether training is over for good. Only name, notes, tags, star, archive and bin can still change."""
        return self in (RunStatus.COMPLETED, RunStatus.STOPPED, RunStatus.FAILED, RunStatus.DIVERGED)

    @property
    def is_active(self) -> bool:
        """Whether a trainer owns the run."""
        return self in (RunStatus.PREPARING, RunStatus.RUNNING, RunStatus.PAUSED, RunStatus.STOPPING)


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """Identifies one process for ever: pids are reused, and start times change when the wall clock is set.

    A pid means something only on its host and in its PID namespace: each container counts its own.
    """

    pid: int
    start_ticks: int
    boot_id: str
    host: str | None = None
    """None if it was recorded before hosts and namespaces were."""
    pid_namespace: str | None = None
    """None if unknown; empty where the system has no PID namespaces."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Code, packages, machine and data of a run: enough to repeat it, and to explain a different result."""

    commit: str
    """Git commit of the program; empty outside a checkout."""
    is_dirty: bool
    """Whether the checkout had uncommitted changes."""
    python: str
    packages: dict[str, str]
    """Versions by name, of the packages that affect results."""
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
    """SHA-256 over the test split: runs with equal checksums can be compared image by image."""
    network_checksum: str = ""
    """SHA-256 of the file of a user's own network; empty for a built-in one."""
    parameters: int = 0
    """Number of trainable parameters; 0 for runs older than this field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One row of the store."""

    id: int
    """Number of the run; a database restored from a backup reuses it for another run."""
    uid: str = ""
    """Identity of the run, random and never given twice, by which it owns its files; empty outside a store."""
    name: str
    status: RunStatus
    config: TrainConfig
    attempt: int
    created_at: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    dataset: str = ""
    """Dataset in use, since `config.dataset` may be `auto`; empty until the trainer has loaded it."""
    train_images: int = 0
    validation_images: int = 0
    test_images: int = 0
    total_steps: int = 0
    """Updates of the whole run; 0 until the dataset is known."""
    parent_id: int | None = None
    """The run that it continues or repeats."""
    parent_step: int | None = None
    """Step of the parent's checkpoint from which it continues; None if it started from initial weights."""
    interventions: tuple[Intervention, ...] = ()
    """Changes made while it was in progress, in order."""
    plan: tuple[Intervention, ...] = ()
    """Changes to repeat at the same steps: those of the run that it repeats, or of its own earlier attempt."""
    device: str = ""
    """Device in use, such as `cpu`; empty until the trainer has chosen it."""
    threads: int = 0
    """Threads of the trainer; results repeat to the last bit only with the same number."""
    trainer: ProcessIdentity | None = None
    model_file: str = ""
    progress: Progress = field(default_factory=Progress)
    results: Results = field(default_factory=Results)
    provenance: Provenance | None = None
    """None before training begins, and for runs older than this record."""
    reason: str = ""
    """Why it failed, diverged, was interrupted or left the queue, or how early stopping ended it; empty otherwise."""
    notice: str = ""
    """What a person should know meanwhile, such as a download's progress or a substituted dataset."""
    notes: str = ""
    """Markdown, as typed."""
    tags: tuple[str, ...] = ()
    starred: bool = False
    archived: bool = False
    deleted_at: datetime | None = None
    """When it was moved to the bin, where it can only be restored or deleted; its trainer may still be stopping."""
    curve: tuple[float, ...] = ()
    """Training loss in at most `CURVE_POINTS` means of equally many steps each, for a sparkline."""
    unverified: bool = False
    """Whether its test results were imported and could not be checked with labels that a trainer has read here."""
    queue_rank: int = 0
    """Place among the queued runs, lowest first; of runs with the same rank, the oldest is first."""
    sweep_id: int | None = None
    """The sweep that it is a run of; None for others."""
    trial: int | None = None
    """Number of its trial within the sweep; None outside a sweep."""
    race_id: int | None = None
    """The race that it is a lane of, by the number of the race's first run; None outside races."""
    revision: int = field(default=0, compare=False)
    """Grows with every write to the row, so the larger of two readings is the newer. 0 outside a store."""
    lost_patience: bool = False
    """Whether its patience had run out when it ended, be it at its last evaluation."""
    damage: str = ""
    """What of it cannot be read, and the remedy; fields that cannot be read have their defaults. Not stored."""

    @property
    def shown_status(self) -> RunStatus:
        """The status, or `DAMAGED` for a run that cannot be read whole."""
        return RunStatus.DAMAGED if self.damage else self.status

    @property
    def queue_order(self) -> tuple[int, int]:
        """Queued runs start in ascending order of this."""
        return self.queue_rank, self.id

    @property
    def was_removed_from_queue(self) -> bool:
        """Whether a person took it off the queue, so that it can be put back."""
        return self.status is RunStatus.STOPPED and self.reason == REMOVED_FROM_QUEUE


NOT_ARCHIVED = frozenset(
    {"id", "uid", "parent_id", "plan", "trainer", "model_file", "results", "deleted_at", "revision", "damage"}
    | {"unverified", "queue_rank", "sweep_id", "trial", "race_id", "lost_patience"}
)
"""Fields left out of archives: they mean nothing on another machine, or follow from the evaluations.

An imported run has an identity of its own, as archives hold no weights: no file on this machine can be its own.
"""

NOT_IN_TABLES = frozenset(
    {"attempt", "started_at", "train_images", "validation_images", "test_images", "parent_step", "plan", "trainer"}
    | {"uid", "model_file", "live_confusion", "notice", "deleted_at", "curve", "revision", "damage", "queue_rank"}
    | {"lost_patience"}
)
"""Fields without a column in exported tables."""

NOT_IN_TERMINAL = frozenset(
    {"uid", "parent_step", "interventions", "plan", "trainer", "live_confusion", "deleted_at", "curve", "revision"}
    | {"damage", "queue_rank", "lost_patience"}
)
"""Fields that `runs --json` leaves out."""

NOT_IN_BROWSER = frozenset(
    {"uid", "config", "plan", "device", "threads", "trainer", "live_confusion", "provenance", "deleted_at", "damage"}
    | {"queue_rank", "lost_patience"}
)
"""Fields that the live feed does not send, or sends in another form."""

DETAIL_LABELS = {"created_at": labels.CREATED, "started_at": labels.STARTED, "finished_at": labels.ENDED}
"""Fields that the Details page lists with the metrics, and their labels."""


def run_values(run: Run, excluded: Collection[str]) -> dict[str, Any]:
    """Return the values of a run by field, apart from `excluded`.

    The fields of its progress and results take the place of those two records. A damaged run has no settings, and what
    is damaged is the reason of its status.
    """
    hidden = {"progress", "results", *excluded}
    values = {
        name: getattr(record, name)
        for record in (run, run.progress, run.results)
        for name in record.__slots__
        if name not in hidden
    }
    if run.damage:
        damaged = {"status": run.shown_status, "config": None, "reason": run.damage}
        values |= {name: value for name, value in damaged.items() if name in values}
    return values


@dataclass(frozen=True, eq=False)
class History:
    """Everything recorded about a run, apart from its row."""

    steps: np.ndarray
    """Structured array of `step_codec.STEP_COLUMNS`, one row per step, starting at step 1."""
    evaluations: tuple[EvalMetrics, ...] = ()
    test_labels: np.ndarray | None = None
    """uint8, labels of the test set in `Run.provenance`, in the order of the predictions; None if unknown."""
    network: NetworkSource | None = None
    """Source of the user's own network that it trained; None for built-in ones, or if it is unknown."""
    norms: tuple[LayerNorms, ...] = ()
    """By layer, at some of the steps."""
