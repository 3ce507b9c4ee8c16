"""The command line of the engine: composes the commands and turns their errors into exit codes."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable, Sequence

from mnist_core import __version__
from mnist_core.cli.command_setup import (
    EXIT_BAD_INPUT,
    EXIT_BROKEN_PIPE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    Handler,
    Subparsers,
)
from mnist_core.cli.library_commands import add_library_commands
from mnist_core.cli.listing_commands import add_listing_commands
from mnist_core.cli.mistakes_command import add_mistakes_command
from mnist_core.cli.queue_commands import add_queue_command
from mnist_core.cli.run_commands import add_run_commands
from mnist_core.cli.search.race_command import add_race_command
from mnist_core.cli.search.range_test_command import add_range_test_command
from mnist_core.cli.search.sweep_command import add_sweep_command
from mnist_core.cli.search.sweeps_command import add_sweeps_command
from mnist_core.cli.train_command import add_train_command
from mnist_core.errors import ConfigError, MnistError
from mnist_core.system.terminal_text import discard_unread_output, replace_unprintable_characters

TEXT_FLAGS = ("--name", "--notes", "--tags", "--filter")
"""Flags whose values are free text."""

LONG_FLAG = re.compile(r"--[a-z][a-z-]*(=.*)?", re.DOTALL)

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
    replace_unprintable_characters()
    try:
        try:
            return _run_command(_parser(program, add_commands), arguments)
        finally:
            sys.stdout.flush()
    except BrokenPipeError:  # the reader, such as `head`, has closed the pipe
        discard_unread_output()
        return EXIT_BROKEN_PIPE


def _run_command(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    options = parser.parse_args(_attach_texts(sys.argv[1:] if arguments is None else arguments))
    for name, value in vars(options).items():
        setattr(options, name, _decode(value))
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


def _attach_texts(arguments: Sequence[str]) -> list[str]:
    """Join flags of free text and a text that begins with a hyphen, such as `--notes -todo`, to `--notes=-todo`.

    argparse would take the text for a flag. What looks like a long flag stays one: a value may have been forgotten.
    """
    attached: list[str] = []
    for argument in arguments:
        is_text = argument.startswith("-") and argument != "--" and not LONG_FLAG.fullmatch(argument)
        if is_text and attached and attached[-1] in TEXT_FLAGS:
            attached[-1] += f"={argument}"
        else:
            attached.append(argument)
    return attached


def _decode(value: object) -> object:
    """Decode text of the command line as UTF-8 where the terminal's encoding lacks its characters."""
    match value:
        case str():
            return value.encode(errors="surrogateescape").decode(errors="replace")
        case list():
            return [_decode(item) for item in value]
    return value


def _parser(program: str, add_commands: Callable[[Subparsers], None] | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=program, description=DESCRIPTION)
    parser.add_argument("--version", action="version", version=f"mnist-trainer {__version__}")
    subparsers = parser.add_subparsers(required=True, metavar="command")
    if add_commands:
        add_commands(subparsers)
    add_train_command(subparsers)
    add_run_commands(subparsers)
    add_queue_command(subparsers)
    add_sweep_command(subparsers)
    add_sweeps_command(subparsers)
    add_listing_commands(subparsers)
    add_mistakes_command(subparsers)
    add_range_test_command(subparsers)
    add_race_command(subparsers)
    add_library_commands(subparsers)
    return parser
