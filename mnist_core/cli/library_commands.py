"""The commands that look at runs and keep them in order: list, compare, edit, delete, export, back up and so on."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mnist_core.analysis import filters
from mnist_core.analysis.compare import compare_runs
from mnist_core.cli import event_printers
from mnist_core.errors import ConfigError, ExportError, RunNotFoundError
from mnist_core.exports.formats import FORMATS, file_name
from mnist_core.records import Run
from mnist_core.runs.actions import RunActions
from mnist_core.runs.retention import BIN_RETENTION
from mnist_core.scheduler.supervisor import interrupt_lost_runs
from mnist_core.store import RunStore
from mnist_core.store.run_store import DATABASE_NAME
from mnist_core.system.paths import PROGRAM, display_path, runs_dir

Act = Callable[[argparse.Namespace], int]


def add_library_commands(commands: Any) -> None:
    """Add them to `commands`, the subparsers."""

    def command(name: str, text: str, act: Act) -> argparse.ArgumentParser:
        parser: argparse.ArgumentParser = commands.add_parser(name, help=text, description=text)
        parser.set_defaults(command=act)
        return parser

    runs = command("runs", "list runs", _runs)
    example = "such as status=completed, 'lr>=0.01' or name~search; several must all hold"
    runs.add_argument("--filter", action="append", default=[], metavar="EXPR", help=example)
    runs.add_argument("--sort", metavar="COLUMN", help="a column of `export --format csv`, such as test_accuracy")
    runs.add_argument("--descending", action="store_true", help="largest first")
    runs.add_argument("--deleted", action="store_true", help="those in the bin")
    runs.add_argument("--json", action="store_true", help="print a JSON array")

    compare = command("compare", "say whether A is really better than B, on the same test images", _compare)
    for side in ("a", "b"):
        compare.add_argument(side, metavar=side.upper(), help="a run, or several that differ only in seed: run-1,run-2")

    edit = command("edit", "change what is written about a run", _edit)
    edit.add_argument("run", help="its name or number")
    edit.add_argument("--name", help="another name")
    edit.add_argument("--notes", help="Markdown, in place of the notes there are")
    edit.add_argument("--tags", metavar="TAG,TAG", help="in place of the tags there are; empty for none")
    edit.add_argument("--star", action=argparse.BooleanOptionalAction, help="star it")
    edit.add_argument("--archive", action=argparse.BooleanOptionalAction, help="put it away without deleting it")

    delete = command("delete", "put runs into the bin, and stop those that are training", _delete)
    restore = command("restore", "take runs out of the bin", _restore)
    export = command("export", "write runs into a file for another program or machine", _export)
    for parser, number in ((delete, "+"), (restore, "+"), (export, "*")):
        parser.add_argument("runs", nargs=number, metavar="RUN", help="its name or number")
    export.epilog = "formats: " + "; ".join(f"{name}: {form.label}" for name, form in FORMATS.items())
    export.add_argument("--format", choices=FORMATS, default="csv", metavar="FORMAT", help="see below (default: csv)")
    export.add_argument("--to", type=Path, metavar="FILE", help="a name that is still free; without it, one is found")

    bring = command("import", "add the runs of an archive that was exported on another machine", _import)
    bring.add_argument("file", type=Path)

    backup = command("backup", "copy all that is recorded of all runs into a file, also while runs train", _backup)
    backup.add_argument("file", type=Path, help="a name that is still free")


def _open() -> RunStore:
    store = RunStore.open(runs_dir())
    interrupt_lost_runs(store)
    return store


def _runs(options: argparse.Namespace) -> int:
    store = _open()
    listed = store.queries.list_deleted_runs() if options.deleted else store.queries.list_runs()
    chosen = filters.filter_runs(listed, options.filter)
    if options.sort:
        chosen = filters.sort_runs(chosen, options.sort, descending=options.descending)
    if options.json:
        print(event_printers.format_runs_json(chosen))
    elif not chosen and (listed or options.deleted):
        print("No run is like that." if listed else "The bin is empty.")
    else:
        print(event_printers.format_runs_table(chosen))
    return 0


def _compare(options: argparse.Namespace) -> int:
    store = _open()
    found = compare_runs(store.queries, *([run.id for run in _side(store, text)] for text in (options.a, options.b)))
    print(f"{found.sentence}\n")
    width = max(len(detail.label) for detail in found.details)
    for detail in found.details:
        print(f"  {detail.label.ljust(width)}  {detail.value}")
    for warning in found.warnings:
        print(f"\nBeware: {warning}")
    return 0


def _side(store: RunStore, text: str) -> list[Run]:
    """One run, whose name may have commas, or several with commas between."""
    try:
        return [store.queries.find_run(text)]
    except RunNotFoundError:
        if "," not in text:
            raise
        return [store.queries.find_run(word.strip()) for word in text.split(",")]


def _edit(options: argparse.Namespace) -> int:
    store = _open()
    given = {
        "name": options.name,
        "notes": options.notes,
        "tags": None if options.tags is None else [tag for tag in options.tags.split(",") if tag.strip()],
        "starred": options.star,
        "archived": options.archive,
    }
    if all(value is None for value in given.values()):
        raise ConfigError("edit", "There is nothing to change: give --name, --notes, --tags, --star or --archive.")
    run = RunActions(store).edit_run(store.queries.find_run(options.run).id, **given)
    print(f"{run.name}: changed.")
    return 0


def _delete(options: argparse.Namespace) -> int:
    store = _open()
    runs = [store.queries.find_run(text) for text in options.runs]
    RunActions(store).delete_runs([run.id for run in runs])
    for run in runs:
        stopped = " It is stopped first." if run.status.is_active else ""
        print(f"{run.name}: in the bin for {BIN_RETENTION.days} days.{stopped} Undo with: {PROGRAM} restore {run.id}")
    return 0


def _restore(options: argparse.Namespace) -> int:
    store = _open()
    runs = [store.queries.find_run(text, deleted=True) for text in options.runs]
    for run in RunActions(store).restore_runs([run.id for run in runs]):
        print(f"{run.name}: restored.")
    return 0


def _export(options: argparse.Namespace) -> int:
    from mnist_core.exports.export_worker import export  # imports torch, which other commands do not need

    store = _open()
    runs = [store.queries.find_run(text) for text in options.runs] or store.queries.list_runs()
    if not runs:
        raise ExportError("There are no runs to export. Train one first.")
    path = options.to or Path(file_name(options.format, runs))
    if path.exists():
        raise ExportError(
            f"{display_path(path)} exists already, and an export overwrites nothing. Choose a name with --to."
        )
    export(store.queries, runs, options.format, path)
    print(f"{len(runs)} {'run' if len(runs) == 1 else 'runs'} written to {display_path(path)}.")
    return 0


def _import(options: argparse.Namespace) -> int:
    for run in RunActions(_open()).import_file(options.file):
        print(f"{run.name}: imported, {run.status}, {run.progress.step:,} steps.")
    return 0


def _backup(options: argparse.Namespace) -> int:
    store = RunStore.open(runs_dir())
    store.backup(options.file)
    count = len(store.queries.list_runs())
    copied, them = ("1 run was", "it") if count == 1 else (f"{count} runs were", "them")
    print(
        f"{copied} copied to {options.file}. To go back to {them}, end the server and put the file in the place of "
        f"{display_path(runs_dir() / DATABASE_NAME)}. Checkpoints and saved models are files of their own beside that."
    )
    return 0
