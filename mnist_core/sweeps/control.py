"""Starts, resumes, pauses, stops and extends sweeps: `for event in sweep(spec)` carries one out in this process."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from typing import Any, TypeAlias

from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError, SweepStateError
from mnist_core.records import Sweep, SweepStatus, Trial
from mnist_core.runs.own_networks import with_recorded_network
from mnist_core.store import RunStore
from mnist_core.sweeps.space import Values
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import is_alive, own_identity

SweepEvent: TypeAlias = Trial | Sweep
"""A trial that has started or ended, as its status says; last the sweep, when it has ended."""


def sweep(spec: SweepSpec, name: str = "", *, store: RunStore | None = None) -> Generator[SweepEvent, None, None]:
    """Carry out a sweep in this process; its trials train in others.

    Yields each `Trial` when it starts and when it ends, and the `Sweep` when that has ended. Closing the generator
    interrupts the sweep, and `resume` goes on with it. Raises `ConfigError` if its name or a network cannot be used.
    """
    store = store or RunStore.open(runs_dir())
    yield from resume(store, create(store, spec, name))


def create(store: RunStore, spec: SweepSpec, name: str = "") -> Sweep:
    """Add a sweep that no controller carries out yet. Raises `ConfigError` if its name or a network cannot be used."""
    return store.sweeps.create_sweep(_with_recorded_networks(store, spec).to_json(), name)


def resume(store: RunStore, sweep: Sweep) -> Generator[SweepEvent, None, None]:
    """Carry out a sweep that nobody carries out. Raises `SweepStateError` if somebody does, or it has ended."""
    if has_controller(sweep):
        assert sweep.controller
        raise SweepStateError(f"{sweep.name} is carried out by another process already (pid {sweep.controller.pid}).")
    claimed = store.sweeps.claim_sweep(sweep.id, own_identity())
    if claimed.status is SweepStatus.PAUSED:
        claimed = store.sweeps.request_status(claimed.id, SweepStatus.RUNNING)
    from mnist_core.sweeps.controller import Controller  # imports Optuna, which takes half a second

    yield from Controller(store, claimed).events()


def has_controller(sweep: Sweep) -> bool:
    """Whether a process carries out this sweep now."""
    return sweep.status.is_active and sweep.controller is not None and is_alive(sweep.controller)


def shown_status(sweep: Sweep) -> SweepStatus:
    """Return the status of a sweep for people: interrupted if its controller is gone."""
    is_lost = sweep.status.is_active and not has_controller(sweep)
    return SweepStatus.INTERRUPTED if is_lost else sweep.status


def pause(store: RunStore, sweep: Sweep) -> Sweep:
    """Pause the trials of a sweep between two batches, and start no more. Raises `SweepStateError` if it has ended."""
    return store.sweeps.request_status(sweep.id, SweepStatus.PAUSED)


def stop(store: RunStore, sweep: Sweep) -> Sweep:
    """End a sweep; the trials that train are stopped. Raises `SweepStateError` if it has ended."""
    stopping = store.sweeps.request_status(sweep.id, SweepStatus.STOPPING)
    if has_controller(stopping):
        return stopping
    from mnist_core.sweeps.controller import Controller

    claimed = store.sweeps.claim_sweep(sweep.id, own_identity())
    for _event in Controller(store, claimed).events():
        pass
    return store.sweeps.get_sweep(sweep.id)


def extend(store: RunStore, sweep: Sweep, *, trials: int = 0, minutes: float = 0.0) -> Sweep:
    """Add trials, minutes or both to the budget of a sweep; one that has ended can then be resumed.

    Raises `ConfigError` if nothing is added, or the sweep has no limit of that kind.
    """
    spec = SweepSpec.from_json(sweep.spec)
    added: dict[str, Any] = {name: value for name, value in (("trials", trials), ("minutes", minutes)) if value}
    if not added or min(added.values()) < 0:
        raise ConfigError("trials", "Extend a sweep by a number of trials or minutes above 0.")
    for name, value in added.items():
        limit = spec.max_trials if name == "trials" else spec.minutes
        if limit is None:
            raise ConfigError(name, f"{sweep.name} has no limit on its {name}. Extend the other one.")
        added[name] = limit + value
    if spec.sampler == "grid" and added.get("trials", 0) > spec.grid_size:
        raise ConfigError(
            "trials",
            f"The grid of {sweep.name} has {spec.grid_size:,} points, and no more trials than that are possible.",
        )
    return store.sweeps.replace_spec(sweep.id, replace(spec, **added).to_json())


def _with_recorded_networks(store: RunStore, spec: SweepSpec) -> SweepSpec:
    """Return the sweep with the present versions of the user's own networks. Raises `ConfigError`."""

    def recorded(model: str) -> str:
        model = with_recorded_network(store, TrainConfig(model=model)).model
        store.queries.check_network(model)
        return model

    fixed = {name: recorded(value) if name == "model" else value for name, value in spec.fixed.items()}
    parameters = tuple(
        Values("model", tuple(map(recorded, parameter.extremes))) if parameter.name == "model" else parameter
        for parameter in spec.parameters
    )
    return replace(spec, fixed=fixed, parameters=parameters)
