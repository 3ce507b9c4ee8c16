"""The races in the store, what they are called, and which of them the page shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mnist_core.analysis.seed_groups import describe_differences
from mnist_core.config import SETTINGS
from mnist_core.records import Run, RunStatus
from mnist_core.runs.races import race_name
from mnist_dashboard import services

STATUSES = (
    RunStatus.RUNNING,
    RunStatus.STOPPING,
    RunStatus.PREPARING,
    RunStatus.PAUSED,
    RunStatus.QUEUED,
    RunStatus.INTERRUPTED,
    RunStatus.COMPLETED,
    RunStatus.STOPPED,
    RunStatus.DIVERGED,
    RunStatus.FAILED,
)
"""A race has the first of these that one of its lanes has."""


@dataclass(frozen=True)
class Race:
    """Runs that started together. Those that are in the bin, or damaged, are left out."""

    id: int
    """The `race_id` of its runs."""
    lanes: tuple[Run, ...]
    """At least one, in the order in which they were entered."""

    @property
    def name(self) -> str:
        return race_name(self.id)

    @property
    def status(self) -> RunStatus:
        return next(status for status in STATUSES if any(lane.status is status for lane in self.lanes))

    @property
    def differing(self) -> list[str]:
        """The settings that are not the same in all lanes, in the order of the table."""
        return [name for name in SETTINGS if len({getattr(lane.config, name) for lane in self.lanes}) > 1]

    @property
    def lane_names(self) -> dict[int, str]:
        """What differs, by the id of the run: `lr 0.1`."""
        return describe_differences(self.lanes)

    @property
    def detail(self) -> str:
        """How many lanes there are, and what differs: `3 lanes, learning rate differs`."""
        count = f"{len(self.lanes)} lane{'' if len(self.lanes) == 1 else 's'}"
        words = [SETTINGS[name].sentence_label for name in self.differing]
        return f"{count}, {' and '.join(words)} differ{'s' if len(words) == 1 else ''}" if words else count


def list_races() -> list[Race]:
    """Return all races that have lanes left, the newest first, without the details of their runs."""
    return _races(services.current().all_runs.list_sound_runs())


def find_race(race_id: int | None) -> Race | None:
    """Return the race with this number, else the newest that is in progress or waits, else the newest."""
    races = list_races()
    found = next((race for race in races if race.id == race_id), None)
    unfinished = (race for race in races if any(not lane.status.is_finished for lane in race.lanes))
    found = found or next(unfinished, None) or next(iter(races), None)
    whole = services.current().queries.list_lanes(found.id) if found else []
    return next(iter(_races(lane for lane in whole if not lane.damage)), None)


def _races(runs: Iterable[Run]) -> list[Race]:
    lanes: dict[int, list[Run]] = {}
    for run in runs:
        if run.race_id is not None:
            lanes.setdefault(run.race_id, []).append(run)
    return [Race(race_id, tuple(lanes[race_id])) for race_id in sorted(lanes, reverse=True)]
