"""The command `train`, and training any run in this process; the dashboard shows the run live."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Collection
from dataclasses import asdict, replace
from typing import Any, TypeAlias

from mnist_core import presets
from mnist_core.augmentations import fit_augmentation
from mnist_core.cli.command_setup import (
    EXIT_FAILED,
    Subparsers,
    add_command,
    add_setting_flag,
    flag_type,
    given_settings,
)
from mnist_core.cli.event_printers import ClassicPrinter, JsonPrinter
from mnist_core.cli.network_flag import NetworkFile, parse_model
from mnist_core.config import LOG_INTERVAL, SETTINGS, TrainConfig
from mnist_core.records import Run, RunStatus
from mnist_core.store import RunStore
from mnist_core.system.machine import threads_per_trainer
from mnist_core.system.paths import PROGRAM, runs_dir
from mnist_core.system.processes import own_identity
from mnist_core.trainer.shutdown import SHUTDOWN_REASONS


def add_train_command(subparsers: Subparsers) -> None:
    """Add `train` to `subparsers`."""
    parser = add_command(subparsers, "train", "train a network in this terminal; the dashboard shows the run", _train)
    add_settings(parser)
    add_setting_flag(parser, LOG_INTERVAL, default=str(LOG_INTERVAL.default))
    parser.set_defaults(log_interval=LOG_INTERVAL.default)
    parser.add_argument("--name", default="", help="name of the run (default: run-<number>)")
    parser.add_argument("--json", action="store_true", help="print events as JSON, one object a line")


Parser: TypeAlias = Callable[[str], Any]
"""Reads the value of a flag. Raises `ConfigError`."""


def add_settings(
    parser: argparse.ArgumentParser,
    *,
    without: Collection[str] = (),
    adapt: Callable[[Parser], Parser] = lambda parse: parse,
) -> None:
    """Add the flags of all settings but those in `without`, and of the presets that they override.

    `adapt` changes how values are read, such as to lists of them.
    """
    parser.formatter_class = argparse.RawDescriptionHelpFormatter  # keeps the line breaks of the epilog
    parser.epilog = "presets and their settings:\n" + "\n".join(map(_preset_line, presets.PRESETS))
    parser.add_argument(
        "--preset",
        type=flag_type(presets.find_preset),
        default=presets.DEFAULTS,
        metavar="NAME",
        help=f"start from these settings; other flags override them: {', '.join(map(_preset_flag, presets.PRESETS))}",
    )
    for setting in SETTINGS.values():
        if setting.name not in without:
            parse = parse_model if setting.name == "model" else setting.parse
            add_setting_flag(parser, setting, default=str(setting.default), parse=adapt(parse))
    parser.add_argument("--no-cuda", action="store_true", help="train on the CPU; the same as --device cpu")


def read_settings(options: argparse.Namespace, store: RunStore) -> TrainConfig:
    """Return the settings that the flags of `add_settings` give. Records a network of the user's own.

    Raises `ConfigError`.
    """
    settings = given_settings(options, SETTINGS)
    own_file = settings.pop("model") if isinstance(settings.get("model"), NetworkFile) else None
    if options.no_cuda:
        settings["device"] = "cpu"
    preset = presets.apply_preset(options.preset, asdict(TrainConfig()))
    config = TrainConfig(**{**preset, **fit_augmentation(settings, preset["max_shift"])})
    if own_file:
        config = replace(config, model=own_file.record(store))
    return config


def train_in_terminal(store: RunStore, run: Run, *, log_interval: int, json: bool = False) -> int:
    """Train a run that this process has claimed and print its events; returns the exit code.

    The run shares the cores with the runs that are active when it starts. Raises `MnistError` if it cannot be trained.
    """
    try:
        print(f"{run.name}: watch it here or in the dashboard.", file=sys.stderr)
        import torch  # takes seconds, and other commands do without it

        from mnist_core.trainer.worker import train_run
    except (KeyboardInterrupt, BrokenPipeError) as error:
        number = signal.SIGINT if isinstance(error, KeyboardInterrupt) else signal.SIGPIPE
        store.commands.interrupt_run(run, SHUTDOWN_REASONS[number])
        raise

    torch.set_num_threads(threads_per_trainer(store.queries.count_active_trainers()))
    printer = JsonPrinter(store.queries, run) if json else ClassicPrinter(store.queries, run, log_interval)
    with printer:
        run = train_run(store, run, printer.show)
    if run.reason:
        print(run.reason, file=sys.stderr)
    if run.model_file:
        print(f"Model saved to {run.model_file}.", file=sys.stderr)
    if run.status is RunStatus.INTERRUPTED:
        print(f"Resume it with: {PROGRAM} resume {run.name}", file=sys.stderr)
    return exit_code(run)


def exit_code(run: Run) -> int:
    """Return the exit code for a run that has ended: as shells report it if a signal interrupted the run."""
    if run.status is RunStatus.INTERRUPTED:
        return {reason: 128 + number for number, reason in SHUTDOWN_REASONS.items()}.get(run.reason, EXIT_FAILED)
    return 0 if run.status in (RunStatus.COMPLETED, RunStatus.STOPPED) else EXIT_FAILED


def _train(options: argparse.Namespace) -> int:
    store = RunStore.open(runs_dir())
    config = read_settings(options, store)
    run = store.commands.create_run(config, options.name, trainer=own_identity())
    return train_in_terminal(store, run, log_interval=options.log_interval, json=options.json)


def _preset_line(name: str) -> str:
    flags = [f"{SETTINGS[field].flag} {value}" for field, value in presets.PRESETS[name].items()]
    return f"  {_preset_flag(name)}: {' '.join(flags)}\n    {presets.DESCRIPTIONS[name]}"


def _preset_flag(name: str) -> str:
    """Return the value of `--preset` that selects a preset, such as `fast-99`."""
    return name.lower().replace(" ", "-")
