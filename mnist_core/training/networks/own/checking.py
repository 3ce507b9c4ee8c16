"""Checks a network in a short-lived process, with a time limit, so that its code never runs here. No torch.

A version of a class that has passed is not checked again with the same torch: the runs folder remembers it with its
number of parameters.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mnist_core.errors import ConfigError
from mnist_core.network_names import OwnNetwork
from mnist_core.records import NetworkSource, encode_json
from mnist_core.system.atomic_files import write_atomically
from mnist_core.system.paths import ROOT, runs_dir
from mnist_core.system.private_files import create_private_folder

WORKER_MODULE = "mnist_core.training.networks.own.check_worker"

CHECK_SECONDS = 10
"""Time for the network's own code. The built-in networks need a tenth of a second at most."""

WORKER_SECONDS = 60.0
"""Time for the whole process, which first imports torch."""

MAX_REMEMBERED = 1000


def check_network(source: NetworkSource, class_name: str) -> int:
    """Check a class of a file and return its number of trainable parameters. Raises `ConfigError`.

    Takes a few seconds, unless this version has passed before.
    """
    network = source.network(class_name)
    parameters = checked_parameters(network)
    if parameters is None:
        result = _run_worker(source, network)
        if problem := result.get("problem"):
            raise ConfigError("model", str(problem))
        parameters = int(result["parameters"])
        _remember(network, parameters)
    return parameters


def checked_parameters(network: OwnNetwork) -> int | None:
    """Return the number of parameters of a version that has passed the check here; None for another."""
    parameters = _read_checked().get(network.name)
    return parameters if type(parameters) is int else None


def _run_worker(source: NetworkSource, network: OwnNetwork) -> dict[str, Any]:
    request = {"file": source.file, "text": source.text, "class_name": network.class_name, "seconds": CHECK_SECONDS}
    with tempfile.TemporaryDirectory() as folder:
        request_file, result_file = Path(folder) / "request.json", Path(folder) / "result.json"
        request_file.write_text(encode_json(request))
        with subprocess.Popen(
            [sys.executable, "-m", WORKER_MODULE, str(request_file), str(result_file)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # no pipes, on which a process that the network has started could be waited for
            cwd=ROOT,
            start_new_session=True,
        ) as process:
            try:
                code = process.wait(WORKER_SECONDS)
            except subprocess.TimeoutExpired:
                code = -signal.SIGALRM
            with suppress(ProcessLookupError):  # none of the processes that it has started is left
                os.killpg(process.pid, signal.SIGKILL)
        if result_file.exists():
            result: dict[str, Any] = json.loads(result_file.read_text())
            return result
    name = network.label
    if code == -signal.SIGALRM:
        return {"problem": f"{name} did not answer in time when it was checked. Remove what waits or loops for long."}
    return {"problem": f"{name} ended the process that checked it (exit code {code}). Remove what exits or crashes."}


# ---------------------------------------------------------------------- what has passed


def _read_checked() -> dict[str, int]:
    try:
        saved: dict[str, Any] = json.loads(_path().read_text())
        return dict(saved["parameters"]) if saved["torch"] == version("torch") else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _remember(network: OwnNetwork, parameters: int) -> None:
    """Two processes may write at once. Then one entry is lost, and that network is checked once more."""
    checked = {**_read_checked(), network.name: parameters}
    latest = dict(list(checked.items())[-MAX_REMEMBERED:])
    create_private_folder(_path().parent)
    write_atomically(_path(), encode_json({"torch": version("torch"), "parameters": latest}).encode())


def _path() -> Path:
    return runs_dir() / "derived" / "networks.json"
