"""Records the user's own networks before runs train them. Does not import torch."""

from __future__ import annotations

from dataclasses import replace

from mnist_core.config import TrainConfig
from mnist_core.network_names import OwnNetwork
from mnist_core.records import NetworkSource
from mnist_core.store import RunStore
from mnist_core.training.networks.own.checking import check_network
from mnist_core.training.networks.own.files import read_from_folder


def with_recorded_network(store: RunStore, config: TrainConfig) -> TrainConfig:
    """Return the settings with the present version of the network that they name in the folder of networks, if any.

    Its source is checked and recorded. Raises `ConfigError` for a network that cannot be used.
    """
    network = OwnNetwork.parse(config.model)
    if network is None or network.digest:
        return config
    return replace(config, model=record_network(store, read_from_folder(network), network.class_name))


def record_network(store: RunStore, source: NetworkSource, class_name: str) -> str:
    """Check and record a network, and return the value of the setting `model` for it. Raises `ConfigError`."""
    check_network(source, class_name)
    store.commands.record_network(source)
    return source.network(class_name).name
