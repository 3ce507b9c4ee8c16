"""One training step."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_core.config import TrainConfig
from mnist_core.records import Confusion
from mnist_core.training.batches import Images, step_seed
from mnist_core.training.devices import autocast
from mnist_core.training.metrics import pack_metrics, unpack_metrics
from mnist_core.training.train_state import TrainState


class TrainStep:
    """Trains the network of a state on one batch of `images` after another."""

    def __init__(self, config: TrainConfig, state: TrainState, images: Images) -> None:
        self._config = config
        self._state = state
        self._images = images

    def __call__(self, batch: Tensor, lr: float) -> tuple[float, Confusion]:
        """Train on the images that `batch` (B,) indexes. Return their mean loss (nats) and counts before the update."""
        state = self._state
        state.generator.manual_seed(step_seed(self._config.seed, state.step))
        if not state.model.training:
            state.model.train()
        return unpack_metrics(self._compute(batch, lr))

    def _compute(self, batch: Tensor, lr: float) -> Tensor:
        """Compute one step. Returns the packed metrics."""
        model, optimizer, generator = self._state.model, self._state.optimizer, self._state.generator
        max_shift = self._config.max_shift

        # ------------------------------------------------------------ one training step
        pixels, labels = self._images.shifted(batch, max_shift, generator) if max_shift else self._images[batch]
        optimizer.zero_grad()
        with autocast(self._config.precision, batch.device):
            log_probabilities = model(pixels)
        loss = F.nll_loss(log_probabilities, labels)
        _smooth(loss, log_probabilities, self._config.label_smoothing).backward()  # type: ignore[no-untyped-call]
        optimizer.step(lr, self._state.momentum)
        # ------------------------------------------------------------

        return pack_metrics(loss.detach(), labels, log_probabilities.detach().argmax(1))


def _smooth(loss: Tensor, log_probabilities: Tensor, share: float) -> Tensor:
    """Return the loss with label smoothing (Szegedy et al. 2016), which spreads a share of each label over all digits.

    It is only minimised. The recorded loss is that of the true labels, which compares with other runs and validation.
    """
    return torch.lerp(loss, -log_probabilities.mean(), share) if share else loss
