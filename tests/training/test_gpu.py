"""What training does for a GPU. On a machine without one, graphs are replaced by a stand-in that computes eagerly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import Adjustment, EvalMetrics, StepMetrics
from mnist_core.training import train_step
from mnist_core.training.devices import make_repeatable
from mnist_core.training.engine import train

CONVOLUTIONS = torch.backends.cudnn.conv  # type: ignore[attr-defined]
CONFIG = TrainConfig(model="mlp", batch_size=30, epochs=2, validation_fraction=0.1, device="cpu")  # 9 steps an epoch


@pytest.fixture
def cudnn_restored() -> Iterator[None]:
    deterministic, precision = torch.backends.cudnn.deterministic, CONVOLUTIONS.fp32_precision
    yield
    torch.backends.cudnn.deterministic, CONVOLUTIONS.fp32_precision = deterministic, precision


@pytest.mark.usefixtures("cudnn_restored")
@pytest.mark.parametrize(("device", "is_changed"), [("cuda", True), ("cpu", False)])
def test_cuda_is_asked_for_repeatable_results_in_full_precision(device: str, is_changed: bool) -> None:
    """What the flags do was seen on a GPU: without them, fp32 runs differed from the first steps on."""
    make_repeatable(torch.device(device))
    assert torch.backends.cudnn.deterministic is is_changed
    assert (CONVOLUTIONS.fp32_precision == "ieee") is is_changed


class Recordings:
    """The graphs that were recorded: the size of their batches, and how often each was replayed."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.replays: list[int] = []


@pytest.fixture
def recordings(monkeypatch: pytest.MonkeyPatch) -> Recordings:
    """Training uses graphs, as on CUDA."""
    made = Recordings()

    class StandIn:
        def __init__(self, compute: Callable[[Tensor, Tensor], Tensor], batch: Tensor, _: torch.Generator) -> None:
            self.compute = compute
            self.number = len(made.sizes)
            made.sizes.append(len(batch))
            made.replays.append(0)

        def replay(self, batch: Tensor, lr: float) -> Tensor:
            assert len(batch) == made.sizes[self.number]
            made.replays[self.number] += 1
            return self.compute(batch, torch.tensor(lr))

    monkeypatch.setattr(train_step, "_Graph", StandIn)
    monkeypatch.setattr(train_step, "GRAPH_DEVICES", ("cpu",))
    return made


def outcomes(config: TrainConfig, data: Dataset, adjustments: dict[int, Adjustment]) -> list[tuple[str, float]]:
    """Kind and loss of each event, with adjustments after some steps."""
    events = train(config, data)
    event: StepMetrics | EvalMetrics | None = next(events)
    seen = []
    while event is not None:
        seen.append((type(event).__name__, event.loss))
        adjustment = adjustments.pop(event.step, None) if isinstance(event, StepMetrics) else None
        try:
            event = events.send(adjustment)
        except StopIteration:
            event = None
    return seen


def test_a_step_like_the_one_before_is_recorded_and_repeated(digits: Dataset, recordings: Recordings) -> None:
    outcomes(CONFIG, digits, {})
    assert recordings.sizes == [30]
    assert recordings.replays == [2 * 9 - 1]


def test_a_smaller_last_batch_needs_a_new_recording_after_it(digits: Dataset, recordings: Recordings) -> None:
    outcomes(replace(CONFIG, batch_size=40), digits, {})  # six batches of 40 and one of 30
    assert recordings.sizes == [40, 40]
    assert recordings.replays == [5, 5]


@pytest.mark.parametrize(
    ("adjustment", "sizes"), [(Adjustment(momentum=0.9), [30, 30]), (Adjustment(batch_size=15), [30, 15])]
)
def test_what_a_graph_holds_for_is_recorded_again_when_it_changes(
    digits: Dataset, recordings: Recordings, adjustment: Adjustment, sizes: list[int]
) -> None:
    outcomes(CONFIG, digits, {4: adjustment})
    assert recordings.sizes == sizes


def test_a_new_learning_rate_needs_no_recording(digits: Dataset, recordings: Recordings) -> None:
    outcomes(replace(CONFIG, schedule="one-cycle"), digits, {4: Adjustment(lr=0.1)})
    assert recordings.sizes == [30]


def test_batch_normalisation_settles_first(digits: Dataset, recordings: Recordings) -> None:
    """Before, the weight of a batch differs from step to step, and is read back from the device."""
    outcomes(replace(CONFIG, model="compact"), digits, {})
    assert recordings.replays == [2 * 9 - 10]


@pytest.mark.parametrize(
    ("optimizer", "augmentation"),
    [("sgd", "shift"), ("nesterov", "affine"), ("adam", "shift"), ("adadelta", "shift")],
)
def test_graphs_change_no_result(
    digits: Dataset, request: pytest.FixtureRequest, optimizer: str, augmentation: str
) -> None:
    config = replace(CONFIG, optimizer=optimizer, schedule="one-cycle", augmentation=augmentation, max_shift=1)
    changes = {3: Adjustment(lr=0.05), 6: Adjustment(momentum=0.8), 9: Adjustment(batch_size=20)}
    eager = outcomes(config, digits, dict(changes))
    request.getfixturevalue("recordings")
    graphed = outcomes(config, digits, dict(changes))
    assert [kind for kind, _ in graphed] == [kind for kind, _ in eager]
    assert [loss for _, loss in graphed] == pytest.approx([loss for _, loss in eager], rel=1e-5)
