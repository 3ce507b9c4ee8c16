"""A run as plain JSON values and back. On the way back nothing is believed: kind, range and length are checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np

from mnist_core.annotations import MAX_NOTES_LENGTH, MAX_TAGS, validate_name, validate_notes, validate_tags
from mnist_core.config import SETTINGS, TrainConfig
from mnist_core.records import (
    ADJUSTABLE,
    CURVE_POINTS,
    EvalMetrics,
    Intervention,
    Progress,
    Provenance,
    Results,
    Run,
    RunStatus,
)

MAX_TEXT = 2000
MAX_COUNT = 10**9
MAX_INTERVENTIONS = 10_000
MAX_EVALUATIONS = 10_000
SPLITS = ("validation", "test")
TEXTS = ("reason", "notice", "dataset", "device")
COUNTS = ("train_images", "validation_images", "test_images", "total_steps", "threads")
TIMES = ("created_at", "started_at", "finished_at")


def run_fields(run: Run) -> dict[str, Any]:
    """All of a run that means something on another machine, as JSON values; None for a number that is none.

    Its results are not among them: they follow from its evaluations.
    """
    progress = asdict(run.progress)
    return {
        **{
            name: getattr(run, name)
            for name in ("name", "notes", "starred", "archived", "tags", "curve", *TEXTS, *COUNTS)
        },
        "status": str(RunStatus.STOPPED if run.status is RunStatus.INTERRUPTED else run.status),
        "attempt": max(run.attempt, 1),
        "parent_step": run.parent_step,
        **{name: moment and moment.timestamp() for name in TIMES for moment in [getattr(run, name)]},
        "config": asdict(run.config),
        "interventions": [_intervention_fields(one) for one in run.interventions],
        "provenance": asdict(run.provenance) if run.provenance else None,
        "progress": {name: _finite(value) for name, value in progress.items()},
    }


def evaluation_fields(evaluations: Sequence[EvalMetrics]) -> list[dict[str, Any]]:
    """With the number of their predictions in place of those."""
    names = ("step", "epoch", "split", "accuracy", "confusion", "elapsed_seconds")
    return [
        {**{name: getattr(one, name) for name in names}, "loss": _finite(one.loss), "images": len(one.predictions)}
        for one in evaluations
    ]


def run_from_fields(given: object) -> Run:
    """The run that `run_fields` made these of, without results.

    Raises `ValueError`, `TypeError`, `KeyError` or `ConfigError`.
    """
    read = _Reader(given, "run")
    status = RunStatus(read.text("status"))
    if not status.is_finished:
        raise ValueError(f"status {status}")
    return Run(
        id=0,
        name=validate_name(read.text("name")),
        status=status,
        config=_config(read.value("config")),
        attempt=read.count("attempt"),
        created_at=read.time("created_at") or datetime.now(UTC),
        started_at=read.time("started_at"),
        finished_at=read.time("finished_at"),
        **{name: read.text(name) for name in TEXTS},  # type: ignore[arg-type]
        **{name: read.count(name) for name in COUNTS},  # type: ignore[arg-type]
        interventions=tuple(_intervention(one) for one in read.items("interventions", MAX_INTERVENTIONS)),
        plan=(),
        parent_id=None,
        parent_step=None if read.value("parent_step") is None else read.count("parent_step"),
        trainer=None,
        model_file="",
        progress=_progress(read.value("progress")),
        results=Results(),
        notes=validate_notes(read.text("notes", MAX_NOTES_LENGTH)),
        tags=validate_tags(_text(tag) for tag in read.items("tags", MAX_TAGS)),
        starred=read.flag("starred"),
        archived=read.flag("archived"),
        deleted_at=None,
        provenance=_provenance(read.value("provenance")),
        curve=tuple(_number(point) for point in read.items("curve", CURVE_POINTS)),
    )


def evaluation_from_fields(given: object, predictions: np.ndarray) -> tuple[EvalMetrics, ...]:
    """The evaluations that `evaluation_fields` made these of, with their predictions, all of them in a row."""
    if not isinstance(given, list) or len(given) > MAX_EVALUATIONS:
        raise TypeError("evaluations are no list, or too many")
    found, start = [], 0
    for one in given:
        read = _Reader(one, "evaluation")
        images = read.count("images")
        said = predictions[start : start + images]
        start += images
        if len(said) != images or (images and said.max() > 9):
            raise ValueError("predictions are missing, or are no digits")
        if read.text("split") not in SPLITS:
            raise ValueError(f"split {read.text('split')!r}")
        found.append(
            EvalMetrics(
                step=read.count("step"),
                epoch=read.count("epoch"),
                split=read.text("split"),
                loss=math.nan if read.value("loss") is None else read.number("loss"),
                accuracy=read.share("accuracy"),
                confusion=_confusion(read.value("confusion")),
                predictions=said,
                elapsed_seconds=read.number("elapsed_seconds"),
            )
        )
    if start != len(predictions):
        raise ValueError("there are predictions of no evaluation")
    return tuple(found)


class _Reader:
    """An object of somebody else's JSON, field by field."""

    def __init__(self, given: object, what: str) -> None:
        if not isinstance(given, dict):
            raise TypeError(f"{what} is no object")
        self._given, self._what = given, what

    def value(self, name: str) -> object:
        if name not in self._given:
            raise ValueError(f"{self._what} lacks {name}")
        return self._given[name]

    def text(self, name: str, longest: int = MAX_TEXT) -> str:
        return _text(self.value(name), longest)

    def number(self, name: str) -> float:
        return _number(self.value(name))

    def share(self, name: str) -> float:
        if not 0 <= self.number(name) <= 1:
            raise ValueError(f"{name} {self.number(name)}")
        return self.number(name)

    def maybe(self, name: str) -> float | None:
        return None if self.value(name) is None else self.number(name)

    def count(self, name: str) -> int:
        value = self.value(name)
        if type(value) is not int or not 0 <= value <= MAX_COUNT:
            raise ValueError(f"{name} {value!r}")
        return value

    def flag(self, name: str) -> bool:
        value = self.value(name)
        if not isinstance(value, bool):
            raise TypeError(f"{name} {value!r}")
        return value

    def items(self, name: str, most: int) -> list[object]:
        value = self.value(name)
        if not isinstance(value, list) or len(value) > most:
            raise TypeError(f"{name} is no list, or longer than {most}")
        return value

    def time(self, name: str) -> datetime | None:
        seconds = self.maybe(name)
        return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _text(value: object, longest: int = MAX_TEXT) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise TypeError(f"{str(value)[:50]!r} is no text, or longer than {longest} characters")
    return validate_notes(value) if value else ""


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{str(value)[:50]} is no number")
    return float(value)


def _config(given: object) -> TrainConfig:
    known = {field.name for field in fields(TrainConfig)}
    if not isinstance(given, dict) or not given.keys() <= known:
        raise ValueError("settings that this program does not know")
    return TrainConfig(**{name: SETTINGS[name].validate(value) for name, value in given.items()})


def _progress(given: object) -> Progress:
    read = _Reader(given, "progress")
    confusion = read.value("live_confusion")
    return Progress(
        step=read.count("step"),
        epoch=read.count("epoch"),
        loss=read.maybe("loss"),
        accuracy=None if read.value("accuracy") is None else read.share("accuracy"),
        examples_per_second=read.maybe("examples_per_second"),
        elapsed_seconds=read.number("elapsed_seconds"),
        live_confusion=None if confusion is None else _confusion(confusion),
    )


def _confusion(given: object) -> tuple[tuple[int, ...], ...]:
    counts = np.array(given)
    if counts.shape != (10, 10) or counts.dtype.kind != "i" or counts.min() < 0 or counts.max() > MAX_COUNT:
        raise ValueError("a confusion matrix is not 10 rows of 10 counts")
    return tuple(map(tuple, counts.tolist()))


def _intervention_fields(one: Intervention) -> dict[str, Any]:
    return {**asdict(one), "at": one.at.timestamp()}


def _intervention(given: object) -> Intervention:
    read = _Reader(given, "intervention")
    if read.text("field") not in ADJUSTABLE:
        raise ValueError(f"a change of {read.text('field')!r}")
    moment = datetime.fromtimestamp(read.number("at"), UTC)
    return Intervention(
        read.count("step"), read.text("field"), read.number("old"), read.number("new"), moment, read.text("by")
    )


def _provenance(given: object) -> Provenance | None:
    if given is None:
        return None
    read = _Reader(given, "provenance")
    packages = read.value("packages")
    if not isinstance(packages, dict) or len(packages) > 100:
        raise TypeError("packages")
    texts = [field.name for field in fields(Provenance) if field.type == "str"]
    return Provenance(
        **{name: read.text(name) for name in texts},
        is_dirty=read.flag("is_dirty"),
        packages={_text(name): _text(version) for name, version in packages.items()},
        threads=read.count("threads"),
        seed=read.count("seed"),
    )
