"""A sweep and its trials, as the store has them. `sweeps.spec` reads what a sweep searches from `Sweep.spec`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mnist_core import labels
from mnist_core.records.run import ProcessIdentity


class SweepStatus(StrEnum):
    """State of a sweep."""

    RUNNING = "running"
    """Its controller starts trials, or will as soon as there is one."""
    PAUSED = "paused"
    """A person has paused it: its runs are paused, and no trial starts."""
    STOPPING = "stopping"
    """Asked to stop; the controller ends the trials that train."""
    COMPLETED = "completed"
    """Its budget is used up, and the winner is known."""
    STOPPED = "stopped"
    """Ended early by a person."""
    FAILED = "failed"
    """Ended by an error, which `Sweep.reason` names."""
    INTERRUPTED = "interrupted"
    """Its controller ended before the sweep did; it can be resumed."""

    @property
    def word(self) -> str:
        """Name of the status within a sentence."""
        return labels.FINISHED.lower() if self is SweepStatus.COMPLETED else self.value

    @property
    def is_finished(self) -> bool:
        """Whether it has ended. It goes on only if a person extends its budget."""
        return self in (SweepStatus.COMPLETED, SweepStatus.STOPPED, SweepStatus.FAILED)

    @property
    def is_active(self) -> bool:
        """Whether a controller should be at work."""
        return self in (SweepStatus.RUNNING, SweepStatus.PAUSED, SweepStatus.STOPPING)


class TrialStatus(StrEnum):
    """State of a trial."""

    RUNNING = "running"
    """Some of its runs train or have not started."""
    COMPLETED = "completed"
    """All its runs have trained to their end; `Trial.value` is the result."""
    PRUNED = "pruned"
    """Stopped early, because others were better at the same point."""
    DIVERGED = "diverged"
    """The loss of one of its runs became NaN or infinite."""
    FAILED = "failed"
    """Ended by an error, or its process was killed twice; `Trial.reason` says which."""
    STOPPED = "stopped"
    """Ended early by a person, or because the time of the sweep was up."""

    @property
    def word(self) -> str:
        """Name of the status within a sentence."""
        return labels.FINISHED.lower() if self is TrialStatus.COMPLETED else self.value


class TrialRole(StrEnum):
    """What a trial is for."""

    SEARCH = "search"
    """One point of the search, judged by validation alone."""
    WINNER = "winner"
    """The best settings again, with fresh seeds, and tested."""
    BASELINE = "baseline"
    """The default settings with the same seeds, tested."""
    COMPARED = "compared"
    """The settings that a person had when the search started, with the same seeds, tested."""


@dataclass(frozen=True, slots=True)
class Validation:
    """One evaluation of a run on validation, without its predictions."""

    step: int
    loss: float | None
    """None if the network computed no number."""
    accuracy: float
    elapsed_seconds: float
    """Training time of the run until then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One row of the store."""

    id: int
    uid: str
    """Identity of the sweep, random and never given twice."""
    name: str
    status: SweepStatus
    spec: Mapping[str, Any]
    """What `SweepSpec.to_json` wrote."""
    created_at: datetime
    finished_at: datetime | None = None
    attempt: int = 0
    """Number of controllers so far; a write of an earlier one is refused."""
    controller: ProcessIdentity | None = None
    """The latest controller."""
    elapsed_seconds: float = 0.0
    """Time in which it searched, without pauses and without the time in which it had no controller."""
    reason: str = ""
    """Why it failed or was interrupted, in one sentence; empty otherwise."""
    in_server: bool = False
    """Whether the server carries it out, rather than a command in a terminal."""
    waits_for: str = ""
    """Why no trial starts now, in one sentence; empty while it searches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One row of the store. Its runs are the runs with this `sweep_id` and `trial`, one for each seed."""

    sweep_id: int
    number: int
    """Counts from 1 within the sweep."""
    role: TrialRole
    status: TrialStatus
    values: Mapping[str, Any]
    """Values of the settings that are searched, by name; of a compared one, `compare_with`."""
    sampler_state: Mapping[str, Any] = field(default_factory=dict)
    """What the sampler and the pruner noted about it, to go on from after a restart."""
    value: float | None = None
    """Its result by the objective of the sweep; None until it ends, or if it has none."""
    kills: int = 0
    """How often a process of it was lost; after the first, the run is resumed."""
    reason: str = ""
    """Why it was pruned, failed or was stopped, or that it missed the target, in one sentence; empty otherwise."""
    started_at: datetime | None = None
    """When it was added; None if an earlier version did that."""
    finished_at: datetime | None = None

    @property
    def seconds(self) -> float | None:
        """Time from its start to its end; None before that."""
        if self.started_at is None or self.finished_at is None:
            return None
        return (self.finished_at - self.started_at).total_seconds()
