"""The commands that act on one run: steer it, resume it, repeat it, or continue it as a new run."""

from __future__ import annotations

import argparse
import dataclasses
import sys
from functools import partial

from mnist_core import labels
from mnist_core.analysis import reproducibility
from mnist_core.augmentations import fit_augmentation
from mnist_core.cli.command_setup import (
    EXIT_FAILED,
    Handler,
    Subparsers,
    add_command,
    add_setting_flag,
    find_run_to_act_on,
    given_settings,
    open_store,
)
from mnist_core.cli.train_command import train_in_terminal
from mnist_core.config import LOG_INTERVAL, SETTINGS
from mnist_core.errors import ConfigError, RunStateError
from mnist_core.records import ADJUSTABLE, Adjustment, Command, Run, RunStatus
from mnist_core.runs import lineage
from mnist_core.runs.rate_jump import describe_rate_jump
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity

ACTOR = "terminal"
"""Name in the change log for changes from the command line."""

CHANGEABLE = [
    name
    for name, setting in SETTINGS.items()
    if name not in (*lineage.INHERITED_SETTINGS, "epochs") and setting.kind is not bool
]
"""Settings that a continued run may change. Its epochs are given by `--more-epochs`."""

COMMAND_HELP = {
    Command.PAUSE: "pause a run after its current batch",
    Command.STEP: "train one batch of a run, then pause it",
    Command.EVALUATE: "evaluate a run before its next batch",
}
"""Commands that need no arguments but the run, and their help."""


def add_run_commands(subparsers: Subparsers) -> None:
    """Add the commands that act on one run to `subparsers`."""

    def add(name: str, description: str, handler: Handler, *aliases: str) -> argparse.ArgumentParser:
        parser = add_command(subparsers, name, description, handler, aliases=aliases)
        parser.add_argument("run", help="name or number of the run")
        parser.set_defaults(log_interval=LOG_INTERVAL.default)
        return parser

    for command, description in COMMAND_HELP.items():
        add(command.value, description, partial(_send_command, command=command))
    add("stop", "stop a run; what it recorded is kept", _stop)
    add("resume", "resume a paused run, or train an interrupted one in this terminal from its last checkpoint", _resume)
    rerun_help = (
        f"{labels.REPLAY_EXACTLY.lower()}: train a run once more in this terminal, with the same seed, changes and "
        "number of threads, and check that the results are the same to the last bit"
    )
    add("rerun", rerun_help, _rerun, "repeat")
    adjust_parser = add("adjust", "change settings of a run while it trains", _adjust)
    for name in ADJUSTABLE:
        add_setting_flag(adjust_parser, SETTINGS[name], default="unchanged")
    continue_parser = add("continue", "train a new run in this terminal that starts from a checkpoint", _continue)
    continue_parser.add_argument("--more-epochs", type=int, default=0, metavar="N", help="epochs to add (default: 0)")
    continue_parser.add_argument("--step", type=int, metavar="N", help="step of the checkpoint (default: the last)")
    continue_parser.add_argument("--name", default="", help="name of the new run (default: run-<number>)")
    for name in CHANGEABLE:
        add_setting_flag(continue_parser, SETTINGS[name], default="as at the checkpoint")


def _open_run(options: argparse.Namespace) -> tuple[RunStore, Run]:
    store = open_store()
    return store, find_run_to_act_on(store, options.run)


def _send_command(options: argparse.Namespace, command: Command) -> int:
    store, run = _open_run(options)
    _send_and_report(store, run, command)
    return 0


def _send_and_report(store: RunStore, run: Run, command: Command) -> None:
    store.commands.send_command(run.id, command, by=ACTOR)
    print(f"{run.name}: asked to {command}.")


def _adjust(options: argparse.Namespace) -> int:
    values = given_settings(options, ADJUSTABLE)
    if not values:
        flags = ", ".join(SETTINGS[name].flag for name in ADJUSTABLE)
        raise ConfigError("adjust", f"There is nothing to change: give one of {flags}.")
    store, run = _open_run(options)
    store.commands.send_command(run.id, Command.ADJUST, Adjustment(**values), by=ACTOR)
    print(f"{run.name}: {', '.join(f'{name} {value:g}' for name, value in values.items())} from the next batch on.")
    return 0


def _stop(options: argparse.Namespace) -> int:
    store, run = _open_run(options)
    if run.status is not RunStatus.QUEUED and not run.status.is_active:
        raise RunStateError(f"{run.name} is {run.status.word}: there is nothing to stop.")
    print(f"{run.name}: {store.commands.request_stop(run.id)}.")
    return 0


def _resume(options: argparse.Namespace) -> int:
    store, run = _open_run(options)
    if run.status.is_active:
        _send_and_report(store, run, Command.RESUME)
        return 0
    store.commands.requeue_run(run.id)
    claimed = store.trainer_writes.claim_run(run.id, own_identity(), len(store.queries.list_active_runs()) + 1)
    if claimed is None:  # a server claimed it first
        print(f"{run.name}: resumed by the dashboard's server.")
        return 0
    return train_in_terminal(store, claimed, log_interval=options.log_interval)


def _rerun(options: argparse.Namespace) -> int:
    store, original = _open_run(options)
    rerun = lineage.repeat(store, original, trainer=own_identity())
    exit_code = train_in_terminal(store, rerun, log_interval=options.log_interval)
    if exit_code or not original.status.is_finished:
        return exit_code
    is_same, sentence = reproducibility.describe_rerun(store.queries, original, store.queries.get_run(rerun.id))
    print(sentence, file=sys.stderr)
    return 0 if is_same else EXIT_FAILED


def _continue(options: argparse.Namespace) -> int:
    store, parent = _open_run(options)
    config = lineage.with_more_epochs(parent, options.more_epochs, options.step)
    settings = fit_augmentation(given_settings(options, CHANGEABLE), config.max_shift)
    config = dataclasses.replace(config, **settings)
    run = lineage.fork(store, parent, config, step=options.step, name=options.name, trainer=own_identity())
    if run.parent_step is not None and (jump := describe_rate_jump(parent, config, run.parent_step)):
        print(jump, file=sys.stderr)
    return train_in_terminal(store, run, log_interval=options.log_interval)
