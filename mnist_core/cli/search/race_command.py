"""The command `race`: trains two to four settings on the same images at every moment, and says which leads."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mnist_core.analysis.comparison.race_standing import Standing, find_standing
from mnist_core.analysis.seed_groups import describe_differences
from mnist_core.cli.command_setup import Subparsers, add_command, find_run_to_act_on
from mnist_core.cli.event_printers import event_fields
from mnist_core.cli.train_command import Parser, add_settings, exit_code, read_settings
from mnist_core.config import SETTINGS
from mnist_core.data.run_images import RunImages
from mnist_core.errors import ConfigError, DatasetError
from mnist_core.formatting import format_percent
from mnist_core.records import EvalMetrics, Event, Run, RunStatus, encode_json
from mnist_core.runs.races import resume_race, start_race
from mnist_core.scheduler.recovery import interrupt_if_lost
from mnist_core.store import RunStore
from mnist_core.store.queries import Queries
from mnist_core.system.machine import threads_per_trainer
from mnist_core.system.paths import PROGRAM, runs_dir
from mnist_core.system.processes import own_identity
from mnist_core.trainer.shutdown import SHUTDOWN_REASONS


@dataclass(frozen=True)
class _LaneValues:
    """The values of a setting that is not the same in all lanes, one for each."""

    values: tuple[Any, ...]


def add_race_command(subparsers: Subparsers) -> None:
    """Add `race` to `subparsers`."""
    description = "train two to four settings in lock step, such as --lr 0.01,0.1; the dashboard shows their runs"
    parser = add_command(subparsers, "race", description, _race)
    add_settings(parser, adapt=_parse_lanes)
    parser.add_argument("--resume", metavar="RUN", help="resume the interrupted lanes of this run's race instead")
    parser.add_argument("--json", action="store_true", help="print events as JSON, one object a line")


def _parse_lanes(parse: Parser) -> Parser:
    """Read the values of several lanes, separated by commas, and a single value, which is for all lanes, as it is."""

    def parse_values(text: str) -> Any:
        values = tuple(parse(part) for part in text.split(","))
        return _LaneValues(values) if len(values) > 1 else values[0]

    return parse_values


def _race(options: argparse.Namespace) -> int:
    store = RunStore.open(runs_dir())
    if options.resume:
        return _resume(store, find_run_to_act_on(store, options.resume), json=options.json)
    runs = start_race(store, [read_settings(lane, store) for lane in _lanes(options)], own_identity())
    return _race_in_terminal(store, runs, json=options.json)


def _resume(store: RunStore, run: Run, *, json: bool) -> int:
    for lane in store.queries.list_lanes(run.race_id) if run.race_id else ():
        interrupt_if_lost(store, lane)
    first, *_ = resume_race(store, run)
    runs = store.trainer_writes.claim_lanes(first.id, own_identity(), store.queries.count_active_trainers() + 1)
    if not runs:  # a server claimed them first
        print(f"{run.name}: its race is resumed by the dashboard's server.")
        return 0
    return _race_in_terminal(store, runs, json=json)


def _lanes(options: argparse.Namespace) -> list[argparse.Namespace]:
    """Return the options of each lane. Raises `ConfigError` if the flags do not give as many values."""
    lists = {name: given.values for name, given in vars(options).items() if isinstance(given, _LaneValues)}
    counts = {name: len(values) for name, values in lists.items()}
    if len(set(counts.values())) > 1:
        given = ", ".join(f"{SETTINGS[name].flag} {count}" for name, count in counts.items())
        raise ConfigError(
            "race", f"These flags give different numbers of values: {given}. Give one for each lane, or one for all."
        )
    lanes = max(counts.values(), default=1)
    return [
        argparse.Namespace(**{**vars(options), **{name: values[lane] for name, values in lists.items()}})
        for lane in range(lanes)
    ]


def _race_in_terminal(store: RunStore, runs: Sequence[Run], *, json: bool) -> int:
    """Train a race that this process has claimed, print its events and who leads; returns the exit code."""
    names = describe_differences(runs)
    titles = {run.id: f"{run.name} ({names[run.id]})" for run in runs}
    try:
        print(f"{', '.join(titles.values())}: watch them here or in the dashboard.", file=sys.stderr)
        import torch  # takes seconds, and other commands do without it

        from mnist_core.sweeps.race import train_race
    except (KeyboardInterrupt, BrokenPipeError) as error:
        number = signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGPIPE
        for run in runs:
            store.commands.interrupt_run(run, SHUTDOWN_REASONS[number])
        raise

    def show(run: Run, event: Event) -> None:
        if json:
            print(encode_json({"run": run.name, **event_fields(event)}), flush=True)
        elif isinstance(event, EvalMetrics):
            result = f"{event.split} {format_percent(event.accuracy)}, loss {event.loss:.4f}"
            print(f"{titles[run.id]}: epoch {event.epoch}, step {event.step}, {result}", flush=True)

    torch.set_num_threads(threads_per_trainer(store.queries.count_active_trainers()))
    runs = train_race(store, runs, show)
    for run in runs:
        if run.reason:
            print(f"{titles[run.id]}: {run.reason}", file=sys.stderr)
    if standing := _find_standing(store.queries, runs):
        print(standing.describe(names), file=sys.stderr)
    if any(run.status is RunStatus.INTERRUPTED for run in runs):
        print(f"Resume it with: {PROGRAM} race --resume {runs[0].name}", file=sys.stderr)
    return max(exit_code(run) for run in runs)


def _find_standing(queries: Queries, runs: Sequence[Run]) -> Standing | None:
    """Return who leads; None if the lanes have no evaluations in common, or their images have been replaced."""
    begun = [run for run in runs if run.validation_images and run.provenance]
    if not begun:
        return None
    try:
        labels = RunImages().split_of(begun[0], "validation").labels
    except DatasetError:
        return None
    return find_standing([(run, queries.list_evaluations(run.id)) for run in begun], labels)
