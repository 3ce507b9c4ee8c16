"""The command `queue`: lists the queued runs in the order they will start, and changes that order."""

from __future__ import annotations

import argparse

from mnist_core.cli.command_setup import Subparsers, add_command, find_run_to_act_on, open_store
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.errors import ConfigError
from mnist_core.records import Run
from mnist_core.store import RunStore
from mnist_core.system.terminal_text import display_width, pad


def add_queue_command(subparsers: Subparsers) -> None:
    """Add `queue` to `subparsers`."""
    parser = add_command(subparsers, "queue", "list the queued runs, or move one; `stop` removes one", _queue)
    parser.add_argument("run", nargs="?", help="name or number of the run to move")
    place = parser.add_mutually_exclusive_group()
    place.add_argument("--before", metavar="RUN", help="move it to just before this queued run")
    place.add_argument("--after", metavar="RUN", help="move it to just after this queued run")
    place.add_argument("--put-back", action="store_true", help="put a run that was removed back where it was")


def _queue(options: argparse.Namespace) -> int:
    store = open_store()
    if options.run:
        _move(store, options)
    elif options.before or options.after or options.put_back:
        raise ConfigError("queue", "Name the run to move first: queue run-9 --before run-8.")
    queued = store.queries.list_queued_runs()
    print(_format_queue(queued) if queued else "The queue is empty.")
    return 0


def _move(store: RunStore, options: argparse.Namespace) -> None:
    """Raises `ConfigError` without a place to move the run to."""
    run = find_run_to_act_on(store, options.run)
    if options.put_back:
        store.commands.return_to_queue(run.id)
    elif options.before:
        store.commands.move_queued_run(run.id, before=store.queries.find_run(options.before).id)
    elif options.after:
        store.commands.move_queued_run(run.id, after=store.queries.find_run(options.after).id)
    else:
        raise ConfigError("queue", "Say where to: --before RUN, --after RUN or --put-back.")


def _format_queue(queued: list[Run]) -> str:
    """Return one line a run: position, name, and the settings that are not the defaults."""
    width = max(display_width(run.name) for run in queued)
    lines = [
        f"{position}  {pad(run.name, width)}  {_describe_changes(run.config)}".rstrip()
        for position, run in enumerate(queued, 1)
    ]
    return "\n".join(lines)


def _describe_changes(config: TrainConfig) -> str:
    values = {name: getattr(config, name) for name in SETTINGS}
    return ", ".join(f"{name} {value}" for name, value in values.items() if value != SETTINGS[name].default)
