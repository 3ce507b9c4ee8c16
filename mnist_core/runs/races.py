"""Races: two to four runs with different settings that one process trains on the same images at every moment.

Does not import torch: `sweeps.race` trains them.
"""

from __future__ import annotations

from collections.abc import Sequence

from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ConfigError, RunStateError
from mnist_core.records import ProcessIdentity, Run, RunStatus
from mnist_core.runs.own_networks import with_recorded_network
from mnist_core.store import RunStore

MIN_LANES, MAX_LANES = 2, 4

IMAGE_SETTINGS = ("dataset", "seed", "validation_fraction", "train_fraction")
"""Settings that decide which images a run sees in which order: all lanes have the same."""


def start_race(store: RunStore, configs: Sequence[TrainConfig], trainer: ProcessIdentity | None = None) -> list[Run]:
    """Create the runs of a race: queued, or held by `trainer` if there is one.

    Raises `ConfigError` if these settings cannot race, or a network may not be run here.
    """
    check_lanes(configs)
    return store.commands.create_race([with_recorded_network(store, config) for config in configs], trainer)


def check_lanes(configs: Sequence[TrainConfig]) -> None:
    """Raise `ConfigError` unless these are two to four different settings that train on the same images."""
    if not MIN_LANES <= len(configs) <= MAX_LANES:
        raise ConfigError("race", f"A race has {MIN_LANES} to {MAX_LANES} lanes, got {len(configs)}.")
    for name in IMAGE_SETTINGS:
        values = list(dict.fromkeys(getattr(config, name) for config in configs))
        if len(values) > 1:
            label = SETTINGS[name].label
            raise ConfigError(
                name,
                f"{label} must be the same in all lanes of a race, which train on the same images, got "
                f"{' and '.join(map(str, values))}. Choose one.",
            )
    for lane, config in enumerate(configs, 1):
        if (other := configs.index(config) + 1) < lane:
            raise ConfigError("race", f"Lanes {other} and {lane} have the same settings. Change one of them.")


def race_name(race_id: int) -> str:
    """Return what people call a race."""
    return f"race-{race_id}"


def resume_race(store: RunStore, run: Run) -> list[Run]:
    """Queue the interrupted lanes of a run's race again, so that one trainer resumes them in lock step.

    Returns them. Raises `RunStateError` if the run is in no race, or none of its lanes is interrupted.
    """
    if run.race_id is None:
        raise RunStateError(f"{run.name} is in no race. Resume it alone.")
    lanes = [lane for lane in store.queries.list_lanes(run.race_id) if lane.status is RunStatus.INTERRUPTED]
    if not lanes:
        raise RunStateError(f"No lane of the race of {run.name} is interrupted: there is nothing to resume.")
    store.commands.requeue_runs([lane.id for lane in lanes])
    return [store.queries.get_run(lane.id) for lane in lanes]
