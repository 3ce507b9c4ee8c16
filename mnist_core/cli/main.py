"""The command line: train a network, steer and resume runs, compare, export and keep them."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from mnist_core import __version__, presets
from mnist_core.cli.library_commands import add_library_commands
from mnist_core.cli.run_commands import add_run_commands
from mnist_core.cli.train_command import EXIT_FAILED, EXIT_INTERRUPTED, train_in_terminal
from mnist_core.config import LOG_INTERVAL, SETTINGS, Setting, TrainConfig
from mnist_core.errors import ConfigError, MnistError
from mnist_core.store import RunStore
from mnist_core.system.paths import runs_dir
from mnist_core.system.processes import own_identity

EXIT_BAD_INPUT = 2


def main(
    arguments: Sequence[str] | None = None,
    *,
    program: str = "python -m mnist_core",
    add_commands: Callable[[Any], None] | None = None,
) -> int:
    """Run one command and return the exit code.

    `program` is what a person types to get here; `add_commands` adds further commands to the subparsers it is given.
    """
    options = _parser(program, add_commands).parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except MnistError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough; nothing more can be flushed to it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser(program: str, add_commands: Callable[[Any], None] | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description=__doc__)
    parser.add_argument("--version", action="version", version=f"mnist-trainer {__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    if add_commands:
        add_commands(commands)

    train = commands.add_parser(
        "train",
        help="train a network here and now; the run shows up live in the dashboard",
        formatter_class=argparse.RawDescriptionHelpFormatter,  # keeps the lines of the epilog
        epilog="presets and what they stand for:\n" + "\n".join(map(_preset_line, presets.PRESETS)),
    )
    train.add_argument(
        "--preset",
        type=_told(presets.find_preset),
        default=presets.DEFAULTS,
        metavar="NAME",
        help=f"settings to start from; other flags win over it: {', '.join(map(_dashed, presets.PRESETS))}",
    )
    for setting in [*SETTINGS.values(), LOG_INTERVAL]:
        _add_flag(train, setting)
    train.set_defaults(log_interval=LOG_INTERVAL.default)
    train.add_argument("--no-cuda", action="store_true", help="train on the CPU, as --device cpu")
    train.add_argument("--name", default="", help="name of the run; without one it is run-<number>")
    train.add_argument("--json", action="store_true", help="print one JSON object per event instead of lines")
    train.set_defaults(command=_train)

    add_run_commands(commands, _told)

    add_library_commands(commands)
    return parser


def _add_flag(parser: argparse.ArgumentParser, setting: Setting) -> None:
    """A flag that leaves nothing behind unless it is given, so that the preset's value can hold instead."""
    if setting.kind is bool:
        parser.add_argument(setting.flag, action="store_true", default=argparse.SUPPRESS, help=setting.help)
        return
    shown_range = "" if setting.choices else f" ({setting.bounds.replace(' and ', ' to ')})"
    parser.add_argument(
        setting.flag,
        type=_told(setting.parse),
        default=argparse.SUPPRESS,
        metavar="|".join(setting.choices) or "N",
        help=f"{setting.help}{shown_range} (default: {setting.default})".replace("%", "%%"),
    )


def _told(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """`parse`, with what it raises as argparse wants it: printed beside the flag's name, exit code 2."""

    def parse_flag(text: str) -> Any:
        try:
            return parse(text)
        except ConfigError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parse_flag


def _preset_line(name: str) -> str:
    flags = [f"{SETTINGS[field].flag} {value}" for field, value in presets.PRESETS[name].items()]
    return f"  {_dashed(name)}: {' '.join(flags)}"


def _dashed(name: str) -> str:
    return name.lower().replace(" ", "-")


def _train(options: argparse.Namespace) -> int:
    given = {name: value for name, value in vars(options).items() if name in SETTINGS}
    if options.no_cuda:
        given["device"] = "cpu"
    config = TrainConfig(**{**presets.apply_preset(options.preset, asdict(TrainConfig())), **given})
    store = RunStore.open(runs_dir())
    run = store.commands.create_run(config, options.name, trainer=own_identity())
    return train_in_terminal(store, run, log_interval=options.log_interval, json=options.json)
