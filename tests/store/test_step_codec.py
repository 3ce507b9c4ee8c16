"""Packing steps for the database."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import pytest

from mnist_core.records import StepMetrics
from mnist_core.store.codecs import step_codec

Step = Callable[..., StepMetrics]


def test_steps_come_back_exactly(a_step: Step) -> None:
    steps = [dataclasses.replace(a_step(number, 1 / number, epoch=number), lr=0.1 / number) for number in range(1, 6)]
    table = step_codec.unpack([(3, step_codec.pack(steps[:3])), (2, step_codec.pack(steps[3:]))])
    assert len(table) == 5
    for name in step_codec.STEP_COLUMNS.names or ():
        assert table[name].tolist() == [getattr(step, name) for step in steps], name


@pytest.mark.parametrize("loss", [math.inf, -math.inf, 1e300, 5e-324])
def test_extreme_losses_come_back_exactly(a_step: Step, loss: float) -> None:
    assert step_codec.unpack([(1, step_codec.pack([a_step(1, loss)]))])["loss"].tolist() == [loss]


def test_nan_comes_back_as_nan(a_step: Step) -> None:
    losses = step_codec.unpack([(2, step_codec.pack([a_step(1, 0.5), a_step(2, math.nan)]))])["loss"]
    assert losses[0] == 0.5
    assert math.isnan(losses[1])


def test_nothing_comes_back_as_an_empty_table() -> None:
    assert len(step_codec.unpack([])) == 0
    assert step_codec.unpack([(0, step_codec.pack([]))]).dtype == step_codec.STEP_COLUMNS


def test_a_packed_step_takes_less_than_60_bytes(a_step: Step) -> None:
    """17 steps are what one commit holds at 85 batches a second; losses and times are noise that does not compress."""
    random = np.random.RandomState(1)
    steps = [
        dataclasses.replace(
            a_step(number, float(np.float32(random.lognormal(-1, 0.7)))),
            accuracy=random.randint(40, 65) / 64,
            examples_per_second=5500 * random.lognormal(0, 0.1),
            elapsed_seconds=number * 0.0117 + random.random() / 1000,
        )
        for number in range(1000, 1017)
    ]
    assert len(step_codec.pack(steps)) / 17 < 60


def test_a_confusion_matrix_comes_back_as_plain_numbers() -> None:
    confusion = tuple(tuple(row * 10 + column for column in range(10)) for row in range(10))
    unpacked = step_codec.unpack_confusion(step_codec.pack_confusion(confusion))
    assert unpacked == confusion
    assert type(unpacked[3][4]) is int
