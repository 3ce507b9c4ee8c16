"""One training step. A GPU repeats it as a CUDA graph."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
import torch.nn.functional as F
from torch import Tensor

from mnist_core.config import TrainConfig
from mnist_core.network_names import OwnNetwork
from mnist_core.records import Confusion
from mnist_core.training.batches import Images, step_seed
from mnist_core.training.devices import autocast
from mnist_core.training.metrics import pack_metrics, unpack_metrics
from mnist_core.training.networks.layers import BatchNorm
from mnist_core.training.train_state import TrainState

GRAPH_DEVICES = ("cuda",)
"""Kinds of devices whose steps are recorded as graphs."""


class TrainStep:
    """Trains the network of a state on one batch of `images` after another.

    Each step launches about 50 kernels, which keep a GPU busy for 0.3 ms but take Python 2 ms. A CUDA graph launches
    them all at once. It is recorded when a step has the same shape as the one before, and computes the same bits.
    """

    def __init__(self, config: TrainConfig, state: TrainState, images: Images) -> None:
        self._config = config
        self._state = state
        self._images = images
        self._is_own = OwnNetwork.parse(config.model) is not None
        # The code of a user's own network may do what no graph can repeat, such as count its calls.
        self._uses_graphs = state.device.type in GRAPH_DEVICES and not self._is_own
        self._shape: tuple[int, float] | None = None
        """Batch size and momentum of the last step: a graph holds for one of each."""
        self._graph: _Graph | None = None
        self._batch_norms = [layer for layer in state.model.modules() if isinstance(layer, BatchNorm)]

    def __call__(self, batch: Tensor, lr: float) -> tuple[float, Confusion]:
        """Train on the images that `batch` (B,) indexes. Return their mean loss (nats) and counts before the update."""
        state = self._state
        state.generator.manual_seed(step_seed(self._config.seed, state.step))
        if not state.model.training:
            state.model.train()
        with self._own_random_numbers():
            return unpack_metrics(self._replay(batch, lr) if self._uses_graphs else self._compute(batch, lr))

    def _own_random_numbers(self) -> AbstractContextManager[None]:
        """Seed torch's global generators for this step if the network draws from them, and restore them after it.

        A user's own network does, in `nn.Dropout` for example. So its steps repeat, whatever the consumer draws.
        """
        if not self._is_own:
            return nullcontext()
        return _seeded(step_seed(self._config.seed, self._state.step), self._state.device)

    def _compute(self, batch: Tensor, lr: float | Tensor) -> Tensor:
        """Compute one step. Returns the packed metrics. Nothing here may wait for the GPU once `BatchNorm` settled."""
        model, optimizer, generator = self._state.model, self._state.optimizer, self._state.generator
        augmentation, max_shift = self._config.augmentation, self._config.max_shift

        # ------------------------------------------------------------ one training step
        pixels, labels = self._images.augmented(batch, augmentation, max_shift, generator)
        optimizer.zero_grad()
        with autocast(self._config.precision, batch.device):
            log_probabilities = model(pixels)
        loss = F.nll_loss(log_probabilities, labels)
        _smooth(loss, log_probabilities, self._config.label_smoothing).backward()  # type: ignore[no-untyped-call]
        optimizer.step(lr, self._state.momentum)
        # ------------------------------------------------------------

        return pack_metrics(loss.detach(), labels, log_probabilities.detach().argmax(1))

    def _replay(self, batch: Tensor, lr: float) -> Tensor:
        """Compute one step as `_compute` does, from the graph if there is one."""
        shape = (len(batch), self._state.momentum)
        if shape != self._shape:
            # This step computes eagerly. It also prepares the libraries for recording.
            self._shape, self._graph = shape, None
        elif self._graph is None and all(layer.is_settled for layer in self._batch_norms):
            self._graph = _Graph(self._compute, batch, self._state.generator)
        if self._graph is not None:
            return self._graph.replay(batch, lr)
        return self._compute(batch, torch.tensor(lr, device=batch.device))


class _Graph:
    """A recorded training step, for batches of the same size."""

    def __init__(self, compute: Callable[[Tensor, Tensor], Tensor], batch: Tensor, generator: torch.Generator) -> None:
        self._batch = torch.empty_like(batch)
        self._lr = torch.empty((), device=batch.device)
        self._graph = torch.cuda.CUDAGraph()
        self._graph.register_generator_state(generator)  # so that a replay draws from the seed that is set then
        with torch.cuda.graph(self._graph):  # records and computes nothing
            self._packed_metrics = compute(self._batch, self._lr)

    def replay(self, batch: Tensor, lr: float) -> Tensor:
        self._batch.copy_(batch)
        self._lr.fill_(lr)
        self._graph.replay()
        return self._packed_metrics


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def _smooth(loss: Tensor, log_probabilities: Tensor, share: float) -> Tensor:
    """Return the loss with label smoothing (Szegedy et al. 2016), which spreads a share of each label over all digits.

    It is only minimised. The recorded loss is that of the true labels, which compares with other runs and validation.
    """
    return torch.lerp(loss, -log_probabilities.mean(), share) if share else loss
