"""Starts, resumes, pauses, stops and extends sweeps: `for event in sweep(spec)` carries one out in this process."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Generator, Mapping
from dataclasses import replace
from types import FrameType
from typing import Any, TypeAlias

from mnist_core.config import TrainConfig
from mnist_core.errors import ConfigError, DamagedSweepError, StaleAttemptError, SweepStateError
from mnist_core.records import Sweep, SweepStatus, Trial, TrialStatus
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


def create(store: RunStore, spec: SweepSpec, name: str = "", *, in_server: bool = False) -> Sweep:
    """Add a sweep that no controller carries out yet; with `in_server`, the server will.

    Raises `ConfigError` if its name or a network cannot be used.
    """
    return store.sweeps.create_sweep(_with_recorded_networks(store, spec).to_json(), name, in_server=in_server)


def resume(store: RunStore, sweep: Sweep) -> Generator[SweepEvent, None, None]:
    """Carry out a sweep that nobody carries out. Raises `SweepStateError` if somebody does, or it has ended."""
    if sweep.status is SweepStatus.PAUSED and not has_controller(sweep):
        sweep = store.sweeps.request_status(sweep.id, SweepStatus.RUNNING)
    yield from _carry_out(store, sweep)


def _carry_out(store: RunStore, sweep: Sweep) -> Generator[SweepEvent, None, None]:
    if has_controller(sweep):
        assert sweep.controller
        raise SweepStateError(f"{sweep.name} is carried out by another process already (pid {sweep.controller.pid}).")
    claimed = store.sweeps.claim_sweep(sweep.id, own_identity())
    from mnist_core.sweeps.controller import Controller  # imports Optuna, which takes half a second

    yield from Controller(store, claimed).events()


def has_controller(sweep: Sweep) -> bool:
    """Whether a process carries out this sweep now."""
    return sweep.status.is_active and sweep.controller is not None and is_alive(sweep.controller)


def is_searching(store: RunStore) -> bool:
    """Whether a sweep needs the cores of this machine, now or as soon as the server has started its controller."""
    return any(
        sweep.status is SweepStatus.RUNNING and (sweep.in_server or has_controller(sweep))
        for sweep in store.sweeps.list_unfinished()
    )


def waits_for(store: RunStore, sweep: Sweep) -> str:
    """Return in one sentence why a sweep starts no trial now; empty if it does, is paused, or has ended."""
    if not sweep.in_server or sweep.status is not SweepStatus.RUNNING or has_controller(sweep):
        return sweep.waits_for
    others = [other for other in store.sweeps.list_unfinished() if other.id != sweep.id and other.in_server]
    blocking = next((other for other in others if is_under_way(other)), None)
    return after_sweep(blocking) if blocking else "Waits for the server to start it."


def is_under_way(sweep: Sweep) -> bool:
    """Whether a controller starts or ends trials of this sweep now."""
    return sweep.status in (SweepStatus.RUNNING, SweepStatus.STOPPING) and has_controller(sweep)


def after_sweep(sweep: Sweep) -> str:
    """Return in one sentence that a sweep waits for this one: the server carries out one at a time."""
    return f"Waits until {sweep.name} has ended: the server carries out one search at a time."


def shown_status(sweep: Sweep) -> SweepStatus:
    """Return the status of a sweep for people: interrupted if its controller is gone, and no server starts another."""
    is_lost = sweep.status.is_active and not sweep.in_server and not has_controller(sweep)
    return SweepStatus.INTERRUPTED if is_lost else sweep.status


def pause(store: RunStore, sweep: Sweep) -> Sweep:
    """Pause the trials of a sweep between two batches, and start no more. Raises `SweepStateError` if it has ended."""
    return store.sweeps.request_status(sweep.id, SweepStatus.PAUSED)


def go_on(store: RunStore, sweep: Sweep) -> Sweep:
    """Have a paused or interrupted sweep go on: in the server, if no process carries it out.

    Raises `SweepStateError` if it has ended.
    """
    resumed = store.sweeps.request_status(sweep.id, SweepStatus.RUNNING)
    return resumed if has_controller(resumed) else store.sweeps.hand_to_server(sweep.id)


def stop(store: RunStore, sweep: Sweep) -> Sweep:
    """End a sweep; the trials that train are stopped. Raises `SweepStateError` if it has ended.

    Its controller does it within a second. A sweep without one is stopped when this returns.
    """
    stopping = store.sweeps.request_status(sweep.id, SweepStatus.STOPPING)
    if has_controller(stopping):
        return stopping
    return end_without_controller(store, stopping, SweepStatus.STOPPED)


def end_without_controller(store: RunStore, sweep: Sweep, status: SweepStatus, reason: str = "") -> Sweep:
    """End a sweep that nobody carries out, and its trials. Raises `SweepStateError` if it has ended.

    This process claims it, but not as one that lives on: if a write fails, e.g. on a full disk, others can try again.
    """
    claimed = store.sweeps.claim_sweep(sweep.id, replace(own_identity(), start_ticks=0))
    with contextlib.suppress(DamagedSweepError):  # trials that cannot be read
        for trial in store.sweeps.list_trials(sweep.id):
            if trial.status is TrialStatus.RUNNING:
                for run in store.sweeps.list_runs(sweep.id, [trial.number]):
                    store.commands.request_stop(run.id)
                store.sweeps.end_trial(claimed, trial, TrialStatus.STOPPED)  # last: another try begins with the runs
    return store.sweeps.end_sweep(claimed, status, reason)


def extend(store: RunStore, sweep: Sweep, *, trials: int = 0, minutes: float = 0.0) -> Sweep:
    """Add trials, minutes or both to the budget that a sweep has by now. One that has ended can then go on.

    See `go_on` and `resume`. The server goes on by itself with one that it carries out.
    Raises `ConfigError` if nothing is added, or the sweep has no limit of that kind.
    """
    more: dict[str, Any] = {name: value for name, value in (("trials", trials), ("minutes", minutes)) if value}
    if not more or min(more.values()) < 0:
        raise ConfigError("trials", "Extend a sweep by a number of trials or minutes above 0.")

    def with_more(kept: Mapping[str, Any]) -> dict[str, Any]:
        return _extended(SweepSpec.from_json(kept), sweep.name, more).to_json()

    return store.sweeps.replace_spec(sweep.id, with_more)


def _extended(spec: SweepSpec, name: str, more: Mapping[str, Any]) -> SweepSpec:
    """Return the sweep with larger limits. Raises `ConfigError`."""
    limits: dict[str, Any] = {}
    for kind, value in more.items():
        limit = spec.max_trials if kind == "trials" else spec.minutes
        if limit is None:
            raise ConfigError(kind, f"{name} has no limit on its {kind}. Extend the other one.")
        limits[kind] = limit + value
    if spec.sampler == "grid" and limits.get("trials", 0) > spec.grid_size:
        raise ConfigError(
            "trials", f"The grid of {name} has {spec.grid_size:,} points, and no more trials than that are possible."
        )
    return replace(spec, **limits)


FIRST_CONTROLLER_ID = -1000
"""The numbers from here downwards stand for controllers where other processes have the id of their run."""


def controller_id(sweep_id: int) -> int:
    """Return the number that stands for the controller of a sweep."""
    return FIRST_CONTROLLER_ID - sweep_id


def sweep_of_controller(process_id: int) -> int:
    """Return the id of the sweep that the controller with this number carries out."""
    return FIRST_CONTROLLER_ID - process_id


def carry_out_in_server(sweep_id: int) -> None:
    """Carry out a sweep in this process, which the server has forked for it. SIGTERM interrupts the sweep."""

    def leave(_number: int, _frame: FrameType | None) -> None:
        raise SystemExit

    signal.signal(signal.SIGTERM, leave)
    store = RunStore.open(runs_dir())
    # Stopped by a person, or taken over, meanwhile: then there is nothing to do.
    with contextlib.suppress(SystemExit, SweepStateError, StaleAttemptError):
        for _event in _carry_out(store, store.sweeps.get_sweep(sweep_id)):
            pass


def _with_recorded_networks(store: RunStore, spec: SweepSpec) -> SweepSpec:
    """Return the sweep with the present versions of the user's own networks. Raises `ConfigError`."""

    def recorded(model: str) -> str:
        model = with_recorded_network(store, TrainConfig(model=model)).model
        store.queries.check_network(model)
        return model

    def with_recorded(values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: recorded(value) if name == "model" else value for name, value in values.items()}

    parameters = tuple(
        Values("model", tuple(map(recorded, parameter.extremes))) if parameter.name == "model" else parameter
        for parameter in spec.parameters
    )
    compare_with = None if spec.compare_with is None else with_recorded(spec.compare_with)
    return replace(spec, fixed=with_recorded(spec.fixed), parameters=parameters, compare_with=compare_with)
