"""How the rows of sweeps and trials are read."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Row

from mnist_core.errors import DamagedSweepError
from mnist_core.records import ProcessIdentity, Sweep, SweepStatus, Trial, TrialRole, TrialStatus


def sweep_from_row(row: Row[Any]) -> Sweep:
    """Return the sweep of a row. Raises `DamagedSweepError` if it is damaged."""
    try:
        identity = {part.name: getattr(row, f"controller_{part.name}") for part in fields(ProcessIdentity)}
        return Sweep(
            id=row.id,
            uid=row.uid,
            name=row.name,
            status=SweepStatus(row.status),
            spec=_read_object(row.spec),
            created_at=datetime.fromtimestamp(row.created_at, UTC),
            finished_at=_read_time(row.finished_at),
            attempt=row.attempt,
            controller=None if row.controller_pid is None else ProcessIdentity(**identity),
            elapsed_seconds=row.elapsed_seconds,
            reason=row.reason,
            in_server=row.in_server,
            waits_for=row.waits_for,
        )
    except (ValueError, TypeError) as error:
        raise DamagedSweepError(
            f"What is stored of sweep {row.id} cannot be read ({error}). Restore a backup."
        ) from error


def trial_from_row(row: Row[Any]) -> Trial:
    """Return the trial of a row. Raises `DamagedSweepError` if it is damaged."""
    try:
        return Trial(
            sweep_id=row.sweep_id,
            number=row.number,
            role=TrialRole(row.role),
            status=TrialStatus(row.status),
            values=_read_object(row.settings),
            sampler_state=_read_object(row.sampler_state),
            value=row.value,
            kills=row.kills,
            reason=row.reason,
            started_at=_read_time(row.started_at),
            finished_at=_read_time(row.finished_at),
        )
    except (ValueError, TypeError) as error:
        raise DamagedSweepError(
            f"What is stored of trial {row.number} of sweep {row.sweep_id} cannot be read ({error}). Restore a backup."
        ) from error


def _read_time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _read_object(text: str) -> dict[str, Any]:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise TypeError(f"{text[:50]!r} is no object")
    return value
