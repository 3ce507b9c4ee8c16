"""The example in the README is a network that trains."""

import re

from mnist_core.config import TrainConfig
from mnist_core.data.datasets import Dataset
from mnist_core.records import NetworkSource, StepMetrics
from mnist_core.system.paths import ROOT
from mnist_core.training.engine import train
from mnist_core.training.networks.own import code, tiny_batch
from mnist_core.training.networks.own.files import network_classes, parse_source


def test_the_example_of_the_readme_trains(digits: Dataset) -> None:
    section = (ROOT / "README.md").read_text(encoding="utf-8").partition("## Use your own network")[2]
    (example,) = re.findall(r"```python\n(.*?)```", section.partition("\n## ")[0], re.DOTALL)
    source = NetworkSource("tiny.py", example)
    assert network_classes(parse_source(source)) == ["Tiny"]
    network = code.provide(source, "Tiny")
    assert tiny_batch.check(network) == 11_738
    config = TrainConfig(model=network.name, lr=0.1, batch_size=20, epochs=6, device="cpu")
    losses = [event.loss for event in train(config, digits) if isinstance(event, StepMetrics)]
    assert sum(losses[-10:]) / 10 < 0.5 * losses[0]
