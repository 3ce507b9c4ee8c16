"""Inside a network: the filters of its first layer, the values of each layer, and units that are never active."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from mnist_core.data.datasets import Dataset
from mnist_core.errors import DatasetError, InferenceError
from mnist_core.inference.answers import Answers
from mnist_core.inference.layers import Layers, count_dead_units, record_layers
from mnist_core.inference.weights import Network, Weights
from mnist_core.store import RunStore
from mnist_core.training.batches import normalize
from mnist_core.training.networks.models import Net
from tests.inference.conftest import Train


def unpacked(layer: dict[str, Any]) -> np.ndarray:
    """Return the values of a layer in an answer."""
    levels = np.frombuffer(base64.b64decode(layer["values"]), np.uint8).reshape(layer["shape"])
    values: np.ndarray = layer["min"] + levels * ((layer["max"] - layer["min"]) / 255)
    return values


@pytest.mark.parametrize(
    ("model", "name", "shape"),
    [
        ("compact", "conv1.weight", [16, 9, 9]),
        ("mlp", "fc1.weight", [128, 28, 28]),
        ("softmax", "fc.weight", [10, 28, 28]),
    ],
)
def test_the_filters_are_the_weights_of_the_first_layer(
    train: Train, store: RunStore, answers: Answers, *, model: str, name: str, shape: list[int]
) -> None:
    run = train(model=model)
    answer = answers.answer({"ask": "filters", "run": run.id, "step": 9}, b"")
    assert (answer["step"], answer["name"], answer["shape"]) == (9, name, shape)
    weight = Weights(store.queries).load_newest(run).model.state_dict()[name].reshape(-1, *shape[1:])[: shape[0]]
    assert unpacked(answer) == pytest.approx(weight.numpy(), abs=(answer["max"] - answer["min"]) / 500)


def test_the_layers_of_the_classic_network_are_shown_after_relu(
    train: Train, store: RunStore, answers: Answers, small_mnist: Dataset
) -> None:
    run = train(model="classic")
    question = {"ask": "activations", "run": run.id, "step": 9, "split": "test", "image": 4}
    layers = answers.answer(question, b"")["layers"]
    model = Weights(store.queries).load_newest(run).model
    assert isinstance(model, Net)
    with torch.inference_mode():
        first = F.relu(F.max_pool2d(model.conv1(normalize(torch.from_numpy(small_mnist.test.images[4:5]))), 2))
        second = F.relu(F.max_pool2d(model.conv2(first), 2))
        third = F.relu(model.fc1(second.flatten(1)))
        expected = {"conv1": first, "conv2": second, "fc1": third, "fc2": model.fc2(third)}
    assert [layer["name"] for layer in layers] == list(expected)
    for layer, values in zip(layers, expected.values(), strict=True):
        assert unpacked(layer) == pytest.approx(values[0].numpy(), abs=(layer["max"] - layer["min"]) / 500)
    assert [layer["units"] for layer in layers] == [20, 50, 500, 10]
    dead = answers.answer({"ask": "dead_units", "run": run.id, "step": 9, "split": "test"}, b"")
    assert dead["step"] == 9
    assert list(dead["dead"]) == ["conv1", "conv2", "fc1"]  # the last layer has no ReLU


class WithDeadUnits(nn.Module):
    """Convolution with normalisation and a hidden layer, of which some units are never active."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.hidden = nn.Linear(4 * 26 * 26, 6)
        self.act = nn.ReLU()
        self.out = nn.Linear(6, 10)
        with torch.no_grad():
            assert self.hidden.bias is not None
            self.norm.bias[:] = torch.tensor([1000, -1000, 1000, 1000])
            self.hidden.bias[:] = torch.tensor([-1e6, 1e6, 1e6, -1e6, 1e6, -1e6])

    def forward(self, images: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.conv(images)))
        return F.log_softmax(self.out(self.act(self.hidden(x.flatten(1)))), 1)


def test_dead_units_are_those_that_no_image_activates(train: Train, small_mnist: Dataset) -> None:
    network = Network(train(), 9, WithDeadUnits().eval(), "key")
    images = small_mnist.test.images
    dead = count_dead_units(network, [images[:60], images[60:]])
    assert dead == {"norm": 1, "hidden": 3}
    recorded = record_layers(network, images)
    assert [name for name, layer in recorded.items() if layer.has_relu] == ["norm", "hidden"]
    assert float(recorded["conv"].values.min()) < 0 <= float(recorded["norm"].values.min())


def test_without_the_images_of_the_split_dead_units_cannot_be_counted(
    train: Train, store: RunStore, answers: Answers
) -> None:
    run = train(model="mlp")
    with store._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE runs SET dataset = 'KMNIST'")
    with pytest.raises(DatasetError):
        answers.answer({"ask": "dead_units", "run": run.id, "step": 9, "split": "test"}, b"")
    layers = answers.answer({"ask": "activations", "run": run.id, "step": 9}, bytes(784))["layers"]  # of a drawing
    assert [layer["name"] for layer in layers] == ["fc1", "fc2", "fc3"]


class Unusual(nn.Module):
    """A network whose first layer has weights that are no pictures."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(14 * 14, 10)

    def forward(self, images: Tensor) -> Tensor:
        return torch.log_softmax(self.hidden(F.avg_pool2d(images, 2).flatten(1)), 1)


def test_a_first_layer_without_pictures_says_so(train: Train, answers: Answers) -> None:
    with pytest.raises(InferenceError, match="has no layer whose weights are pictures"):
        Layers(answers._images).filters(Network(train(), 9, Unusual(), "key"))
