"""The command line: `python -m mnist_core train` and `python -m mnist_core runs`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any

from mnist_core import terminal
from mnist_core.config import LOG_INTERVAL, SETTINGS, Setting, TrainConfig
from mnist_core.errors import ConfigError, MnistError
from mnist_core.places import runs_dir
from mnist_core.processes import own_identity
from mnist_core.records import RunStatus
from mnist_core.store import RunStore
from mnist_core.supervisor import recover

EXIT_FAILED = 1
EXIT_BAD_INPUT = 2
EXIT_INTERRUPTED = 130
"""What shells report for a program ended by Ctrl-C."""


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except MnistError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except BrokenPipeError:  # the reader, such as `head`, has seen enough; nothing more can be flushed to it at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m mnist_core", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="command")

    train = commands.add_parser(
        "train",
        help="train a network here and now; the run shows up live in the dashboard",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    for setting in [*SETTINGS.values(), LOG_INTERVAL]:
        _add_flag(train, setting)
    train.add_argument("--no-cuda", action="store_true", help="train on the CPU, as --device cpu")
    train.add_argument("--name", default="", help="name of the run; without one it is run-<number>")
    train.add_argument("--json", action="store_true", help="print one JSON object per event instead of lines")
    train.set_defaults(command=_train)

    runs = commands.add_parser("runs", help="list all runs")
    runs.add_argument("--json", action="store_true", help="print a JSON array")
    runs.set_defaults(command=_runs)
    return parser


def _add_flag(parser: argparse.ArgumentParser, setting: Setting) -> None:
    if setting.kind is bool:
        parser.add_argument(setting.flag, action="store_true", help=setting.help)
        return
    shown_range = "" if setting.choices else f" ({setting.bounds.replace(' and ', ' to ')})"

    def parse(text: str) -> Any:
        try:
            return setting.parse(text)
        except ConfigError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    parser.add_argument(
        setting.flag,
        type=parse,
        default=setting.default,
        metavar="|".join(setting.choices) or "N",
        help=(setting.help + shown_range).replace("%", "%%"),
    )


def _train(options: argparse.Namespace) -> int:
    from mnist_core.worker import train_run  # imports torch, which listing runs does not need

    values = {name: getattr(options, name) for name in SETTINGS}
    if options.no_cuda:
        values["device"] = "cpu"
    config = TrainConfig(**values)
    store = RunStore.open(runs_dir())
    run = store.create_run(config, options.name, trainer=own_identity())
    print(f"{run.name}: watch it in the dashboard, or here.", file=sys.stderr)
    printer = terminal.JsonPrinter() if options.json else terminal.ClassicPrinter(store, run, options.log_interval)
    with printer:
        run = train_run(store, run, printer.show)
    if run.reason:
        print(run.reason, file=sys.stderr)
    if run.model_file:
        print(f"Model saved to {run.model_file}.", file=sys.stderr)
    if run.status is RunStatus.INTERRUPTED:
        return EXIT_INTERRUPTED
    return 0 if run.status in (RunStatus.COMPLETED, RunStatus.STOPPED) else EXIT_FAILED


def _runs(options: argparse.Namespace) -> int:
    store = RunStore.open(runs_dir())
    recover(store)
    runs = store.list_runs()
    print(terminal.runs_as_json(runs) if options.json else terminal.runs_as_table(runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
