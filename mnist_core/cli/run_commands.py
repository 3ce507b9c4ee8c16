"""The commands that act on a run there is: steer it, resume it, and make new runs of it."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Callable
from typing import Any

from mnist_core.analysis import reproducibility
from mnist_core.cli.train_command import EXIT_FAILED, train_in_terminal
from mnist_core.config import LOG_INTERVAL, SETTINGS
from mnist_core.errors import ConfigError, RunStateError
from mnist_core.records import ADJUSTABLE, Adjustment, Command, Run, RunStatus
from mnist_core.runs import lineage
from mnist_core.scheduler.supervisor import interrupt_lost_runs
from mnist_core.store import RunStore
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import own_identity

ACTOR = "terminal"
"""Who made a change, in the list of interventions."""

CHANGEABLE = [name for name in SETTINGS if name not in (*lineage.INHERITED_SETTINGS, "epochs")]
"""What a run that goes on from another may have otherwise; its epochs are given as those to add."""

_COMMAND_HELP = {
    Command.PAUSE: "hold a run after the batch in hand",
    Command.STEP: "train one batch and hold again",
    Command.EVALUATE: "evaluate a run before its next batch",
}


def add_run_commands(commands: Any, parse: Callable[[Callable[[str], Any]], Callable[[str], Any]]) -> None:
    """Add them to `commands`, the subparsers; `parse` turns a setting's parser into one that argparse understands."""

    def command(
        name: str, text: str, act: Callable[[argparse.Namespace], int], *aliases: str
    ) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = commands.add_parser(name, aliases=aliases, help=text, description=text)
        parser.add_argument("run", help="its name or number")
        parser.set_defaults(command=act, log_interval=LOG_INTERVAL.default)
        return parser

    for order, text in _COMMAND_HELP.items():
        command(order, text, lambda options, order=order: _order(options, order))  # type: ignore[misc]
    command("stop", "end a run, and keep all that it recorded", _stop)
    command("resume", "let a paused run go on; train an interrupted one on from its last checkpoint, here", _resume)
    again = "train a run again, here: same seed, same changes at the same steps; says whether it came out the same"
    command("rerun", again, _rerun, "repeat")
    adjust = command("adjust", "change settings of a run while it is going", _adjust)
    for name in ADJUSTABLE:
        adjust.add_argument(SETTINGS[name].flag, type=parse(SETTINGS[name].parse), metavar="N")
    goes_on = command("continue", "train on from a checkpoint of a run, as a new run, here", _continue)
    goes_on.add_argument("--more-epochs", type=int, default=0, metavar="N", help="epochs to add")
    goes_on.add_argument("--step", type=int, metavar="N", help="the checkpoint to go on from; without it, the last")
    goes_on.add_argument("--name", default="", help="name of the new run")
    for name in CHANGEABLE:
        setting = SETTINGS[name]
        if setting.kind is not bool:
            goes_on.add_argument(setting.flag, type=parse(setting.parse), metavar="N", help=setting.help)


def _find(store: RunStore, text: str) -> Run:
    interrupt_lost_runs(store)
    return store.queries.find_run(text)


def _open(options: argparse.Namespace) -> tuple[RunStore, Run]:
    store = RunStore.open(runs_dir())
    return store, _find(store, options.run)


def _order(options: argparse.Namespace, order: Command) -> int:
    store, run = _open(options)
    store.commands.send_command(run.id, order, by=ACTOR)
    print(f"{run.name}: asked to {order}.")
    return 0


def _adjust(options: argparse.Namespace) -> int:
    values = {name: getattr(options, name) for name in ADJUSTABLE if getattr(options, name) is not None}
    if not values:
        flags = ", ".join(SETTINGS[name].flag for name in ADJUSTABLE)
        raise ConfigError("adjust", f"There is nothing to change: give one of {flags}.")
    store, run = _open(options)
    store.commands.send_command(run.id, Command.ADJUST, Adjustment(**values), by=ACTOR)
    print(f"{run.name}: {', '.join(f'{name} {value:g}' for name, value in values.items())} from the next batch on.")
    return 0


def _stop(options: argparse.Namespace) -> int:
    store, run = _open(options)
    if run.status is not RunStatus.QUEUED and not run.status.is_active:
        raise RunStateError(f"{run.name} is {run.status}: there is nothing to stop.")
    print(f"{run.name}: {store.commands.request_stop(run.id)}.")
    return 0


def _resume(options: argparse.Namespace) -> int:
    store, run = _open(options)
    if run.status.is_active:
        store.commands.send_command(run.id, Command.RESUME, by=ACTOR)
        print(f"{run.name}: goes on.")
        return 0
    store.commands.requeue_run(run.id)
    held = store.trainer_writes.claim_run(run.id, own_identity(), len(store.queries.list_active_runs()) + 1)
    if held is None:  # a server was quicker
        print(f"{run.name}: resumed by the dashboard's server.")
        return 0
    return train_in_terminal(store, held, log_interval=options.log_interval)


def _rerun(options: argparse.Namespace) -> int:
    store, run = _open(options)
    again = lineage.repeat(store, run, trainer=own_identity())
    code = train_in_terminal(store, again, log_interval=options.log_interval)
    if code or not run.status.is_finished:
        return code
    is_same, sentence = reproducibility.describe_rerun(store.queries, run, store.queries.get_run(again.id))
    print(sentence, file=sys.stderr)
    return 0 if is_same else EXIT_FAILED


def _continue(options: argparse.Namespace) -> int:
    store, parent = _open(options)
    changed = {name: getattr(options, name, None) for name in CHANGEABLE}
    values = {name: value for name, value in changed.items() if value is not None}
    config = dataclasses.replace(lineage.with_more_epochs(parent, options.more_epochs, options.step), **values)
    run = lineage.fork(store, parent, config, step=options.step, name=options.name, trainer=own_identity())
    return train_in_terminal(store, run, log_interval=options.log_interval)
