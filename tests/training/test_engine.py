"""`train()`: what it yields, and when. For steering and resuming see test_engine_control.py."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.data.splits import split_training, split_validation
from mnist_core.errors import ConfigError
from mnist_core.records import (
    MAX_CODING_ERROR,
    EvalMetrics,
    Event,
    StepMetrics,
    check_levels,
    decode_probabilities,
    encode_probabilities,
)
from mnist_core.training.batches import Images
from mnist_core.training.devices import choose_device
from mnist_core.training.engine import evaluate, train
from mnist_core.training.train_state import TrainState

CONFIG = TrainConfig(batch_size=32, epochs=2, validation_fraction=0.1, last_batch="keep", device="cpu")
FIT, STEPS_AN_EPOCH, LAST_BATCH = 270, 9, 14


def steps_of(events: list[Event]) -> list[StepMetrics]:
    return [event for event in events if isinstance(event, StepMetrics)]


def evaluations_of(events: list[Event]) -> list[EvalMetrics]:
    return [event for event in events if isinstance(event, EvalMetrics)]


@pytest.fixture(scope="module")
def events(digits: Dataset) -> list[Event]:
    """The events of a whole run, which tests only read."""
    return list(train(CONFIG, digits))


def test_every_evaluation_has_the_probabilities_of_each_image(events: list[Event]) -> None:
    for evaluation in evaluations_of(events):
        assert evaluation.probabilities is not None
        check_levels(evaluation.probabilities, evaluation.predictions)


def test_five_lines_train_a_network(small_mnist: Dataset, capsys: pytest.CaptureFixture[str]) -> None:
    from mnist_core import TrainConfig, load_dataset, train

    for event in train(TrainConfig(epochs=1), load_dataset()):
        print(event.step, event.loss, event.accuracy)
    assert len(capsys.readouterr().out.splitlines()) == 4 + 2 + 1


def test_steps_and_epochs_count_from_one(events: list[Event]) -> None:
    steps = steps_of(events)
    assert [step.step for step in steps] == list(range(1, 2 * STEPS_AN_EPOCH + 1))
    assert [step.epoch for step in steps] == [1] * STEPS_AN_EPOCH + [2] * STEPS_AN_EPOCH
    assert len(steps) == CONFIG.total_steps(FIT)


def test_the_last_batch_of_an_epoch_holds_what_is_left(events: list[Event]) -> None:
    sizes = [sum(map(sum, step.confusion)) for step in steps_of(events)]
    assert sizes == ([32] * (STEPS_AN_EPOCH - 1) + [LAST_BATCH]) * 2


@pytest.mark.parametrize(("last_batch", "sizes"), [("merge", [*[32] * 7, 46]), ("drop", [32] * 8)])
def test_the_rest_of_an_epoch_can_be_merged_or_dropped(digits: Dataset, last_batch: str, sizes: list[int]) -> None:
    config = replace(CONFIG, model="softmax", last_batch=last_batch, schedule="one-cycle")
    events = list(train(config, digits))
    steps = steps_of(events)
    assert [sum(map(sum, step.confusion)) for step in steps] == sizes * 2
    assert len(steps) == config.total_steps(FIT)
    moments = [(event.step, event.epoch, event.split) for event in evaluations_of(events)]
    middles, ends = [(5, 1, "validation"), (13, 2, "validation")], [(8, 1, "validation"), (16, 2, "validation")]
    assert moments == [middles[0], ends[0], middles[1], ends[1], (16, 2, "test")]
    assert steps[-1].lr < 0.001 * config.lr < steps[-2].lr


def test_every_image_is_seen_once_an_epoch(events: list[Event], digits: Dataset) -> None:
    fit, _ = split_validation(len(digits.train), 0.1)
    first_epoch = np.sum([step.confusion for step in steps_of(events) if step.epoch == 1], axis=0)
    assert first_epoch.sum(axis=1).tolist() == np.bincount(digits.train.labels[fit]).tolist()


def test_validation_is_measured_twice_an_epoch_and_test_once_at_the_end(events: list[Event]) -> None:
    moments = [(event.step, event.epoch, event.split) for event in evaluations_of(events)]
    assert moments == [
        (5, 1, "validation"),
        (9, 1, "validation"),
        (14, 2, "validation"),
        (18, 2, "validation"),
        (18, 2, "test"),
    ]
    assert events[-1] is evaluations_of(events)[-1]


def test_without_validation_test_is_evaluated_after_each_epoch(digits: Dataset) -> None:
    config = TrainConfig(batch_size=100, epochs=2, validation_fraction=0)
    kinds = [getattr(event, "split", "step") for event in train(config, digits)]
    assert kinds == ["step"] * 3 + ["test"] + ["step"] * 3 + ["test"]


def test_a_run_can_end_without_a_test_and_is_otherwise_the_same(digits: Dataset, events: list[Event]) -> None:
    untested = list(train(replace(CONFIG, skip_test=True), digits))
    assert [event.loss for event in untested] == [event.loss for event in events[:-1]]
    assert {event.split for event in evaluations_of(untested)} == {"validation"}


def test_a_share_of_the_training_images_is_trained_on(digits: Dataset, events: list[Event]) -> None:
    config = replace(CONFIG, train_fraction=0.5)
    half = list(train(config, digits))
    chosen, _ = split_training(digits.train.labels, 0.1, 0.5)
    first_epoch = np.sum([step.confusion for step in steps_of(half) if step.epoch == 1], axis=0)
    assert first_epoch.sum(axis=1).tolist() == np.bincount(digits.train.labels[chosen]).tolist()
    assert len(steps_of(half)) == config.total_steps(135)
    images = [sum(map(sum, evaluation.confusion)) for evaluation in evaluations_of(half)]
    assert images == [sum(map(sum, evaluation.confusion)) for evaluation in evaluations_of(events)]


def test_a_one_batch_epoch_is_evaluated_once(digits: Dataset) -> None:
    config = TrainConfig(batch_size=FIT, epochs=1)
    kinds = [getattr(event, "split", "step") for event in train(config, digits)]
    assert kinds == ["step", "validation", "test"]


def test_confusion_agrees_with_accuracy_and_predictions(events: list[Event], digits: Dataset) -> None:
    for event in events:
        counts = np.array(event.confusion)
        assert counts.shape == (10, 10)
        assert counts.trace() / counts.sum() == event.accuracy
    _, held_out = split_validation(len(digits.train), 0.1)
    for evaluation in evaluations_of(events):
        labels = digits.test.labels if evaluation.split == "test" else digits.train.labels[held_out]
        counted = np.zeros((10, 10), int)
        np.add.at(counted, (labels, evaluation.predictions), 1)
        assert counted.tolist() == [list(row) for row in evaluation.confusion]
        assert evaluation.predictions.dtype == np.uint8


def test_events_are_plain_numbers(events: list[Event]) -> None:
    for event in events:
        for name in set(event.__slots__) - {"predictions", "probabilities", "split", "confusion"}:
            assert type(getattr(event, name)) in (int, float), name
        assert {type(cell) for row in event.confusion for cell in row} == {int}


def test_steps_carry_the_settings_in_force(events: list[Event]) -> None:
    assert {(step.lr, step.momentum) for step in steps_of(events)} == {(CONFIG.lr, CONFIG.momentum)}


def test_the_network_learns(digits: Dataset) -> None:
    config = TrainConfig(batch_size=10, lr=0.05, momentum=0.8, epochs=2)
    events = list(train(config, digits))
    losses = [step.loss for step in steps_of(events)]
    assert 2.1 < np.mean(losses[:3]) < 2.5  # ln 10 = 2.30 for ten equally likely classes
    assert np.mean(losses[-10:]) < 1.0
    assert events[-1].accuracy > 0.4  # of 300 images, after 54 updates


def test_pixels_are_normalised_as_in_the_classic_script(digits: Dataset) -> None:
    images = Images.on_device(digits.test, torch.device("cpu"))
    pixels, labels = images[torch.tensor([3, 99])]
    expected = (torch.tensor(digits.test.images[[3, 99]]).float() / 255 - 0.1307) / 0.3081
    torch.testing.assert_close(pixels, expected.unsqueeze(1))
    assert labels.tolist() == digits.test.labels[[3, 99]].tolist()


@pytest.mark.parametrize("batch_size", [1, 7, 100, 1000])
def test_the_test_batch_size_does_not_change_the_result(digits: Dataset, batch_size: int) -> None:
    model = TrainState.initial(CONFIG).model
    images = Images.on_device(digits.test, torch.device("cpu"))
    loss, confusion, predictions, levels = evaluate(model, images, batch_size)
    with torch.no_grad():
        pixels, labels = images[:]
        log_probabilities = model(pixels)
    assert loss == pytest.approx(F.nll_loss(log_probabilities, labels).item(), rel=1e-6)
    assert predictions.tolist() == log_probabilities.argmax(1).tolist()
    assert sum(map(sum, confusion)) == 100
    assert levels.tolist() == encode_probabilities(log_probabilities.exp().numpy()).tolist()
    assert np.abs(decode_probabilities(levels) - log_probabilities.exp().numpy()).max() <= MAX_CODING_ERROR + 1e-6


def test_an_image_without_a_number_has_only_zeros_as_probabilities(digits: Dataset) -> None:
    class Broken(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            outputs = torch.zeros(len(images), 10)
            outputs[0] = math.nan
            return F.log_softmax(outputs, dim=1)

    *_, levels = evaluate(Broken(), Images.on_device(digits.test, torch.device("cpu")), 50)
    assert levels.sum(1).tolist() == [260 if number % 50 else 0 for number in range(100)]


def test_a_batch_larger_than_the_training_set_is_refused_at_the_first_event(digits: Dataset) -> None:
    with pytest.raises(ConfigError, match="Batch size must be between 1 and 270"):
        next(train(TrainConfig(batch_size=271), digits))


@pytest.mark.parametrize("device", ["cuda", "mps"])
def test_a_device_this_machine_lacks_is_refused(digits: Dataset, device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    with pytest.raises(ConfigError, match=f"Device {device} is not available on this machine") as caught:
        next(train(TrainConfig(device=device), digits))
    assert caught.value.field == "device"
    assert choose_device("auto") == torch.device("cpu")


@pytest.mark.parametrize("batch_size", [1, 269])
def test_batch_normalisation_takes_batches_of_one_image(digits: Dataset, batch_size: int) -> None:
    """With 269, the last batch of 270 has one image. Each channel then has the mean of its own pixels."""
    config = TrainConfig(model="compact", batch_size=batch_size, lr=0.001, epochs=1, last_batch="keep", device="cpu")
    events = list(train(config, digits))
    assert all(np.isfinite(event.loss) for event in events)
    assert sum(map(sum, steps_of(events)[-1].confusion)) == 1


def test_statistics_have_settled_after_a_short_run(digits: Dataset) -> None:
    """The network answers in evaluation as in training, where it normalises by the batch."""
    config = TrainConfig(model="compact", batch_size=27, lr=0.05, momentum=0.9, schedule="one-cycle", epochs=2)
    state = TrainState.initial(config)
    events = list(train(config, digits, state=state))
    images, labels = Images.on_device(digits.test, state.device)[:]
    with torch.no_grad():
        in_training = (state.model.train()(images).argmax(1) == labels).float().mean().item()
    assert in_training > 0.8
    assert events[-1].accuracy == pytest.approx(in_training, abs=0.05)
