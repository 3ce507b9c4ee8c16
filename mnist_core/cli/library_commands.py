"""The commands that manage recorded runs: edit, delete, restore, export, import, back up."""

from __future__ import annotations

import argparse
import os
import shlex
import sys
from contextlib import closing
from pathlib import Path

from mnist_core.backups.backup import default_path, write_backup
from mnist_core.backups.restore import restore_backup
from mnist_core.cli.command_setup import Subparsers, add_command, find_run_to_act_on, open_store
from mnist_core.errors import ConfigError, DamagedRunError, ExportError, RunNotFoundError
from mnist_core.exports.formats import FORMATS, file_name
from mnist_core.records import Run
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
    restore = add_command(
        subparsers, "restore", "restore a backup and keep what is there, or restore runs from the bin", _restore
    )
    restore.add_argument(
        "items",
        nargs="+",
        metavar="FILE|RUN",
        help="a file written by `backup`; or names or numbers of deleted runs. A single argument that names a file is "
        "that file, but a number is always a run",
    )

    export = add_command(subparsers, "export", "export runs to a file for another program or machine", _export)
    export.add_argument("runs", nargs="*", metavar="RUN", help="name or number of a run (default: all runs)")
    export.add_argument("--format", choices=FORMATS, default="csv", metavar="FORMAT", help="see below (default: csv)")
    export.add_argument("--to", type=Path, metavar="FILE", help="file to create (default: named after runs and format)")
    export.formatter_class = argparse.RawDescriptionHelpFormatter  # keeps the line breaks of the epilog
    export.epilog = "formats:\n" + "\n".join(f"  {name}: {form.label}" for name, form in FORMATS.items())

    import_parser = add_command(subparsers, "import", "import runs from an archive exported elsewhere", _import)
    import_parser.add_argument("file", type=Path, help="file written by `export --format archive`")

    backup_help = "write all runs, with checkpoints, models and owner sessions, to one file, also while runs train"
    backup = add_command(subparsers, "backup", backup_help, _backup)
    backup.add_argument("file", type=Path, nargs="?", help="file to create (default: one in the runs folder)")


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
    first = options.items[0]
    if len(options.items) == 1 and not first.isdecimal() and Path(first).is_file():
        return _restore_backup(Path(first))
    store = open_store()
    runs = [_find_deleted_run(store, text) for text in options.items]
    for run in RunActions(store).restore_runs([run.id for run in runs]):
        print(f"{run.name}: restored.")
    return 0


def _find_deleted_run(store: RunStore, text: str) -> Run:
    try:
        return store.queries.find_run(text, deleted=True)
    except RunNotFoundError as error:
        raise RunNotFoundError(f"{error} There is no file of that name either.") from error


def _restore_backup(path: Path) -> int:
    restored = restore_backup(path, runs_dir())
    print(f"{restored.report.text} restored from {display_path(path)}.")
    if networks := restored.report.own_networks:
        print(
            f"It holds code of users' own networks ({', '.join(networks)}), which this program runs when their runs "
            "are trained, exported or asked. Keep it only if you made this backup."
        )
    if restored.kept:
        kept = restored.kept / DATABASE_NAME
        print(
            f"What they replace is kept in {display_path(restored.kept)}. "
            f"Return to it with: {PROGRAM} restore {shlex.quote(display_path(kept))}"
        )
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
        print(f"{run.name}: imported, {run.status.word}, {run.progress.step:,} steps.")
    return 0


def _backup(options: argparse.Namespace) -> int:
    path = options.file or default_path(runs_dir())
    with closing(RunStore.open(runs_dir())) as store:
        report = write_backup(store, runs_dir(), path)
    print(f"{report.text} written to {display_path(path)} ({report.size / 1e6:.1f} MB).")
    if report.missing:
        print(f"Left out: {report.missing} checkpoints or models that are gone from the disk, or have changed.")
    print("It also holds the sessions of owners: keep it private.")
    print(f"Restore it with: {PROGRAM} restore {shlex.quote(display_path(path))}")
    return 0
