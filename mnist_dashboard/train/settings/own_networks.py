"""The owner's own networks in the setting Network: those in the folder of networks, checked before a run may train one.

No code of theirs runs in the server: the folder is read as text, and a short-lived process checks the chosen network.
"""

from __future__ import annotations

import threading
import time

import streamlit as st

from mnist_core.config import MODELS
from mnist_core.errors import ConfigError
from mnist_core.network_names import OwnNetwork
from mnist_core.training.networks.own import files
from mnist_core.training.networks.own.checking import check_network, checked_parameters
from mnist_dashboard import access, services

REMEMBERED_SECONDS = 30.0
"""How long a problem that a check has found is believed: what a network imports may be installed meanwhile."""

_checking = threading.Lock()
_problems: dict[str, tuple[float, str]] = {}
"""Time and sentence of each network version that did not pass; guarded by `_checking`."""


def network_choices(shown: str) -> list[str]:
    """Return the values that the setting Network offers: built-in, then the owner's own. `shown` is one of them."""
    own = [network.name for network in files.list_networks().networks] if access.may_act() else []
    choices = [*MODELS, *own]
    return choices if shown in choices else [*choices, shown]


def find_problem(model: str) -> str:
    """Say in a sentence why no run can train this network now; empty if one can.

    Checks a version of the owner's own network that has not been checked before, which takes seconds. Only for owners.
    """
    network = OwnNetwork.parse(model)
    if network is None or not access.may_act():
        return ""
    try:
        if network.digest:
            services.current().queries.check_network(model)
            return ""
        source = files.read_from_folder(network)
    except ConfigError as error:
        return str(error)
    version = source.network(network.class_name)
    if checked_parameters(version) is not None:
        return ""
    with st.sidebar, st.spinner(f"Checking {network.label}"), _checking:
        checked_at, problem = _problems.get(version.name, (0.0, ""))
        if not problem or time.monotonic() - checked_at > REMEMBERED_SECONDS:
            try:
                check_network(source, network.class_name)
                return ""
            except ConfigError as error:
                problem = str(error)
            _problems[version.name] = time.monotonic(), problem
        return problem


def count_parameters(model: str) -> int | None:
    """Return the number of parameters of the owner's own network; None if it has not been checked here."""
    network = OwnNetwork.parse(model)
    if network is None:
        return None
    try:
        version = network if network.digest else files.read_from_folder(network).network(network.class_name)
    except ConfigError:
        return None
    return checked_parameters(version)


def folder_problems() -> str:
    """Say what is wrong with files in the folder of networks; empty if nothing is."""
    return " ".join(files.list_networks().problems) if access.may_act() else ""
