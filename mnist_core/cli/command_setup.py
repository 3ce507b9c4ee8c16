"""What all commands share: exit codes, parsers, flags for settings, and opening the store."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeAlias

from mnist_core.errors import ConfigError
from mnist_core.records import Run
from mnist_core.scheduler.recovery import interrupt_if_lost
from mnist_core.setting import Setting
from mnist_core.store import RunStore
from mnist_core.system.paths import runs_dir

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_BROKEN_PIPE = 128 + signal.SIGPIPE
"""The codes that shells report for programs ended by Ctrl-C, and by writing to a pipe that nobody reads any more."""

Handler: TypeAlias = Callable[[argparse.Namespace], int]
"""Runs a command and returns its exit code."""

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def add_command(
    subparsers: Subparsers, name: str, description: str, handler: Handler, *, aliases: Sequence[str] = ()
) -> argparse.ArgumentParser:
    """Add a command to `subparsers`; returns its parser."""
    parser = subparsers.add_parser(name, aliases=aliases, help=description, description=description)
    parser.set_defaults(handler=handler)
    return parser


def add_setting_flag(
    parser: argparse.ArgumentParser, setting: Setting, default: str, parse: Callable[[str], Any] | None = None
) -> None:
    """Add the flag of a setting. `default` says in the help which value holds without the flag.

    `parse` reads the value, by default that of the setting.

    A flag that is not given sets no attribute, so that another source, such as a preset, can supply the value.
    """
    if setting.kind is bool:
        parser.add_argument(
            setting.flag, action="store_true", default=argparse.SUPPRESS, help=setting.help.replace("%", "%%")
        )
        return
    value_range = "" if setting.choices else f" ({setting.bounds.replace(' and ', ' to ')})"
    parser.add_argument(
        setting.flag,
        type=flag_type(parse or setting.parse),
        default=argparse.SUPPRESS,
        metavar="|".join([*setting.choices, *filter(None, [setting.pattern_words])]) or "N",
        help=f"{setting.help}{value_range} (default: {default})".replace("%", "%%"),
    )


def given_settings(options: argparse.Namespace, names: Iterable[str]) -> dict[str, Any]:
    """Return the settings among `names` whose flags were given, in the order of `names`."""
    return {name: getattr(options, name) for name in names if hasattr(options, name)}


def flag_type(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Convert the `ConfigError` of a parser to the error that argparse reports with the flag's name and exit code 2."""

    def parse_flag(text: str) -> Any:
        try:
            return parse(text)
        except ConfigError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse_flag


def open_store() -> RunStore:
    """Open the store of this machine's runs. Changes no run, because commands that only read must not."""
    return RunStore.open(runs_dir())


def find_run_to_act_on(store: RunStore, name_or_id: str) -> Run:
    """Return the run with this name or id, marked as interrupted if its trainer is gone.

    Raises `RunNotFoundError`.
    """
    return interrupt_if_lost(store, store.queries.find_run(name_or_id))
