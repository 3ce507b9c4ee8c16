"""The commands that manage recorded runs: edit, delete, restore, export, import, back up."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mnist_core.cli.command_setup import Subparsers, add_command, find_run_to_act_on, open_store
from mnist_core.errors import ConfigError, DamagedRunError, ExportError
from mnist_core.exports.formats import FORMATS, file_name
from mnist_core.runs.actions import RunActions
from mnist_core.runs.retention import BIN_RETENTION
from mnist_core.store import RunStore
from mnist_core.store.run_store import DATABASE_NAME
from mnist_core.system.paths import PROGRAM, display_path, runs_dir


def add_library_commands(subparsers: Subparsers) -> None:
    """Add the commands that manage recorded runs to `subparsers`."""
    edit = add_command(subparsers, "edit", "change a run's name, notes or tags; star or archive it", _edit)
    edit.add_argument("run", help="name or number of the run")
    edit.add_argument("--name", help="new name")
    edit.add_argument("--notes", help="new notes in Markdown; they replace the old ones")
    edit.add_argument("--tags", metavar="TAG,TAG", help="new tags; they replace the old ones, and '' removes all")
    edit.add_argument("--star", action=argparse.BooleanOptionalAction, help="star the run")
    edit.add_argument("--archive", action=argparse.BooleanOptionalAction, help="hide the run without deleting it")

    delete = add_command(subparsers, "delete", "move runs to the bin; stop those that are training", _delete)
    delete.add_argument("runs", nargs="+", metavar="RUN", help="name or number of a run")
    restore = add_command(subparsers, "restore", "restore runs from the bin", _restore)
    restore.add_argument("runs", nargs="+", metavar="RUN", help="name or number of a deleted run")

    export = add_command(subparsers, "export", "export runs to a file for another program or machine", _export)
    export.add_argument("runs", nargs="*", metavar="RUN", help="name or number of a run (default: all runs)")
    export.add_argument("--format", choices=FORMATS, default="csv", metavar="FORMAT", help="see below (default: csv)")
    export.add_argument("--to", type=Path, metavar="FILE", help="file to create (default: named after runs and format)")
    export.formatter_class = argparse.RawDescriptionHelpFormatter  # keeps the line breaks of the epilog
    export.epilog = "formats:\n" + "\n".join(f"  {name}: {form.label}" for name, form in FORMATS.items())

    import_parser = add_command(subparsers, "import", "import runs from an archive exported elsewhere", _import)
    import_parser.add_argument("file", type=Path, help="file written by `export --format archive`")

    backup = add_command(subparsers, "backup", "copy the database of all runs, also while runs train", _backup)
    backup.add_argument("file", type=Path, help="file to create")


def _edit(options: argparse.Namespace) -> int:
    store = open_store()
    changes = {
        "name": options.name,
        "notes": options.notes,
        "tags": None if options.tags is None else [tag for tag in options.tags.split(",") if tag.strip()],
        "starred": options.star,
        "archived": options.archive,
    }
    if all(value is None for value in changes.values()):
        raise ConfigError("edit", "There is nothing to change: give --name, --notes, --tags, --star or --archive.")
    run = RunActions(store).edit_run(store.queries.find_run(options.run).id, **changes)
    print(f"{run.name}: changed.")
    return 0


def _delete(options: argparse.Namespace) -> int:
    store = open_store()
    runs = [find_run_to_act_on(store, text) for text in options.runs]
    RunActions(store).delete_runs([run.id for run in runs])
    for run in runs:
        stopped = " It is stopped first." if run.status.is_active else ""
        print(f"{run.name}: in the bin for {BIN_RETENTION.days} days.{stopped} Undo with: {PROGRAM} restore {run.id}")
    return 0


def _restore(options: argparse.Namespace) -> int:
    store = open_store()
    runs = [store.queries.find_run(text, deleted=True) for text in options.runs]
    for run in RunActions(store).restore_runs([run.id for run in runs]):
        print(f"{run.name}: restored.")
    return 0


def _export(options: argparse.Namespace) -> int:
    from mnist_core.exports.export_worker import export  # imports torch, which other commands do without

    store = open_store()
    runs = [store.queries.find_run(text) for text in options.runs] or store.queries.list_runs()
    if not runs:
        raise ExportError("There are no runs to export. Train one first.")
    path = options.to or Path(os.fsdecode(file_name(options.format, runs).encode()))
    if path.exists():
        raise ExportError(
            f"{display_path(path)} exists already, and an export overwrites nothing. Choose a name with --to."
        )
    while True:
        try:
            export(store.queries, runs, options.format, path)
            break
        except DamagedRunError as error:
            sound = store.queries.list_sound_runs()
            if options.runs or not sound:
                raise
            print(f"Left out: {error}", file=sys.stderr)
            runs = sound
    print(f"{len(runs)} {'run' if len(runs) == 1 else 'runs'} written to {display_path(path)}.")
    return 0


def _import(options: argparse.Namespace) -> int:
    for run in RunActions(open_store()).import_file(options.file):
        print(f"{run.name}: imported, {run.status}, {run.progress.step:,} steps.")
    return 0


def _backup(options: argparse.Namespace) -> int:
    store = RunStore.open(runs_dir())
    store.backup(options.file)
    count = len(store.queries.list_runs())
    copied = "1 run was" if count == 1 else f"{count} runs were"
    print(
        f"{copied} copied to {options.file}. To restore the copy, stop the server and replace "
        f"{display_path(runs_dir() / DATABASE_NAME)} with it. Checkpoints and saved models are not in the copy; "
        "those of runs that it lacks stay on the disk, and no other run uses them."
    )
    return 0
