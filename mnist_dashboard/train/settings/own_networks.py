"""The owner's own networks in the setting Network: those in the folder of networks, checked before a run may train one.

No code of theirs runs in the server: the folder is read as text, and a short-lived process checks the chosen network. A
thread waits for that process, so that the page does not.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, field

import streamlit as st

from mnist_core.config import MODELS
from mnist_core.errors import ConfigError, MnistError
from mnist_core.network_names import OwnNetwork
from mnist_core.records import NetworkSource
from mnist_core.training.networks.own import files
from mnist_core.training.networks.own.checking import check_network, checked_parameters
from mnist_dashboard import access, services

REMEMBERED_SECONDS = 30.0
"""How long a problem that a check has found is believed: what a network imports may be installed meanwhile."""

QUICK_SECONDS = 0.1
"""How long a page waits for a check. Then it goes on, and looks again each `POLL_SECONDS`."""

POLL_SECONDS = 1.0

_one_at_a_time = threading.Lock()
_checks: dict[str, _Check] = {}
"""The last check of each version that has not passed, by its name."""


@dataclass
class _Check:
    """The check of one version of a network in the background."""

    problem: str = ""
    ended_at: float = 0.0
    ended: threading.Event = field(default_factory=threading.Event)

    @property
    def is_outdated(self) -> bool:
        return self.ended.is_set() and time.monotonic() - self.ended_at > REMEMBERED_SECONDS

    def run(self, source: NetworkSource, class_name: str) -> None:
        try:
            with _one_at_a_time:
                check_network(source, class_name)
        except MnistError as error:
            self.problem = str(error)
        except Exception:
            logging.getLogger(__name__).exception("The network %s could not be checked.", source.file)
            self.problem = f"{source.file} could not be checked; the terminal has the details."
        self.ended_at = time.monotonic()
        self.ended.set()


def network_choices(shown: str) -> list[str]:
    """Return the values that the setting Network offers: built-in, then the owner's own. `shown` is one of them."""
    own = [network.name for network in files.list_networks().networks] if access.may_act() else []
    choices = [*MODELS, *own]
    return choices if shown in choices else [*choices, shown]


def find_problem(model: str) -> str:
    """Say in a sentence why no run can train this network now; empty if one can.

    A version of the owner's own network that has not been checked before is checked in the background; see
    `is_checking`. Only for owners.
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
    check = _checks.get(version.name)
    if check is None or check.is_outdated:
        check = _checks[version.name] = _Check()
        threading.Thread(target=check.run, args=(source, network.class_name), daemon=True).start()
    return check.problem if check.ended.wait(QUICK_SECONDS) else f"{network.label} is being checked."


def is_checking(model: str) -> bool:
    """Whether the present version of the owner's own network is being checked."""
    version = _present_version(model)
    check = _checks.get(version.name) if version else None
    return check is not None and not check.ended.is_set()


@st.fragment(run_every=POLL_SECONDS)
def render_wait(model: str) -> None:
    """Say that a network is being checked, and draw the page again when it has been."""
    network = OwnNetwork.parse(model)
    if network is None or not is_checking(model):
        st.rerun()
    st.caption(f"Checking {network.label}")


def count_parameters(model: str) -> int | None:
    """Return the number of parameters of the owner's own network; None if it has not been checked here."""
    version = _present_version(model)
    return checked_parameters(version) if version else None


def present_name(model: str) -> str:
    """Return a value of the setting Network with the present version of the owner's own network, if it is one."""
    version = _present_version(model)
    return version.name if version else model


def folder_problems() -> str:
    """Say what is wrong with files in the folder of networks; empty if nothing is."""
    return " ".join(files.list_networks().problems) if access.may_act() else ""


def _present_version(model: str) -> OwnNetwork | None:
    """Return the owner's own network that a value of the setting names, with its version; None if it has no file."""
    network = OwnNetwork.parse(model)
    if network is None or network.digest:
        return network
    try:
        return files.read_from_folder(network).network(network.class_name)
    except ConfigError:
        return None
