"""The actions that people take on sweeps from pages: one method per action. The server carries out the sweeps."""

from __future__ import annotations

from typing import TypedDict

from mnist_core.records import Sweep
from mnist_core.runs.checked_actions import CheckedActions, action
from mnist_core.sweeps import control
from mnist_core.sweeps.spec import SweepSpec


class More(TypedDict, total=False):
    """What is added to the budget of a sweep."""

    trials: int
    minutes: float


class SweepActions(CheckedActions):
    """The actions on the sweeps of a store; see `CheckedActions`. Each returns at once, with the sweep as it then is.

    All but `start_sweep` raise `SweepNotFoundError`, and `SweepStateError` if the sweep is in no state for it.
    """

    @action
    def start_sweep(self, spec: SweepSpec, name: str = "") -> Sweep:
        """Add a sweep for the server. Raises `ConfigError` if its name or a network cannot be used."""
        sweep = control.create(self._store, spec, name, in_server=True)
        self._wake()
        return sweep

    @action
    def pause_sweep(self, sweep: Sweep) -> Sweep:
        """Pause the trials that train, and start no more; see `control.pause`."""
        return control.pause(self._store, sweep)

    @action
    def resume_sweep(self, sweep: Sweep) -> Sweep:
        """Go on with a paused or interrupted sweep; see `control.go_on`."""
        resumed = control.go_on(self._store, sweep)
        self._wake()
        return resumed

    @action
    def stop_sweep(self, sweep: Sweep) -> Sweep:
        """End a sweep; see `control.stop`."""
        stopped = control.stop(self._store, sweep)
        self._wake()
        return stopped

    @action
    def extend_sweep(self, sweep: Sweep, more: More) -> Sweep:
        """Add to the budget of a sweep, and go on with it if it had ended; see `control.extend`."""
        extended = control.extend(self._store, sweep, **more)
        if sweep.status.is_finished:
            extended = control.go_on(self._store, extended)
        self._wake()
        return extended
