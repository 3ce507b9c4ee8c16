"""The commands that only read runs: `runs` lists them, `compare` tells which is better."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from mnist_core.analysis import filters
from mnist_core.analysis.comparison.compare import compare_runs
from mnist_core.analysis.comparison.multiple_comparisons import compare_several, pair_row
from mnist_core.cli.command_setup import Subparsers, add_command, open_store
from mnist_core.cli.run_listing import format_runs_json, format_runs_table
from mnist_core.errors import RunNotFoundError
from mnist_core.records import Run
from mnist_core.store import RunStore
from mnist_core.system.terminal_text import display_width, pad


def add_listing_commands(subparsers: Subparsers) -> None:
    """Add `runs` and `compare` to `subparsers`."""
    runs = add_command(subparsers, "runs", "list runs", _list)
    filter_help = (
        "list only matching runs: status=finished, 'lr>=0.01', 'duration<60', name~search; several must all match"
    )
    runs.add_argument("--filter", action="append", default=[], metavar="EXPR", help=filter_help)
    sort_help = "sort by a column of `export`, by its name in CSV or Parquet, such as test_accuracy"
    runs.add_argument("--sort", metavar="COLUMN", help=sort_help)
    runs.add_argument("--descending", action="store_true", help="sort from largest to smallest")
    runs.add_argument("--deleted", action="store_true", help="list the runs in the bin")
    runs.add_argument("--json", action="store_true", help="print a JSON array")

    compare = add_command(
        subparsers, "compare", "tell which of two or more runs is better, judged on the same test images", _compare
    )
    side_help = "name or number of a run, or of several that differ only in seed: run-1,run-2"
    compare.add_argument("a", metavar="A", help=side_help)
    compare.add_argument("others", metavar="B", nargs="+", help="the same; of more than two, each pair is compared")


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
    sides = [[run.id for run in _find_side(store, text)] for text in (options.a, *options.others)]
    if len(sides) > 2:
        several = compare_several(store.queries, sides)
        rows = [pair_row(pair) for pair in several.pairs]
        _print_verdict(several.sentence, [list(rows[0]), *(list(row.values()) for row in rows)], several.warnings)
    else:
        verdict = compare_runs(store.queries, *sides)
        _print_verdict(
            verdict.sentence,
            [[detail.label, detail.value, detail.help] for detail in verdict.details],
            verdict.warnings,
        )
    return 0


def _print_verdict(sentence: str, rows: Sequence[Sequence[str]], warnings: Sequence[str]) -> None:
    print(f"{sentence}\n")
    widths = [max(map(display_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print(f"  {'  '.join(pad(cell, width) for cell, width in zip(row, widths, strict=True))}".rstrip())
    for warning in warnings:
        print(f"\nNote: {warning}")


def _find_side(store: RunStore, text: str) -> list[Run]:
    """Find the run called `text`, whose name may contain commas, else the runs of a comma-separated list."""
    try:
        return [store.queries.find_run(text)]
    except RunNotFoundError:
        if "," not in text:
            raise
        return [store.queries.find_run(part.strip()) for part in text.split(",")]
