"""Lets this process build a user's own network from the source that the store recorded. Imports torch.

Checkpoints, repetitions and exports use the recorded source, not the file: weights fit only the code that they were
trained with, and the user has given exactly this code to the program. The file may change or go.
"""

from __future__ import annotations

from mnist_core.network_names import OwnNetwork
from mnist_core.records import NetworkSource
from mnist_core.store.queries import Queries
from mnist_core.training.networks.own import code


def provide_network(queries: Queries, model: str) -> NetworkSource | None:
    """Allow `models.build_model` to build the network that a value of the setting `model` names.

    Returns the source of a user's own network; does nothing, and returns None, for a built-in one. Raises `ConfigError`
    if the source came with an imported run, or is not recorded here: then none of it is run.
    """
    network = OwnNetwork.parse(model)
    if network is None:
        return None
    queries.check_network(model)
    source = queries.find_network(model)
    assert source is not None, "it has just been checked"
    code.provide(source, network.class_name)
    return source
