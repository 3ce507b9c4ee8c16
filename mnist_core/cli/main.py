"""The command line of the engine: composes the commands and turns their errors into exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from mnist_core import __version__
from mnist_core.cli.command_setup import EXIT_BAD_INPUT, EXIT_FAILED, EXIT_INTERRUPTED, Handler, Subparsers
from mnist_core.cli.library_commands import add_library_commands
from mnist_core.cli.listing_commands import add_listing_commands
from mnist_core.cli.run_commands import add_run_commands
from mnist_core.cli.train_command import add_train_command
from mnist_core.errors import ConfigError, MnistError

DESCRIPTION = "Train MNIST classifiers in the terminal, and steer, compare and manage all runs."


def main(
    arguments: Sequence[str] | None = None,
    *,
    program: str = "python -m mnist_core",
    add_commands: Callable[[Subparsers], None] | None = None,
) -> int:
    """Run one command and return its exit code.

    `program` is how the user starts the command line, for help texts; `add_commands` adds commands of the caller.
    """
    options = _parser(program, add_commands).parse_args(arguments)
    handler: Handler = options.handler
    try:
        return handler(options)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_BAD_INPUT
    except MnistError as error:
        print(error, file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader, such as `head`, closed the pipe: at exit, Python must not flush to it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser(program: str, add_commands: Callable[[Subparsers], None] | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"mnist-trainer {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="command")
    if add_commands:
        add_commands(subparsers)
    add_train_command(subparsers)
    add_run_commands(subparsers)
    add_listing_commands(subparsers)
    add_library_commands(subparsers)
    return parser
