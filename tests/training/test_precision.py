"""With bf16 only the layers compute in bfloat16: losses, gradients of logits, sums and updates keep full precision."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_core.config import MODELS, OPTIMIZERS, TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import StepMetrics
from mnist_core.system.machine import has_bf16
from mnist_core.training.batches import Images, sample_order
from mnist_core.training.devices import autocast
from mnist_core.training.engine import evaluate, train
from mnist_core.training.networks import models
from mnist_core.training.networks.layers import Dropout
from mnist_core.training.train_state import TrainState

pytestmark = pytest.mark.skipif(not has_bf16(), reason="the processor has no bfloat16 arithmetic")

CPU = torch.device("cpu")
BATCH = 100
"""1 / 100 is no bfloat16 number: rounded to 8 bits it is 0.01001."""

CONFIG = TrainConfig(precision="bf16", batch_size=BATCH, epochs=1, validation_fraction=0, device="cpu")


@contextmanager
def recorded_logits(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect what the last layer of a network returns."""
    logits: list[Tensor] = []
    *_, last_layer = model.children()
    hook = last_layer.register_forward_hook(lambda _layer, _inputs, output: logits.append(output))
    yield logits
    hook.remove()


def mean_loss(logits: Tensor, labels: Tensor) -> float:
    """Return the mean negative log-likelihood in float64."""
    return F.cross_entropy(logits.double(), labels).item()


@pytest.mark.parametrize("name", MODELS)
def test_loss_and_gradient_of_the_logits_are_those_of_fp32(name: str, digits: Dataset) -> None:
    model = models.build_model(name, torch.Generator())
    images, labels = Images.on_device(digits.train, CPU)[:BATCH]
    with recorded_logits(model) as recorded, autocast("bf16", CPU):
        log_probabilities = model(images)
    (logits,) = recorded
    assert logits.dtype is torch.bfloat16
    assert log_probabilities.dtype is torch.float32
    loss = F.nll_loss(log_probabilities, labels)
    assert loss.item() == pytest.approx(mean_loss(logits, labels), rel=1e-6)
    (gradient,) = torch.autograd.grad(loss, logits)
    in_fp32 = logits.detach().float().requires_grad_()
    (expected,) = torch.autograd.grad(F.cross_entropy(in_fp32, labels), in_fp32)
    assert torch.equal(gradient, expected.to(torch.bfloat16))


def test_recorded_losses_and_accuracies_are_those_of_the_logits(digits: Dataset) -> None:
    state = TrainState.initial(CONFIG)
    with recorded_logits(state.model) as recorded:
        steps = [event for event in train(CONFIG, digits, state=state) if isinstance(event, StepMetrics)]
    labels = torch.tensor(digits.train.labels).long()[sample_order(CONFIG.seed, 1, len(digits.train))]
    # The evaluation after the last step has logits, too.
    for step, logits, batch_labels in zip(steps, recorded, torch.split(labels, BATCH), strict=False):
        assert step.loss == pytest.approx(mean_loss(logits, batch_labels), rel=1e-6)
        assert step.accuracy == (logits.argmax(1) == batch_labels).double().mean()
    assert len(steps) == 3


@pytest.mark.parametrize("name", MODELS)
def test_an_evaluation_is_that_of_the_logits(name: str, digits: Dataset) -> None:
    model = models.build_model(name, torch.Generator())
    images = Images.on_device(digits.train, CPU)
    with recorded_logits(model) as recorded:
        loss, confusion, predictions, _ = evaluate(model, images, batch_size=70, precision="bf16")
    logits = torch.cat(recorded)
    assert logits.dtype is torch.bfloat16
    assert loss == pytest.approx(mean_loss(logits, images.labels), rel=1e-6)
    assert predictions.tolist() == logits.argmax(1).tolist()
    assert np.trace(confusion) == (logits.argmax(1) == images.labels).sum()


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_weights_gradients_and_the_optimizers_state_stay_in_fp32(optimizer: str, few_digits: Dataset) -> None:
    config = TrainConfig(**{**vars(CONFIG), "optimizer": optimizer, "model": "mlp", "batch_size": 20})
    state = TrainState.initial(config)
    next(train(config, few_digits, state=state))
    gradients = [weight.grad for weight in state.model.parameters() if weight.grad is not None]
    tensors = [*state.model.parameters(), *gradients, *state.optimizer.state()]
    assert {tensor.dtype for tensor in tensors} == {torch.float32}


@pytest.mark.parametrize("rate", [0.25, 0.5])
def test_what_dropout_keeps_is_rounded_once_to_bf16(rate: float) -> None:
    x = torch.linspace(1, 2, 1000).to(torch.bfloat16)
    dropped = Dropout(rate, torch.Generator().manual_seed(1))(x)
    expected = (x.float() / (1 - rate)).to(torch.bfloat16)
    assert torch.equal(dropped, torch.where(dropped == 0, 0, expected))
