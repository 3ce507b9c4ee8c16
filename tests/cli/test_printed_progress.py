"""The position in the epoch that training prints, when the batch size changes and when a run starts in mid-epoch."""

import re

import pytest

from mnist_core.cli.event_printers import ClassicPrinter
from mnist_core.cli.main import main
from mnist_core.config import LOG_INTERVAL, TrainConfig
from mnist_core.records import Event, StepMetrics
from mnist_core.store import RunStore
from mnist_core.system.processes import own_identity
from mnist_core.trainer import steering
from mnist_core.trainer.worker import train_run
from tests.support.terminal import CapturedOutput

pytestmark = pytest.mark.usefixtures("signals_restored", "small_mnist")

CONFIG = TrainConfig(
    dataset="mnist", model="softmax", batch_size=4, epochs=2, validation_fraction=0, device="cpu", momentum=0
)
"""300 images in 75 batches per epoch, of which every tenth is printed."""

BEFORE = ["1 [0/300 (0%)]", "1 [40/300 (13%)]", "1 [80/300 (27%)]"]
AFTER = ["1 [120/300 (39%)]", "1 [200/300 (66%)]", "1 [280/300 (92%)]"]
NEXT_EPOCH = ["2 [0/300 (0%)]", "2 [80/300 (26%)]", "2 [160/300 (53%)]", "2 [240/300 (79%)]"]
"""What is printed when the batch size becomes 8 after 30 batches of 4."""


@pytest.fixture(autouse=True)
def read_commands_after_every_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steering, "COMMAND_POLL_SECONDS", 0.0)


def train_steered(store: RunStore, capsys: CapturedOutput, *, interrupt_at: int | None = None) -> list[str]:
    """Train a run whose batch size changes, until it ends or is interrupted; returns the positions printed."""
    run = store.commands.create_run(CONFIG, "steered", trainer=own_identity())
    printer = ClassicPrinter(store.queries, run, LOG_INTERVAL.default)

    def steer(event: Event) -> None:
        printer.show(event)
        if isinstance(event, StepMetrics) and event.step == 30:
            assert main(["adjust", "steered", "--batch-size", "8"]) == 0
        if isinstance(event, StepMetrics) and event.step == interrupt_at:
            raise BrokenPipeError

    with printer:
        train_run(store, run, steer)
    return positions(capsys)


def positions(capsys: CapturedOutput) -> list[str]:
    return re.findall(r"^Train Epoch: (\d \[\d+/300 \(\d+%\)\])\t", capsys.readouterr().out, re.MULTILINE)


def test_a_changed_batch_size_goes_on_from_the_images_seen(store: RunStore, capsys: CapturedOutput) -> None:
    assert train_steered(store, capsys) == [*BEFORE, *AFTER, *NEXT_EPOCH]
    assert main(["rerun", "steered"]) == 0
    assert positions(capsys) == [*BEFORE, *AFTER, *NEXT_EPOCH]


def test_a_resumed_run_goes_on_where_it_was_interrupted(store: RunStore, capsys: CapturedOutput) -> None:
    assert train_steered(store, capsys, interrupt_at=35) == [*BEFORE, AFTER[0]]
    assert main(["resume", "steered"]) == 0
    assert positions(capsys) == [*AFTER[1:], *NEXT_EPOCH]


def test_a_continued_run_with_another_batch_size_goes_on_in_mid_epoch(store: RunStore, capsys: CapturedOutput) -> None:
    train_steered(store, capsys, interrupt_at=35)
    assert main(["continue", "steered", "--batch-size", "4"]) == 0
    assert positions(capsys)[:5] == [
        *("1 [180/300 (60%)]", "1 [220/300 (73%)]", "1 [260/300 (87%)]"),
        *("2 [0/300 (0%)]", "2 [40/300 (13%)]"),
    ]
