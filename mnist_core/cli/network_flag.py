"""The flag `--model` where it may name a class in a file of the user's own."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mnist_core.config import SETTINGS
from mnist_core.network_names import OwnNetwork
from mnist_core.runs.own_networks import record_network
from mnist_core.store import RunStore
from mnist_core.system.paths import networks_dir
from mnist_core.training.networks.own.files import parse_network, read_network_file


@dataclass(frozen=True)
class NetworkFile:
    """A class in a file, as given with `--model path/to/file.py:Class`."""

    path: Path
    class_name: str

    def record(self, store: RunStore) -> str:
        """Check and record the file; return the value of the setting `model` for it. Raises `ConfigError`."""
        return record_network(store, read_network_file(self.path), self.class_name)


def parse_model(text: str) -> str | NetworkFile:
    """Return a built-in network or a recorded version as it is, and a class in a file with the file's path.

    A file that is not there is looked for in the folder of networks. Raises `ConfigError`.
    """
    network = OwnNetwork.parse(text)
    if (network and network.digest) or not (".py:" in text or text.endswith(".py")):
        return str(SETTINGS["model"].parse(text))
    path, class_name = parse_network(text)
    if network and not path.exists() and (networks_dir() / network.file).exists():
        path = networks_dir() / network.file
    return NetworkFile(path, class_name)
