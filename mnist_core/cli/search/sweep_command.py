"""The command `sweep`: search for good settings in this terminal; the dashboard shows the runs."""

from __future__ import annotations

import argparse
import signal
import sys
from functools import partial
from types import FrameType
from typing import Any

from mnist_core.cli.command_setup import EXIT_FAILED, Subparsers, add_command, flag_type, given_settings, open_store
from mnist_core.cli.network_flag import NetworkFile, parse_model
from mnist_core.cli.search.sweep_printer import SweepPrinter
from mnist_core.config import SETTINGS
from mnist_core.records import Sweep, SweepStatus
from mnist_core.store import RunStore
from mnist_core.sweeps.control import create, resume
from mnist_core.sweeps.space import Range, Values, parse_parameter
from mnist_core.sweeps.spec import OBJECTIVES, PRUNERS, SAMPLERS, SweepSpec
from mnist_core.system.paths import PROGRAM

EPILOG = """\
A setting with a range or several values is searched; one with a single value is the same in all trials:
  --lr 0.001:1:log --batch-size 32,64,128 --epochs 2 --trials 40
Ranges: LOW:HIGH, LOW:HIGH:log, and for a grid LOW:HIGH:log:5 with the number of values."""


def add_sweep_command(subparsers: Subparsers) -> None:
    """Add `sweep` to `subparsers`."""
    parser = add_command(subparsers, "sweep", "search for good settings in this terminal", _sweep)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter  # keeps the line breaks of the epilog
    parser.epilog = EPILOG
    for setting in SETTINGS.values():
        if setting.name != "skip_test":  # trials never see the test images
            parser.add_argument(
                setting.flag,
                type=flag_type(_parse_models if setting.name == "model" else partial(parse_parameter, setting.name)),
                default=argparse.SUPPRESS,
                metavar="VALUES",
                help=f"value, values or range of: {setting.sentence_label} (default: {setting.default})",
            )
    parser.add_argument("--trials", type=int, metavar="N", help="end after this many trials")
    parser.add_argument(
        "--minutes", type=float, metavar="N", help="end after this time, with the runs that confirm the winner"
    )
    parser.add_argument("--objective", default="accuracy", metavar="|".join(OBJECTIVES), help=_words(OBJECTIVES))
    parser.add_argument("--target", type=float, metavar="X", help="validation accuracy to reach, with --objective time")
    parser.add_argument("--sampler", default="tpe", metavar="|".join(SAMPLERS), help=_words(SAMPLERS))
    parser.add_argument("--pruner", default="none", metavar="|".join(PRUNERS), help=_words(PRUNERS))
    parser.add_argument(
        "--seeds", type=int, default=1, metavar="N", help="runs a trial, whose mean counts (default: 1)"
    )
    parser.add_argument("--workers", type=int, metavar="N", help="runs at the same time (default: one a core)")
    parser.add_argument("--name", default="", help="name of the sweep (default: sweep-<number>)")
    parser.add_argument("--json", action="store_true", help="print events as JSON, one object a line")


def carry_out(store: RunStore, sweep: Sweep, *, json: bool) -> int:
    """Carry out a sweep in this terminal and print its trials; returns the exit code."""
    _turn_into_exit(signal.SIGTERM, signal.SIGHUP)
    printer = SweepPrinter(store, sweep, json=json)
    events = resume(store, sweep)
    try:
        for event in events:
            printer.show(event)
    except (KeyboardInterrupt, SystemExit):
        print(f"Interrupted. Go on with: {PROGRAM} sweeps {sweep.name} --resume", file=sys.stderr)
        raise
    finally:
        events.close()
    ended = store.sweeps.get_sweep(sweep.id)
    if ended.reason:
        print(ended.reason, file=sys.stderr)
    return EXIT_FAILED if ended.status is SweepStatus.FAILED else 0


def _sweep(options: argparse.Namespace) -> int:
    store = open_store()
    given = given_settings(options, SETTINGS)
    if "model" in given:
        given["model"] = _record_models(store, given["model"])
    searched = {name: value for name, value in given.items() if isinstance(value, (Range, Values))}
    words: dict[str, Any] = {
        name: getattr(options, name)
        for name in ("trials", "minutes", "objective", "target", "sampler", "pruner", "seeds", "workers")
        if getattr(options, name) is not None
    }
    fixed = {name: value for name, value in given.items() if name not in searched}
    spec = SweepSpec(parameters=tuple(searched.values()), fixed=fixed, **words)
    if not options.json:
        print(_plan(spec), file=sys.stderr)
    return carry_out(store, create(store, spec, options.name), json=options.json)


def _parse_models(text: str) -> list[str | NetworkFile]:
    """Parse the networks that follow `--model`; several are searched. Raises `ConfigError`."""
    return [parse_model(part.strip()) for part in text.split(",")]


def _record_models(store: RunStore, models: list[str | NetworkFile]) -> str | Values:
    """Return one network, or the list that is searched. Networks of the user's own are checked and recorded."""
    names = [model if isinstance(model, str) else model.record(store) for model in models]
    return names[0] if len(names) == 1 else Values("model", tuple(names))


def _plan(spec: SweepSpec) -> str:
    """Return in one line what the sweep will do, before it starts."""
    trials = f"{spec.max_trials:,} trial{'' if spec.max_trials == 1 else 's'}" if spec.max_trials else "Trials"
    limit = f"for at most {spec.minutes:g} minute{'' if spec.minutes == 1 else 's'}" if spec.minutes else ""
    seeds = f"of {spec.seeds} seeds" if spec.seeds > 1 else ""
    return (
        " ".join(filter(None, [trials, seeds, f"by {SAMPLERS[spec.sampler]}", limit])) + f", {spec.workers} at a time."
    )


def _words(choices: dict[str, str]) -> str:
    return ", ".join(f"{name}: {label}" for name, label in choices.items())


def _turn_into_exit(*numbers: signal.Signals) -> None:
    """Let these signals end the program in order, so that the runs are interrupted and can be resumed."""

    def leave(number: int, _frame: FrameType | None) -> None:
        raise SystemExit(128 + number)

    for number in numbers:
        signal.signal(number, leave)
