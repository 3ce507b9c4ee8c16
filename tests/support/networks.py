"""Files of users' own networks: a good one, and how they may be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mnist_core.errors import ConfigError
from mnist_core.network_names import OwnNetwork
from mnist_core.records import NetworkSource

TINY = """\
import torch.nn.functional as F
from torch import nn


class Tiny(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(784, 16)
        self.dropout = nn.Dropout(0.2)
        self.out = nn.Linear(16, 10)

    def forward(self, images):
        x = self.dropout(F.relu(self.hidden(images.view(-1, 784))))
        return F.log_softmax(self.out(x), dim=1)
"""
TINY_PARAMETERS = 784 * 16 + 16 + 16 * 10 + 10


def tiny_source(text: str = TINY) -> NetworkSource:
    return NetworkSource("tiny.py", text)


def write_network(folder: Path, text: str = TINY, name: str = "tiny.py") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def with_forward(*lines: str) -> str:
    """Return `TINY` with another end of `forward`; `x` is float (N, 16)."""
    head, _, _ = TINY.rpartition("        return")
    return head + "".join(f"        {line}\n" for line in lines)


def check_in_this_process(source: NetworkSource, network: OwnNetwork) -> dict[str, Any]:
    """Do what the process does that checks a network."""
    from mnist_core.training.networks.own import code, tiny_batch

    try:
        return {"parameters": tiny_batch.check(code.provide(source, network.class_name))}
    except ConfigError as error:
        return {"problem": str(error)}
