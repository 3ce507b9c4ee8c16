"""The commands that only read runs: `runs` lists them, `compare` tells which is better."""

from __future__ import annotations

import argparse

from mnist_core.analysis import filters
from mnist_core.analysis.compare import compare_runs
from mnist_core.cli.command_setup import Subparsers, add_command, open_store
from mnist_core.cli.run_listing import format_runs_json, format_runs_table
from mnist_core.errors import RunNotFoundError
from mnist_core.records import Run
from mnist_core.store import RunStore


def add_listing_commands(subparsers: Subparsers) -> None:
    """Add `runs` and `compare` to `subparsers`."""
    runs = add_command(subparsers, "runs", "list runs", _list)
    filter_help = "list only matching runs: status=completed, 'lr>=0.01', name~search; several must all match"
    runs.add_argument("--filter", action="append", default=[], metavar="EXPR", help=filter_help)
    sort_help = "sort by a column of `export --format csv`, such as test_accuracy"
    runs.add_argument("--sort", metavar="COLUMN", help=sort_help)
    runs.add_argument("--descending", action="store_true", help="sort from largest to smallest")
    runs.add_argument("--deleted", action="store_true", help="list the runs in the bin")
    runs.add_argument("--json", action="store_true", help="print a JSON array")

    compare = add_command(
        subparsers, "compare", "tell whether run A or run B is better, judged on the same test images", _compare
    )
    for side in ("a", "b"):
        side_help = "name or number of a run, or of several that differ only in seed: run-1,run-2"
        compare.add_argument(side, metavar=side.upper(), help=side_help)


def _list(options: argparse.Namespace) -> int:
    store = open_store()
    runs = store.queries.list_deleted_runs() if options.deleted else store.queries.list_runs()
    matching = filters.filter_runs(runs, options.filter)
    if options.sort:
        matching = filters.sort_runs(matching, options.sort, descending=options.descending)
    if options.json:
        print(format_runs_json(matching))
    elif not matching and (runs or options.deleted):
        print("No run matches." if runs else "The bin is empty.")
    else:
        print(format_runs_table(matching))
    return 0


def _compare(options: argparse.Namespace) -> int:
    store = open_store()
    a_ids, b_ids = ([run.id for run in _find_side(store, text)] for text in (options.a, options.b))
    verdict = compare_runs(store.queries, a_ids, b_ids)
    print(f"{verdict.sentence}\n")
    width = max(len(detail.label) for detail in verdict.details)
    for detail in verdict.details:
        print(f"  {detail.label.ljust(width)}  {detail.value}")
    for warning in verdict.warnings:
        print(f"\nWarning: {warning}")
    return 0


def _find_side(store: RunStore, text: str) -> list[Run]:
    """Find the run called `text`, whose name may contain commas, else the runs of a comma-separated list."""
    try:
        return [store.queries.find_run(text)]
    except RunNotFoundError:
        if "," not in text:
            raise
        return [store.queries.find_run(part.strip()) for part in text.split(",")]
