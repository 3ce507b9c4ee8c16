"""The command `sweeps`: list searches, show one, and stop, pause, resume or extend it."""

from __future__ import annotations

import argparse
from typing import Any

from mnist_core.cli.command_setup import Subparsers, add_command, open_store
from mnist_core.cli.search.sweep_command import carry_out
from mnist_core.cli.search.sweep_printer import event_to_json, leaderboard, verdict_to_json
from mnist_core.errors import ConfigError, DamagedSweepError
from mnist_core.formatting import format_duration
from mnist_core.records import Sweep, encode_json
from mnist_core.store import RunStore
from mnist_core.sweeps import control
from mnist_core.sweeps.progress import find_progress, format_result
from mnist_core.sweeps.spec import SweepSpec
from mnist_core.sweeps.verdict import conclude
from mnist_core.system.paths import PROGRAM
from mnist_core.system.terminal_text import display_width, pad


def add_sweeps_command(subparsers: Subparsers) -> None:
    """Add `sweeps` to `subparsers`."""
    parser = add_command(subparsers, "sweeps", "list searches; show, stop, pause, resume or extend one", _sweeps)
    parser.add_argument("sweep", nargs="?", metavar="SWEEP", help="name or number; without it, all are listed")
    action = parser.add_mutually_exclusive_group()
    action.add_argument("--stop", action="store_true", help="end it, and the trials that train")
    action.add_argument("--pause", action="store_true", help="pause its trials, and start no more")
    action.add_argument("--resume", action="store_true", help="go on: in this terminal, if no process carries it out")
    parser.add_argument("--more-trials", type=int, default=0, metavar="N", help="extend it by this many trials")
    parser.add_argument("--more-minutes", type=float, default=0.0, metavar="N", help="extend it by this time")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _sweeps(options: argparse.Namespace) -> int:
    store = open_store()
    is_acting = options.stop or options.pause or options.resume or options.more_trials or options.more_minutes
    if options.sweep is None:
        if is_acting:
            raise ConfigError("sweep", f"Name the sweep first: {PROGRAM} sweeps sweep-1 --stop.")
        return _list(store, json=options.json)
    sweep = store.sweeps.find_sweep(options.sweep)
    if not is_acting:
        return _show(store, sweep, json=options.json)
    if options.more_trials or options.more_minutes:
        sweep = control.extend(store, sweep, trials=options.more_trials, minutes=options.more_minutes)
    if options.stop:
        sweep = control.stop(store, sweep)
    elif options.pause:
        sweep = control.pause(store, sweep)
    elif not control.has_controller(sweep) and not sweep.in_server:
        return carry_out(store, sweep, json=options.json)
    elif options.resume:
        sweep = control.go_on(store, sweep)
    print(f"{sweep.name} is {control.shown_status(sweep).word}. {control.waits_for(store, sweep)}".rstrip())
    return 0


def _list(store: RunStore, *, json: bool) -> int:
    sweeps = store.sweeps.list_sweeps()
    if json:
        print(encode_json([_summary(store, sweep) for sweep in sweeps], indent=2))
    elif not sweeps:
        print(f"No sweeps yet. Start one with: {PROGRAM} sweep --lr 0.001:1:log --trials 20")
    else:
        header = ["Sweep", "Status", "Trials", "Best", "Duration"]
        rows = [header, *(_row(store, sweep) for sweep in sweeps)]
        sound = [row for row in rows if len(row) == len(header)]  # the others end with a sentence
        widths = [max(map(display_width, column)) for column in zip(*sound, strict=True)]
        for row in rows:
            print("  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=False)).rstrip())
    return 0


def _row(store: RunStore, sweep: Sweep) -> list[str]:
    status = control.shown_status(sweep).word
    try:
        spec, summary = SweepSpec.of(sweep), _summary(store, sweep)
    except DamagedSweepError as error:
        return [sweep.name, status, str(error)]
    limit = f"/{spec.max_trials}" if spec.max_trials else ""
    best = summary["best"]["value"] if summary["best"] else None
    trials, duration = f"{summary['trials']}{limit}", format_duration(sweep.elapsed_seconds)
    return [sweep.name, status, trials, format_result(spec, best), duration]


def _summary(store: RunStore, sweep: Sweep) -> dict[str, Any]:
    """Return a sweep as an object of JSON, with the number of its trials that have ended, and the best of them."""
    try:
        progress = find_progress(sweep, store.sweeps.list_trials(sweep.id))
    except DamagedSweepError as error:
        return {**event_to_json(sweep), "problem": str(error)}
    return {
        **event_to_json(sweep),
        "status": control.shown_status(sweep),
        "waits_for": control.waits_for(store, sweep),
        "trials": progress.ended,
        "best": event_to_json(progress.best) if progress.best else None,
        "trials_a_minute": progress.trials_a_minute,
        "seconds_left": progress.seconds_left,
    }


def _show(store: RunStore, sweep: Sweep, *, json: bool) -> int:
    trials = store.sweeps.list_trials(sweep.id)
    if json:
        shown = {**_summary(store, sweep), "all_trials": list(map(event_to_json, trials))}
        print(encode_json(shown | verdict_to_json(store, sweep), indent=2))
    else:
        status = f"{sweep.name} is {control.shown_status(sweep).word}."
        progress = find_progress(sweep, trials, conclude(store, sweep))
        print(" ".join(filter(None, [status, sweep.reason, control.waits_for(store, sweep)])))
        print(leaderboard(SweepSpec.of(sweep), trials))
        print(progress.sentence)
    return 0
